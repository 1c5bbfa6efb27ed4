"""CURVE keys as text and as files: the key pair of one side, and the list of clients that a daemon allows.

A key is 32 bytes in Z85 (https://rfc.zeromq.org/spec/32/): 40 characters, none of them a quote or a backslash. A secret
key is in one file of mode 0600 and in the memory of the one process that uses it; it is never shown, logged or put into
argv.
"""

import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEY = re.compile(r"[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}")


class KeyFileError(FailureError):
    """A key file that cannot be used; the failure names it and says why."""


class KeyPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key pair of one side."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"


def is_key(text: str) -> bool:
    """Whether ``text`` has the form of a key."""
    return _KEY.fullmatch(text) is not None


def read_pair(path: Path) -> KeyPair:
    """The pair in ``path``.

    Raises:
        FileNotFoundError: the file does not exist.
        KeyFileError: it is not a key pair, or other users could have read it.
    """
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            pair = msgspec.convert(tomllib.loads(file.read().decode("ascii")), KeyPair)
    except FileNotFoundError:
        raise
    except OSError as error:
        failure = Reason.KEY_FILE_NOT_READABLE.failure(path=str(path), error=error.strerror or str(error))
        raise KeyFileError(failure) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        raise KeyFileError(
            Reason.KEY_FILE_INVALID.failure(path=str(path))
        ) from None  # the error would quote the secret
    if not (is_key(pair.public) and is_key(pair.secret)):
        raise KeyFileError(Reason.KEY_FILE_INVALID.failure(path=str(path)))
    return pair


def _check_private(path: Path, status: os.stat_result) -> None:
    """Refuse a secret key that another user could have read (on Windows the profile's access list protects it)."""
    if not hasattr(os, "getuid"):
        return
    if status.st_uid != os.getuid():
        raise KeyFileError(Reason.KEY_FILE_OF_ANOTHER_USER.failure(path=str(path)))
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyFileError(Reason.KEY_FILE_EXPOSED.failure(path=str(path)))


def write_pair(path: Path, pair: KeyPair) -> None:
    """Write a key pair that only this user can read."""
    write_private(path, f'public = "{pair.public}"\nsecret = "{pair.secret}"\n')


def write_private(path: Path, text: str) -> None:
    """Write ``path`` with mode 0600, completely or not at all; a new folder gets mode 0700."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp: 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_allowed(path: Path) -> dict[str, str]:
    """The allowed clients, public key -> name; without a file no client is allowed.

    Raises:
        KeyFileError: it cannot be read, other users may write to it, or a line is not ``NAME KEY``.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(Reason.KEY_FILE_NOT_READABLE.failure(path=str(path), error=str(error))) from error
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise KeyFileError(Reason.ALLOWED_KEYS_EXPOSED.failure(path=str(path)))
    allowed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != 2 or not NAME.fullmatch(words[0]) or not is_key(words[1]):
            raise KeyFileError(Reason.ALLOWED_KEYS_INVALID.failure(path=str(path), number=number))
        allowed[words[1]] = words[0]
    return allowed


def write_allowed(path: Path, allowed: Mapping[str, str]) -> None:
    """Write the list of allowed clients."""
    lines = [f"{name} {key}\n" for key, name in sorted(allowed.items(), key=lambda item: item[1])]
    write_private(path, "# name and public key of each client that may connect over the network\n" + "".join(lines))
