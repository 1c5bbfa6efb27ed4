"""``hosts`` and ``keys``: daemons of other machines, and the keys of clients that may connect over the network."""

import shlex

import click
import msgspec
from modeld.protocol.errors import ErrorCode
from modeld.protocol.keys import NAME, is_key
from modeld.protocol.wire import encode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb, VerbGroup
from modelctl.errors import LocalFailure, NotFound
from modelctl.language.catalogue import _
from modelctl.transport import hosts as known
from modelctl.transport import keys as stored
from modelctl.transport.hosts import Host


class NamedHost(msgspec.Struct, frozen=True):
    """A host as ``hosts list --json`` prints it."""

    name: str
    endpoint: str
    events: str
    server_key: str
    key: str


class NamedKey(msgspec.Struct, frozen=True):
    """A name and a public key."""

    name: str
    public: str


class KeyList(msgspec.Struct, frozen=True):
    """The output of ``keys list --json``; it contains no secret."""

    server: str
    allowed: list[NamedKey]
    own: list[NamedKey]


@click.group(cls=VerbGroup, example="modelctl hosts list")
def hosts() -> None:
    """Manage the daemons of other machines, for --host."""


@hosts.command("add", cls=Verb, example="modelctl hosts add workstation tcp://192.168.1.20:5577 'SERVER KEY'")
@click.argument("name")
@click.argument("endpoint", metavar="tcp://ADDRESS:PORT")
@click.argument("server_key", metavar="SERVERKEY")
@click.option("--key", "key", default="", help="Which of your own keys to use; needed only if you have several.")
@click.option(
    "--events", default="", metavar="tcp://ADDRESS:PORT", help="The endpoint of events, if it is not the next port."
)
@pass_session
def add_host(session: Session, name: str, endpoint: str, server_key: str, key: str, events: str) -> None:
    """Add another machine's daemon as NAME; SERVERKEY is its public key."""
    if not NAME.fullmatch(name):
        raise known.wrong(_("{name!r} is not a valid host name.").format(name=name))
    for given in filter(None, (endpoint, events)):
        if not known.is_endpoint(given):
            text = _("{endpoint!r} is not an endpoint; use tcp://ADDRESS:PORT.")
            raise known.wrong(text.format(endpoint=given))
    if not is_key(server_key):
        raise known.wrong(
            _("{key!r} is not a public key (40 characters).").format(key=server_key),
            _("To see the key, run on that machine: modelctl keys list"),
        )
    host = Host(endpoint=endpoint, events=events, server_key=server_key, key=key or _only_key(session))
    known.own_pair(session.places, host.key)
    known.write(session.places, {**known.read(session.places), name: host})
    session.say(_("Try it: {command}").format(command=f"modelctl --host {name} status"))


@hosts.command("list", cls=Verb, example="modelctl hosts list")
@pass_session
def list_hosts(session: Session) -> None:
    """List the known machines."""
    for name, host in sorted(known.read(session.places).items()):
        named = NamedHost(name, host.endpoint, host.events_endpoint(), host.server_key, host.key)
        if session.json:
            session.json_line(encode(named).decode())
        else:
            session.line(
                _("{name}: {endpoint}, with your key {key}").format(name=name, endpoint=host.endpoint, key=host.key)
            )


@hosts.command("rm", cls=Verb, example="modelctl hosts rm workstation")
@click.argument("name")
@pass_session
def remove_host(session: Session, name: str) -> None:
    """Remove the machine NAME from the list."""
    found = known.read(session.places)
    if name not in found:
        raise NotFound(LocalFailure(code=ErrorCode.NOT_FOUND, message=_("There is no host {name}.").format(name=name)))
    del found[name]
    known.write(session.places, found)


@click.group(cls=VerbGroup, example="modelctl keys list")
def keys() -> None:
    """Manage network keys: your own, and those that may connect to this machine's daemon."""


@keys.command("create", cls=Verb, example="modelctl keys create laptop")
@click.argument("name")
@pass_session
def create_key(session: Session, name: str) -> None:
    """Create your own key pair NAME and print the public key; the secret key stays in its file."""
    pair = stored.create(session.places, name)
    _show_key(session, NamedKey(name, pair.public))
    session.say(_("Allow it on the daemon's machine: {command}").format(command=_allow_command(name, pair.public)))


@keys.command("allow", cls=Verb, example="modelctl keys allow laptop 'PUBLIC KEY'")
@click.argument("name")
@click.argument("key", metavar="PUBLICKEY|FILE")
@pass_session
def allow_key(session: Session, name: str, key: str) -> None:
    """Allow the owner of PUBLICKEY to connect, with the same rights as you."""
    key = stored.text_or_file(key)
    stored.allow(session.places, name, key)
    _show_key(session, NamedKey(name, key))
    server = stored.server_key(session.places)
    if not server:
        session.say(
            _("The daemon does not listen on the network yet. Start it with: modeld --listen tcp://ADDRESS:PORT")
        )
        return
    command = shlex.join(["modelctl", "hosts", "add", "NAME", "tcp://ADDRESS:PORT", server])
    session.say(_("On the other machine, add this one: {command}").format(command=command))


@keys.command("list", cls=Verb, example="modelctl keys list")
@pass_session
def list_keys(session: Session) -> None:
    """List the public keys: of this machine's daemon, of the clients it allows, and your own."""
    places = session.places
    found = KeyList(
        server=stored.server_key(places),
        allowed=[NamedKey(name, key) for name, key in sorted(stored.allowed(places).items())],
        own=[NamedKey(name, pair.public) for name, pair in stored.own(places).items()],
    )
    if session.json:
        session.json_line(encode(found).decode())
        return
    session.line(_("This daemon: {key}").format(key=found.server or _("has not listened on the network yet")))
    _show_keys(session, _("Allowed to connect:"), found.allowed)
    _show_keys(session, _("Your own:"), found.own)


@keys.command("revoke", cls=Verb, example="modelctl keys revoke laptop")
@click.argument("name")
@pass_session
def revoke_key(session: Session, name: str) -> None:
    """Revoke NAME's access; its open connections end within two seconds."""
    stored.revoke(session.places, name)
    session.say(_("{name} is no longer allowed to connect.").format(name=name))


def _only_key(session: Session) -> str:
    names = list(stored.own(session.places))
    if len(names) == 1:
        return names[0]
    if names:
        raise known.wrong(_("Choose one of your keys with --key: {names}.").format(names=", ".join(names)))
    raise known.wrong(_("You have no key yet."), _("Create one with: modelctl keys create NAME"))


def _show_key(session: Session, key: NamedKey) -> None:
    if session.json:
        session.json_line(encode(key).decode())
    else:
        session.line(key.public)


def _show_keys(session: Session, title: str, found: list[NamedKey]) -> None:
    session.line(title)
    for key in found:
        session.line(f"  {key.name:<16} {key.public}")
    if not found:
        session.line("  " + _("none"))


def _allow_command(name: str, key: str) -> str:
    return shlex.join(["modelctl", "keys", "allow", name, key])
