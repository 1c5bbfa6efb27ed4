"""A token bucket: how long to wait to stay under a limit of bytes per second."""

BURST_S = 0.1
"""What was not used is saved up for this long and no longer."""


class Bucket:
    """Marks on one count: bytes spent are a mark, and the allowance grows towards it at ``rate`` a second (0: at once).

    A mark stays valid when the rate changes, so those who wait only have to ask again.
    """

    def __init__(self, rate: float = 0.0, now: float = 0.0) -> None:
        self.rate = rate
        self._at = now
        self._spent = 0.0
        self._allowed = 0.0

    def change(self, now: float, rate: float) -> None:
        """From ``now`` on allow ``rate`` bytes a second; without a limit the debts are forgiven."""
        self._grow(now)
        if not rate:
            self._allowed = self._spent
        self.rate = rate

    def spend(self, now: float, count: int) -> float:
        """Note that ``count`` bytes were used; returns the mark to wait for."""
        self._grow(now)
        self._spent += count
        return self._spent

    def wait(self, now: float, mark: float) -> float:
        """Seconds until the allowance reaches ``mark``; 0 when it has."""
        if not self.rate:
            return 0.0
        self._grow(now)
        return max(0.0, (mark - self._allowed) / self.rate)

    def _grow(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._at = now
        if self.rate:
            self._allowed = min(self._allowed + passed * self.rate, self._spent + BURST_S * self.rate)
        else:
            self._allowed = self._spent
