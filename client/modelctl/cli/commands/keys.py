"""``keys``: who may connect over the network, and by which keys this person does."""

import shlex

import click
import msgspec
from modeld.protocol.wire import encode

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb, VerbGroup
from modelctl.language.catalogue import _
from modelctl.transport import keys as stored


class Key(msgspec.Struct, frozen=True):
    """A name and a public key."""

    name: str
    public: str


class Keys(msgspec.Struct, frozen=True):
    """What ``keys list --json`` prints; there is no secret in it."""

    server: str
    allowed: list[Key]
    own: list[Key]


@click.group(cls=VerbGroup, example="modelctl keys list")
def keys() -> None:
    """Keys for the network: your own, and those that the daemon of this machine lets in."""


@keys.command(cls=Verb, example="modelctl keys create laptop")
@click.argument("name")
@pass_session
def create(session: Session, name: str) -> None:
    """Make keys of your own called NAME and print the public one; the secret one stays in its file."""
    pair = stored.create(session.places, name)
    _show(session, Key(name, pair.public))
    session.say(_("On the machine with the daemon, allow it: {command}").format(command=_allow(name, pair.public)))


@keys.command(cls=Verb, example="modelctl keys allow laptop 'PUBLIC KEY'")
@click.argument("name")
@click.argument("key", metavar="PUBLICKEY|FILE")
@pass_session
def allow(session: Session, name: str, key: str) -> None:
    """Let whoever holds the other half of PUBLICKEY connect and do what you can do."""
    key = stored.text_or_file(key)
    stored.allow(session.places, name, key)
    _show(session, Key(name, key))
    server = stored.server_key(session.places)
    if not server:
        session.say(
            _("The daemon does not listen on the network yet. Start it with: modeld --listen tcp://ADDRESS:PORT")
        )
        return
    command = shlex.join(["modelctl", "hosts", "add", "NAME", "tcp://ADDRESS:PORT", server])
    session.say(_("On the other machine, name this one: {command}").format(command=command))


@keys.command("list", cls=Verb, example="modelctl keys list")
@pass_session
def list_(session: Session) -> None:
    """Show the public keys: of this machine's daemon, of those it lets in, and your own."""
    places = session.places
    found = Keys(
        server=stored.server_key(places),
        allowed=[Key(name, key) for name, key in sorted(stored.allowed(places).items())],
        own=[Key(name, pair.public) for name, pair in stored.own(places).items()],
    )
    if session.json:
        session.line(encode(found).decode())
        return
    session.line(_("This daemon: {key}").format(key=found.server or _("has not listened on the network yet")))
    _show_all(session, _("Allowed to connect:"), found.allowed)
    _show_all(session, _("Your own:"), found.own)


@keys.command(cls=Verb, example="modelctl keys revoke laptop")
@click.argument("name")
@pass_session
def revoke(session: Session, name: str) -> None:
    """Let NAME connect no more; what it has open ends within two seconds."""
    stored.revoke(session.places, name)
    session.say(_("{name} is not let in any more.").format(name=name))


def _show(session: Session, key: Key) -> None:
    session.line(encode(key).decode() if session.json else key.public)


def _show_all(session: Session, title: str, found: list[Key]) -> None:
    session.line(title)
    for key in found:
        session.line(f"  {key.name:<16} {key.public}")
    if not found:
        session.line("  " + _("none"))


def _allow(name: str, key: str) -> str:
    return shlex.join(["modelctl", "keys", "allow", name, key])
