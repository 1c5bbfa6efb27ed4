"""The mark that a person looks at the viewer now: whoever notifies stays quiet then.

A lock on a file of the runtime folder: it goes with the process that holds it, so a viewer that crashed does not keep
the desktop silent.
"""

from pathlib import Path
from typing import IO

from modeld.places import Places

from modelctl import filelock


class Watched:
    """One viewer's hold of the mark."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None

    def hold(self, places: Places) -> None:
        """Say that somebody looks; where another viewer says so already, or the folder is not to be had, do nothing."""
        if self._lock is None:
            try:
                self._lock = filelock.hold(_mark(places))
            except OSError:
                return  # no daemon made the folder yet: there is nothing to be quiet about

    def release(self) -> None:
        """Say that nobody looks any more."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def is_watched(places: Places) -> bool:
    """Whether somebody looks at a viewer of this home."""
    try:
        lock = filelock.hold(_mark(places))
    except OSError:
        return False
    if lock is not None:
        lock.close()
    return lock is None


def _mark(places: Places) -> Path:
    return places.runtime_dir / "viewer.lock"
