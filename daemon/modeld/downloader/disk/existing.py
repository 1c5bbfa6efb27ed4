"""Files that exist before a download begins: used if they are the expected file, never without a check."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from modeld.downloader.disk.hasher import BLOCK_BYTES
from modeld.downloader.failures import Stopped

FOREIGN = (".part", ".download", ".tmp")
"""What other programs call a file on its way; ours has a state beside it."""


def hash_file(path: Path, stopped: Callable[[], bool]) -> str:
    """The SHA-256 of a file.

    Raises:
        Stopped: ``stopped`` returned true.
    """
    digest = hashlib.sha256()
    view = memoryview(bytearray(BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(view):
            digest.update(view[:count])
            if stopped():
                raise Stopped
    return digest.hexdigest()


def foreign(final: Path, size: int, sha256: str, stopped: Callable[[], bool]) -> Path | None:
    """A file that another program left beside ``final`` and that is whole, by its hash; None without one.

    Only a file of the right size (if that is known) is read, and one with our state beside it is our own business.
    """
    if not sha256 or final.with_name(final.name + ".part.json").exists():
        return None
    for suffix in FOREIGN:
        path = final.with_name(final.name + suffix)
        length = path.stat().st_size if path.is_file() else 0
        if length and length == (size or length) and hash_file(path, stopped) == sha256:
            return path
    return None
