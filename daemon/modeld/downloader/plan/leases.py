"""Who of several connections fetches what: ranges lent in file order, split and taken back so that no slow one decides.

A connection that is idle takes the next free range; when none is free it splits the one that would end last. So the
front of the file moves steadily (the hash follows it), and the last byte does not wait for a slow connection.
"""

import statistics
from collections import deque
from dataclasses import dataclass, field

from modeld.downloader.plan.pieces import Pieces, Range

MIB = 1024 * 1024
LEAST_BYTES = 4 * MIB
MOST_BYTES = 64 * MIB
LEAST_SPLIT_BYTES = 256 * 1024
"""A split leaves each side at least this much: below it a new request costs more than it brings."""

SPLIT_ETA_S = 0.3
"""A lease that ends sooner is not worth splitting."""

WINDOW_S = 1.0
SLOW_SHARE = 0.35
"""A connection below this share of the usual speed is replaced."""

SILENT_S = 3.0
"""No answer for this long, while others flow, counts as slow."""

MAX_REPLACED = 32


@dataclass(eq=False, slots=True)
class Lease:
    """``[position, end)`` is lent and not there yet; ``start`` is where it began. Its holder moves ``position``."""

    start: int
    end: int
    taken_at: float
    position: int = -1
    opened: bool = False
    rate: float | None = None
    mark_at: float = 0.0
    mark_position: int = 0

    def __post_init__(self) -> None:
        self.position = self.mark_position = self.start
        self.mark_at = self.taken_at

    @property
    def left(self) -> int:
        """Bytes still to come."""
        return max(0, self.end - self.position)

    def begin(self, now: float) -> None:
        """The answer has begun; speed counts from here."""
        self.opened = True
        self.mark_at, self.mark_position = now, self.position

    def speed(self, now: float) -> float:
        """Bytes per second of the last full window, or since the answer began."""
        if self.rate is not None:
            return self.rate
        return (self.position - self.mark_position) / max(now - self.mark_at, 0.05)


@dataclass(slots=True)
class Leases:
    """The ranges of one file of ``size`` bytes; ``whole``: the server has no ranges, so all is one lease."""

    size: int
    done: Pieces
    whole: bool = False
    active: list[Lease] = field(default_factory=list)
    _free: list[Range] = field(default_factory=list)
    _usual: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    _replaced: int = 0

    def __post_init__(self) -> None:
        self._free = [(0, self.size)] if self.whole else list(self.done.missing(self.size))

    def take(self, now: float, connections: int) -> Lease | None:
        """A lease for an idle one of ``connections``; None when there is nothing it could help with."""
        if not self._free:
            return None if self.whole else self._split(now)
        start, end = self._free[0]
        if not self.whole and connections > 1:
            free = sum(last - first for first, last in self._free)
            share = min(max(free // (2 * connections), LEAST_BYTES), MOST_BYTES)
            if end - start > share + LEAST_SPLIT_BYTES:
                end = start + share
        self._free[0] = (end, self._free[0][1])
        if self._free[0][0] >= self._free[0][1]:
            self._free.pop(0)
        return self._lend(start, end, now)

    def _lend(self, start: int, end: int, now: float) -> Lease:
        lease = Lease(start, end, now)
        self.active.append(lease)
        return lease

    def _split(self, now: float) -> Lease | None:
        """A part of the lease that would end last, in proportion to the speeds; all of one that has no answer yet."""
        last, latest = None, SPLIT_ETA_S
        for lease in self.active:
            if not lease.opened and lease.left and now - lease.taken_at >= WINDOW_S:
                start, end, lease.end = lease.position, lease.end, lease.position
                return self._lend(start, end, now)
            eta = lease.left / max(lease.speed(now), 1.0)
            if lease.opened and lease.left >= 2 * LEAST_SPLIT_BYTES and eta > latest:
                last, latest = lease, eta
        if last is None:
            return None
        theirs = last.speed(now)
        ours = self.usual(now) or theirs
        part = int(last.left * ours / (ours + theirs)) if ours + theirs > 0 else last.left // 2
        part = min(max(part, LEAST_SPLIT_BYTES), last.left - LEAST_SPLIT_BYTES)
        end, last.end = last.end, last.end - part
        return self._lend(end - part, end, now)

    def give_back(self, lease: Lease, now: float) -> None:
        """A lease ended: what it brought is there, its rest is free again."""
        self.active.remove(lease)
        if lease.position - lease.start >= MIB and lease.opened and lease.speed(now) > 0:
            self._usual.append(lease.speed(now))
        self.done = self.done.add(lease.start, lease.position)
        if lease.left:
            self._free = sorted([*self._free, (lease.position, lease.end)])

    def usual(self, now: float) -> float:
        """The speed that a connection has here: the median of ended leases, before that the best of those going on."""
        if self._usual:
            return statistics.median(self._usual)
        return max((lease.speed(now) for lease in self.active if lease.opened), default=0.0)

    def measure(self, now: float) -> None:
        """Close the windows of speed that are full; to be called a few times a second."""
        for lease in self.active:
            if lease.opened and now - lease.mark_at >= WINDOW_S:
                lease.rate = (lease.position - lease.mark_position) / (now - lease.mark_at)
                lease.mark_at, lease.mark_position = now, lease.position

    def slow(self, now: float) -> list[Lease]:
        """The leases whose connection is worth replacing; each counts, so that a download is not all reconnecting."""
        usual = self.usual(now)
        if usual <= 0 or (len(self.active) < 2 and not self._usual):
            return []
        found = []
        for lease in self.active:
            if lease.opened:
                is_slow = lease.rate is not None and lease.rate < SLOW_SHARE * usual
                is_slow = is_slow and lease.left > SPLIT_ETA_S * max(lease.rate or 0.0, 1.0)
            else:
                is_slow = lease.left > 0 and now - lease.taken_at >= SILENT_S
            if is_slow and self._replaced < MAX_REPLACED:
                self._replaced += 1
                found.append(lease)
        return found

    def pieces(self) -> Pieces:
        """What is there, with what the leases have brought so far."""
        pieces = self.done
        for lease in self.active:
            pieces = pieces.add(lease.start, lease.position)
        return pieces

    def complete(self) -> bool:
        """Whether every byte is there."""
        return not self.pieces().missing(self.size)
