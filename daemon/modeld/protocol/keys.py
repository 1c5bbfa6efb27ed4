"""Keys of CURVE as text and as files: the pair of one side, and the list of clients that a daemon lets in.

A key is 32 bytes in Z85 (https://rfc.zeromq.org/spec/32/): 40 signs, none of them a quote or a backslash. A secret is
in one file of mode 0600 and in the memory of the one process that uses it; it is not shown, logged or put into argv.
"""

import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEY = re.compile(r"[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}")


class KeyFileError(Exception):
    """A file of keys that cannot be used; the message names it and says why."""


class KeyPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side's two keys."""

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
        FileNotFoundError: there is none.
        KeyFileError: it is no pair, or others could have read it.
    """
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            pair = msgspec.convert(tomllib.loads(file.read().decode("ascii")), KeyPair)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        raise KeyFileError(f"{path} is not a file of keys.") from None  # the error would quote the secret
    if not (is_key(pair.public) and is_key(pair.secret)):
        raise KeyFileError(f"{path} is not a file of keys.")
    return pair


def _check_private(path: Path, status: os.stat_result) -> None:
    """A secret that another user could read is none (on Windows the profile's own access list decides)."""
    if not hasattr(os, "getuid"):
        return
    if status.st_uid != os.getuid():
        raise KeyFileError(f"{path} belongs to another user.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyFileError(f"{path} can be read by others, so its secret is none; make new keys, or: chmod 600 {path}")


def write_pair(path: Path, pair: KeyPair) -> None:
    """Write a pair for this user's eyes only."""
    write_private(path, f'public = "{pair.public}"\nsecret = "{pair.secret}"\n')


def write_private(path: Path, text: str) -> None:
    """Write ``path`` with mode 0600, whole or not at all; a new folder gets mode 0700."""
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
    """The clients that are let in, public key -> name; a file that is not there lets in nobody.

    Raises:
        KeyFileError: it cannot be read, others may write to it, or a line of it is not ``NAME KEY``.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} cannot be read: {error}.") from error
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise KeyFileError(f"{path} could have been written by another user; it lets in nobody. Mend: chmod 600 {path}")
    allowed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) != 2 or not NAME.fullmatch(words[0]) or not is_key(words[1]):
            raise KeyFileError(f"{path}, line {number}, is not a name and a public key.")
        allowed[words[1]] = words[0]
    return allowed


def write_allowed(path: Path, allowed: Mapping[str, str]) -> None:
    """Write the list of clients that are let in."""
    lines = [f"{name} {key}\n" for key, name in sorted(allowed.items(), key=lambda item: item[1])]
    write_private(path, "# name and public key of each client that may connect over the network\n" + "".join(lines))
