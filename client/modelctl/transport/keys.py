"""CURVE keys: this user's own, and those that this machine's daemon allows.

The allowed keys are in a file that only this user can write. No request can change it, so a remote client cannot allow
another one. The daemon reads the file for every new connection and request.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import zmq
from modeld.protocol import keys
from modeld.protocol.errors import ErrorCode

from modelctl.errors import LocalFailure, ModeldError, NotFound, Refused
from modelctl.language import system_errors
from modelctl.language.catalogue import _
from modelctl.transport.hosts import own_pair, wrong

if TYPE_CHECKING:
    from modeld.places import Places


def create(places: "Places", name: str) -> keys.KeyPair:
    """Create our own key pair with this name; raises ``Refused`` if it exists, since others may rely on it."""
    path = places.client_keys_dir / f"{_named(name)}.key"
    if path.exists():
        raise Refused(
            LocalFailure(
                code=ErrorCode.ALREADY_EXISTS,
                message=_("Key {name} already exists ({path}).").format(name=name, path=path),
                hint=_("See its public part with: modelctl keys list"),
            )
        )
    pair = new_key_pair()
    try:
        keys.write_pair(path, pair)
    except OSError as error:
        raise _unwritable(path, error) from error
    return pair


def own(places: "Places") -> dict[str, keys.KeyPair]:
    """All usable key pairs of our own, by name."""
    try:
        files = sorted(places.client_keys_dir.glob("*.key"))
    except OSError:
        return {}
    return {path.stem: own_pair(places, path.stem) for path in files}


def server_key(places: "Places") -> str:
    """The public key of this machine's daemon; empty until it has listened on the network once."""
    try:
        return keys.read_pair(places.server_key_file).public
    except FileNotFoundError:
        return ""
    except keys.KeyFileError as error:
        raise ModeldError(error.failure) from error


def allowed(places: "Places") -> dict[str, str]:
    """The keys allowed here: name -> public key."""
    try:
        return {name: key for key, name in keys.read_allowed(places.allowed_keys_file).items()}
    except keys.KeyFileError as error:
        raise ModeldError(error.failure) from error


def allow(places: "Places", name: str, key: str) -> None:
    """Allow the owner of ``key`` to connect; raises ``Refused`` if the name has a different key."""
    if not keys.is_key(key):
        raise wrong(
            _("{key!r} is not a public key (40 characters).").format(key=key),
            _("On the other machine: modelctl keys create NAME; quote what it prints: a key has signs like $ and &."),
        )
    known = allowed(places)
    if known.get(_named(name), key) != key:
        raise Refused(
            LocalFailure(
                code=ErrorCode.ALREADY_EXISTS,
                message=_("{name} has a different key here.").format(name=name),
                hint=_("Revoke that first: modelctl keys revoke {name}").format(name=name),
            )
        )
    _write(places, {**known, name: key})


def revoke(places: "Places", name: str) -> None:
    """Revoke this name's access; raises ``NotFound`` if there is no such name."""
    known = allowed(places)
    if name not in known:
        names = ", ".join(sorted(known)) or _("none yet")
        raise NotFound(
            LocalFailure(
                code=ErrorCode.NOT_FOUND,
                message=_("{name} has no access here (allowed: {names}).").format(name=name, names=names),
            )
        )
    del known[name]
    _write(places, known)


def text_or_file(words: str) -> str:
    """A public key: given as text, or as the path of a file that contains it."""
    if keys.is_key(words):
        return words
    path = Path(words)
    try:
        return path.read_text(encoding="ascii").strip() if path.is_file() else words
    except (OSError, UnicodeDecodeError):
        return words


def _write(places: "Places", known: dict[str, str]) -> None:
    try:
        keys.write_allowed(places.allowed_keys_file, {key: name for name, key in known.items()})
    except OSError as error:
        raise _unwritable(places.allowed_keys_file, error) from error


def _named(name: str) -> str:
    if not keys.NAME.fullmatch(name):
        text = _("{name!r} is not a valid name: use up to 64 lowercase letters, digits, dots, dashes and underscores.")
        raise wrong(text.format(name=name))
    return name


def _unwritable(path: Path, error: OSError) -> ModeldError:
    text = _("{path} cannot be written: {reason}.").format(path=path, reason=system_errors.of(error))
    return ModeldError(LocalFailure(code=ErrorCode.UNWRITABLE, message=text))


def new_key_pair() -> keys.KeyPair:
    """A new CURVE key pair; the public key does not start like an option of a command line."""
    while True:
        public, secret = zmq.curve_keypair()
        if not public.startswith(b"-"):
            return keys.KeyPair(public.decode(), secret.decode())
