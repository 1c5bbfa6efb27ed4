"""Whether the viewer has the keyboard focus now; notifications are silent then.

It is a lock on a file in the runtime folder. The lock ends with the process that holds it, so a crashed viewer does not
keep notifications silent.
"""

from pathlib import Path
from typing import IO

from modeld.places import Places

from modelctl import filelock


class ViewerFocus:
    """Held by a viewer while its window has the keyboard focus."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None

    def hold(self, places: Places) -> None:
        """Mark the window as focused. Does nothing if another viewer holds the lock, or the folder does not exist."""
        if self._lock is None:
            try:
                self._lock = filelock.hold(_lock_file(places))
            except OSError:
                return  # no daemon has created the folder yet, so nothing notifies

    def release(self) -> None:
        """Mark the window as not focused or closed."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def is_focused(places: Places) -> bool:
    """Whether a viewer of this home has the focus."""
    try:
        lock = filelock.hold(_lock_file(places))
    except OSError:
        return False
    if lock is not None:
        lock.close()
    return lock is None


def _lock_file(places: Places) -> Path:
    return places.runtime_dir / "viewer.lock"
