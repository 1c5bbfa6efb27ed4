"""The current speed of a download: recent speed, time left, and whether it stalls."""

from collections import deque

from modeld.core.state.undo import Tracked

WINDOW_S = 3.0
STALL_S = 3.0

LEAST_SPAN_S = 0.05
"""Shorter spans count as this long: what a first packet brought in no time is no speed."""


class Rate(Tracked):
    """Speed over the last ``window_s`` seconds, from samples of a growing count; it falls to 0 by itself."""

    def __init__(self, window_s: float = WINDOW_S, stall_s: float = STALL_S) -> None:
        self._window_s = window_s
        self._stall_s = stall_s
        self._samples: deque[tuple[float, int]] = deque()
        self._moved_at: float | None = None

    def add(self, now: float, count: int) -> None:
        """Note that the count was ``count`` at ``now``; a smaller count than before starts over."""
        if self._samples and count < self._samples[-1][1]:
            self._samples.clear()
        if not self._samples or count > self._samples[-1][1]:
            self._moved_at = now
        self._samples.append((now, count))
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Keep one sample from before the window: the first one in it is measured against that."""
        while len(self._samples) > 1 and self._samples[1][0] <= now - self._window_s:
            self._samples.popleft()

    def speed(self, now: float) -> float:
        """Counts per second over the window that ends at ``now``."""
        self._forget(now)
        if not self._samples or self.stalled_since(now) is not None:
            return 0.0
        began, first = self._samples[0]
        span = now - max(began, now - self._window_s)
        return max(0.0, (self._samples[-1][1] - first) / max(span, LEAST_SPAN_S)) if span > 0 else 0.0

    def eta(self, now: float, done: int, total: int) -> float | None:
        """Seconds left at the present speed; None when it is unknown or nothing moves."""
        speed = self.speed(now)
        return max(0.0, (total - done) / speed) if total and speed > 0 else None

    def stalled_since(self, now: float) -> float | None:
        """When the count last grew, if that is long ago; None while it moves or before the first sample."""
        if self._moved_at is None or now - self._moved_at < self._stall_s:
            return None
        return self._moved_at
