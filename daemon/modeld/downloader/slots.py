"""The connections that all downloads may have open together: never more than a fixed number."""

import threading

TOTAL = 8


class Slots:
    """``total`` places; a download's first connection waits for one, its others are content to go without."""

    def __init__(self, total: int = TOTAL) -> None:
        self._lock = threading.Lock()
        self._free = total
        self._waiting: set[int] = set()

    def take(self, owner: int, first: bool) -> bool:
        """A place for ``owner``, if there is one; being refused its first one is remembered (see ``wanted``)."""
        with self._lock:
            others_wait = bool(self._waiting - {owner})
            if self._free > 0 and (first or not others_wait):
                self._free -= 1
                self._waiting.discard(owner)
                return True
            if first:
                self._waiting.add(owner)
            return False

    def give(self) -> None:
        """A place is free again."""
        with self._lock:
            self._free += 1

    def forget(self, owner: int) -> None:
        """This one waits no longer."""
        with self._lock:
            self._waiting.discard(owner)

    def wanted(self) -> bool:
        """Whether a download waits for its first connection, so that one with several should let one go."""
        return bool(self._waiting)
