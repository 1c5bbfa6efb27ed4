"""How many connections a download uses: few at first, one more while that helps. Many of them choke home routers."""

START = 2
MOST = 4
MOST_SET = 16
STEP_S = 2.0
GAIN = 1.10
"""One more connection has helped when the whole is at least this much faster."""

LIMITED_BYTES_PER_S = 1024 * 1024
"""Under a bandwidth limit, one connection for each of this."""


class Growth:
    """The number of connections of one download; ``chosen`` (1 to 16) opens that many at once, 0 feels its way."""

    def __init__(self, chosen: int = 0) -> None:
        self._most = min(chosen, MOST_SET) if chosen else MOST
        self._number = self._most if chosen else START
        self._growing = not chosen
        self._judged_at: float | None = None
        self._best = 0.0

    def wanted(self, now: float, speed: float, limit: float = 0.0) -> int:
        """How many there should be, given the ``speed`` of all together and the ``limit`` on it (0: none)."""
        if self._judged_at is None:
            self._judged_at = now
        elif self._growing and now - self._judged_at >= STEP_S and speed > 0:
            self._judge(now, speed)
        if limit:
            return max(1, min(self._number, int(limit // LIMITED_BYTES_PER_S)))
        return self._number

    def _judge(self, now: float, speed: float) -> None:
        self._judged_at = now
        if speed < GAIN * self._best or self._number >= self._most:
            self._growing = False
            return
        self._best = speed
        self._number += 1

    def refused(self) -> None:
        """The server finds it too many: one fewer from now on, and no more growing."""
        self._number = max(1, self._number - 1)
        self._growing = False
