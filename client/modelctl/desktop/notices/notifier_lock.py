"""Whose turn it is to tell: one program for each home, so that a tray and ``modelctl notify`` do not both tell it."""

from typing import IO

from modeld.places import Places

from modelctl import filelock


class Turn:
    """The right to tell; whoever has something to tell takes it first, and keeps it until it ends."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock: IO[str] | None = None

    def is_mine(self) -> bool:
        """Take the turn if nobody has it; a home that cannot be locked is told of by everyone."""
        if self._lock is None:
            try:
                self._places.runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = filelock.hold(self._places.runtime_dir / "notices.lock")
            except OSError:
                return True
        return self._lock is not None

    def end(self) -> None:
        """Leave the turn to another."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
