"""A lock for each home: only its holder notifies, so that a tray and ``modelctl notify`` do not both do it."""

from typing import IO

from modeld.places import Places

from modelctl import filelock


class NotifierLock:
    """The right to notify; a program acquires it with its first notice and keeps it until it ends."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; return whether it is held. Where no lock is possible, every program notifies."""
        if self._lock is None:
            try:
                self._places.runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = filelock.hold(self._places.runtime_dir / "notices.lock")
            except OSError:
                return True
        return self._lock is not None

    def release(self) -> None:
        """Let another program take the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
