"""Limits on bytes per second. Threads wait for them, and a limit may change in the meantime."""

import threading
import time
from collections.abc import Callable

from modeld.downloader.plan.bucket import Bucket

SLICE_S = 0.05
"""Under a limit a connection reads no more at once than what takes this long."""

LEAST_READ_BYTES = 4096


class Throttle:
    """One limit, shared by all its connections; 0 means no limit."""

    def __init__(self, rate: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._bucket = Bucket(rate, clock())

    @property
    def rate(self) -> float:
        """Bytes per second; 0 is no limit."""
        return self._bucket.rate

    def change(self, rate: float) -> None:
        """Set the limit; waiting threads use it at once."""
        with self._changed:
            if rate != self._bucket.rate:
                self._bucket.change(self._clock(), rate)
                self._changed.notify_all()

    def wake(self) -> None:
        """Make waiting threads check again whether they still must wait."""
        with self._changed:
            self._changed.notify_all()

    def spend(self, count: int, stopped: Callable[[], bool]) -> None:
        """Note ``count`` bytes as used and wait until they were allowed, or until ``stopped``."""
        if not self._bucket.rate:
            return
        with self._changed:
            mark = self._bucket.spend(self._clock(), count)
            while not stopped() and (wait := self._bucket.wait(self._clock(), mark)) > 0:
                self._changed.wait(wait)

    def read_bytes(self, most: int) -> int:
        """How much to read at once."""
        rate = self._bucket.rate
        return min(most, max(int(rate * SLICE_S), LEAST_READ_BYTES)) if rate else most
