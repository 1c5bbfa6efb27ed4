"""``hosts``: the daemons of other machines, by name."""

import click
import msgspec
from modeld.protocol import keys
from modeld.protocol.errors import ErrorCode
from modeld.protocol.wire import encode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb, VerbGroup
from modelctl.errors import LocalFailure, NotFound
from modelctl.language.catalogue import _
from modelctl.transport import hosts as known
from modelctl.transport import keys as stored
from modelctl.transport.hosts import Host


class Named(msgspec.Struct, frozen=True):
    """A host as ``hosts list --json`` prints it."""

    name: str
    endpoint: str
    events: str
    server_key: str
    key: str


@click.group(cls=VerbGroup, example="modelctl hosts list")
def hosts() -> None:
    """The daemons of other machines that --host can name."""


@hosts.command(cls=Verb, example="modelctl hosts add workstation tcp://192.168.1.20:5577 'SERVER KEY'")
@click.argument("name")
@click.argument("endpoint", metavar="tcp://ADDRESS:PORT")
@click.argument("server_key", metavar="SERVERKEY")
@click.option("--key", "key", default="", help="Which of your own keys to use; not needed while there is one.")
@click.option(
    "--events", default="", metavar="tcp://ADDRESS:PORT", help="Where events come from, if not the next port."
)
@pass_session
def add(session: Session, name: str, endpoint: str, server_key: str, key: str, events: str) -> None:
    """Remember another machine's daemon as NAME, with the key that it shows of itself."""
    if not keys.NAME.fullmatch(name):
        raise known.wrong(_("{name!r} is not a name for a host.").format(name=name))
    for given in filter(None, (endpoint, events)):
        if not known.is_endpoint(given):
            text = _("{endpoint!r} is not an endpoint; write tcp://ADDRESS:PORT.")
            raise known.wrong(text.format(endpoint=given))
    if not keys.is_key(server_key):
        raise known.wrong(
            _("{key!r} is not a public key (40 signs).").format(key=server_key),
            _("That machine shows its own by: modelctl keys list"),
        )
    host = Host(endpoint=endpoint, events=events, server_key=server_key, key=key or _only_key(session))
    known.own_pair(session.places, host.key)
    known.write(session.places, {**known.read(session.places), name: host})
    session.say(_("Try it: {command}").format(command=f"modelctl --host {name} status"))


@hosts.command("list", cls=Verb, example="modelctl hosts list")
@pass_session
def list_(session: Session) -> None:
    """Show the machines that are known."""
    for name, host in sorted(known.read(session.places).items()):
        named = Named(name, host.endpoint, host.events_endpoint(), host.server_key, host.key)
        if session.json:
            session.line(encode(named).decode())
        else:
            session.line(
                _("{name}: {endpoint}, with your key {key}").format(name=name, endpoint=host.endpoint, key=host.key)
            )


@hosts.command(cls=Verb, example="modelctl hosts rm workstation")
@click.argument("name")
@pass_session
def rm(session: Session, name: str) -> None:
    """Forget NAME."""
    found = known.read(session.places)
    if name not in found:
        raise NotFound(LocalFailure(code=ErrorCode.NOT_FOUND, message=_("There is no host {name}.").format(name=name)))
    del found[name]
    known.write(session.places, found)


def _only_key(session: Session) -> str:
    names = list(stored.own(session.places))
    if len(names) == 1:
        return names[0]
    if names:
        raise known.wrong(_("Say which key to use with --key: {names}.").format(names=", ".join(names)))
    raise known.wrong(_("You have no key yet."), _("Make one with: modelctl keys create NAME"))
