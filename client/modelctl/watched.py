"""The mark that a person looks at the viewer now: whoever notifies stays quiet then.

A lock on a file of the runtime folder: it goes with the process that holds it, so a viewer that crashed does not keep
the desktop silent.
"""

import os
import sys

from modeld.places import Places

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class Watched:
    """One viewer's hold of the mark."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def hold(self, places: Places) -> None:
        """Say that somebody looks; where another viewer says so already, or the folder is not to be had, do nothing."""
        if self._descriptor is not None:
            return
        try:
            descriptor = _open(places)
        except OSError:
            return  # no daemon made the folder yet: there is nothing to be quiet about
        if _lock(descriptor):
            self._descriptor = descriptor
        else:
            os.close(descriptor)

    def release(self) -> None:
        """Say that nobody looks any more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_watched(places: Places) -> bool:
    """Whether somebody looks at a viewer of this home."""
    try:
        descriptor = _open(places)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _open(places: Places) -> int:
    return os.open(places.runtime_dir / "viewer.lock", os.O_RDWR | os.O_CREAT, 0o600)
