"""One attempt at a file: fetches its bytes over several connections, supervised by the calling thread.

It returns when every byte is on disk. Else it raises ``Stopped``, ``StartOver`` (the server has no ranges, or another
file than the partial one) or ``PullError``. Afterwards no connection writes any more.
"""

import threading
import time

from modeld.core.downloads.rate import Rate
from modeld.downloader import identity
from modeld.downloader.connection import DownloadConnection
from modeld.downloader.context import DownloadContext, ExpectedFile, ProgressReport, unreachable
from modeld.downloader.disk.hasher import Hasher
from modeld.downloader.disk.saver import Saver
from modeld.downloader.failures import Offline, PullError, Retry, StartOver, Stopped
from modeld.downloader.location import Pause
from modeld.downloader.plan.growth import Growth
from modeld.downloader.plan.leases import Lease, Leases
from modeld.downloader.plan.pieces import Pieces
from modeld.downloader.response import Meta
from modeld.downloader.session import HttpSession
from modeld.downloader.url import public
from modeld.http.backoff import PROGRESS_BYTES
from modeld.protocol.reasons import Reason
from modeld.protocol.states import Phase

TICK_S = 0.1
ROOM_S = 2.0
LET_GO_S = 0.15
"""How long to wait for a connection that is still being opened: it ends by itself and writes nothing."""

UNSIZED = 1 << 62
"""Stands for the unknown length of a file."""

SUSPENDED_S = 5.0


class Fetch:
    """One attempt at the whole file; ``single``: the server has no ranges."""

    def __init__(self, context: DownloadContext, expected: ExpectedFile, hasher: Hasher, single: bool) -> None:
        self._context = context
        self._expected = expected
        self._hasher = hasher
        self._single = single
        self._partial = context.partial
        self._retries = context.retries
        self._changed = threading.Condition()
        self._connections: list[DownloadConnection] = []
        self._growth = Growth(context.tuning.connections)
        self._rate = Rate()
        self._target = 1
        self._probing = False
        self._started = 0
        self._awake = 0
        self._count_at_fault = 0
        self._outcome: Exception | None = None
        self._reported_at = self._checked_at = -1e9
        self._asleep = context.suspended()
        self._leases: Leases | None = None
        self.over = False
        partial = self._partial
        if partial.size and partial.pieces.count():
            self._leases = Leases(partial.size, partial.pieces)
            self._count_at_fault = partial.pieces.count()

    def stop(self) -> None:
        """End soon (from any thread); ``run`` raises Stopped."""
        self.broke(Stopped())

    def wake(self) -> None:
        """The network is back (from any thread): connections that wait for it try at once."""
        with self._changed:
            if self._retries.offline:
                self._awake += 1
                self._changed.notify_all()

    def run(self) -> None:
        """Fetch what is missing."""
        if self._leases is not None and self._leases.complete():
            return
        context = self._context
        if self._leases is not None:
            self._partial.expect(self._partial.size, self._partial.validator, self._partial.sha256)
        saver = Saver(self._partial, self._pieces, context.tuning.save_s, self.broke, f"{context.name}-save")
        try:
            self._supervise()
        finally:
            self._end_connections()
            saver.close()

    def save(self) -> None:
        """Record what was fetched; for a fetch that has ended."""
        if self._leases is not None and self._leases.size != UNSIZED and self._pieces() != self._partial.pieces:
            self._partial.save(self._pieces())

    def _pieces(self) -> Pieces:
        with self._changed:
            return self._leases.pieces() if self._leases is not None else Pieces()

    def _supervise(self) -> None:
        with self._changed:
            while self._outcome is None and not (self._leases is not None and self._leases.complete()):
                self._tick(self._context.clock())
                self._changed.wait(TICK_S)
            if self._outcome is not None:
                raise self._outcome
            self._partial.size = self._leases.size if self._leases is not None else 0
            self._tell(self._context.clock())

    def _tick(self, now: float) -> None:
        context, leases = self._context, self._leases
        done = 0
        if leases is not None:
            leases.measure(now)
            pieces = leases.pieces()
            done = pieces.count()
            self._hasher.reached(pieces.front())
        self._rate.add(now, done)
        if now - self._checked_at >= ROOM_S:
            self._checked_at = now
            self._check_disk()
        self._target = self._how_many(now)
        self._replace_slow(now)
        self._shed()
        self._open_more()
        if now - self._reported_at >= context.tuning.report_s:
            self._tell(now)

    def _how_many(self, now: float) -> int:
        """How many connections there should be."""
        leases = self._leases
        if leases is None or leases.whole or self._retries.empty >= 2:
            return 1
        if leases.size < self._context.tuning.parallel_from_bytes:
            return 1
        return self._growth.wanted(now, self._rate.speed(now), self._limit())

    def _limit(self) -> float:
        return min((throttle.rate for throttle in self._context.throttles if throttle.rate), default=0.0)

    def _check_disk(self) -> None:
        if self._partial.deleted():
            raise StartOver(Reason.PARTIAL_DELETED.note(name=self._partial.part.name))
        if self._partial.size:
            self._partial.check_room(self._context.tuning.reserve_bytes // 4)

    def _replace_slow(self, now: float) -> None:
        """Replace connections that are far slower than the others, get no answer, or were open during a suspend."""
        asleep = self._context.suspended()
        slept, self._asleep = asleep - self._asleep >= SUSPENDED_S, asleep
        slow: list[Lease] = []
        if self._leases is not None and not self._limit():
            slow = self._leases.slow(now)
        for connection in self._connections:
            if slept or connection.lease in slow:
                connection.interrupt(replace=True)
            elif (
                connection.requested_at is not None
                and not connection.reading
                and now - connection.requested_at > self._context.tuning.headers_s
            ):
                connection.requested_at = None
                connection.interrupt()

    def _shed(self) -> None:
        """Close one connection when another download has none."""
        if len(self._connections) > 1 and self._context.slots.wanted():
            self._target = len(self._connections) - 1
            self._connections[-1].interrupt(replace=True)

    def _open_more(self) -> None:
        context = self._context
        while len(self._connections) < self._target:
            if not context.slots.take(id(self), first=not self._connections):
                return
            self._started += 1
            connection = DownloadConnection(
                self,
                self._partial,
                lambda: HttpSession(context.source, context.tuning.silence_s),
                context.throttles,
                context.tuning.first_wait_s,
                f"{context.name}-{self._started}",
            )
            self._connections.append(connection)
            connection.thread.start()

    def _tell(self, now: float) -> None:
        self._reported_at = now
        leases = self._leases
        done = leases.pieces().count() if leases is not None else self._partial.pieces.count()
        total = self._partial.size if leases is None or leases.size != UNSIZED else 0
        open_now = sum(connection.reading for connection in self._connections)
        pause = None if open_now else self._next_try()
        phase = self._phase(open_now, pause)
        self._context.report(ProgressReport(done=done, total=total, phase=phase, connections=open_now, pause=pause))

    def _next_try(self) -> Pause | None:
        """The pause that ends first; None if no connection pauses."""
        pauses = [connection.pause for connection in self._connections if connection.pause is not None]
        return min(pauses, key=lambda pause: pause.until, default=None)

    def _phase(self, open_now: int, pause: Pause | None) -> Phase:
        if open_now:
            return Phase.DOWNLOADING
        if pause is not None:
            return Phase.WAITING_FOR_NETWORK if self._retries.offline else Phase.WAITING_TO_RETRY
        return Phase.CONNECTING if self._connections else Phase.WAITING_FOR_CONNECTION

    def _end_connections(self) -> None:
        """Make sure that no connection writes any more; one that is still connecting ends by itself."""
        with self._changed:
            self.over = True
            self._changed.notify_all()
            connections = list(self._connections)
        for connection in connections:
            connection.interrupt()
        for throttle in self._context.throttles:
            throttle.wake()
        self._context.slots.forget(id(self))
        until = time.monotonic() + LET_GO_S
        for connection in connections:
            connection.thread.join(max(0.0, until - time.monotonic()))
            if connection.reading:
                connection.thread.join()

    # What follows is called by the connections.

    def next_lease(self, connection: DownloadConnection) -> Lease | None:
        """Wait for a range to fetch; None when this connection is no longer needed."""
        context = self._context
        with self._changed:
            while not self.over and self._outcome is None:
                if len(self._connections) > self._target:
                    return None
                connection.pause = context.source.hosts.pause(context.source.target)
                lease = self._take() if connection.pause is None else None
                if lease is not None:
                    connection.requested_at = context.clock()
                    return lease
                self._changed.wait(TICK_S)
        return None

    def _take(self) -> Lease | None:
        now = self._context.clock()
        if self._leases is not None:
            return self._leases.take(now, max(self._target, len(self._connections)))
        if self._probing:
            return None
        self._probing = True
        return Lease(0, 0, now)

    def asked(self, lease: Lease) -> tuple[tuple[int, int] | None, str]:
        """The range to request, and the validator that makes sure it is of the same file."""
        if self._single:
            return None, ""
        if self._leases is None:
            return (0, 0), ""
        return (lease.position, lease.end), self._partial.validator

    def answered(self, connection: DownloadConnection, lease: Lease, meta: Meta) -> Lease:
        """An answer came: check that it is of the partial file, or learn from it what the file is."""
        with self._changed:
            if self.over:
                raise Stopped
            now = self._context.clock()
            if self._leases is None:
                lease = self._learned(meta, now)
            else:
                identity.agrees(self._partial, lease.position, meta, connection.sent)
            self._retries.offline = False
            connection.reading = True
            connection.lease = lease
            lease.begin(now)
            return lease

    def _learned(self, meta: Meta, now: float) -> Lease:
        """Learn from the first answer what the file is."""
        where = public(self._context.source.url)
        identity.suits(self._expected, meta, where)
        self._partial.expect(meta.size, meta.validator, meta.linked.sha256)
        whole = self._single or not meta.ranges
        self._leases = Leases(meta.size or UNSIZED, Pieces(), whole=whole)
        self._target = self._how_many(now)
        lease = self._leases.take(now, self._target)
        self._changed.notify_all()
        if lease is None:
            raise PullError(Reason.EMPTY_FILE.failure(url=where))
        return lease

    def body_ended(self, lease: Lease) -> None:
        """A body ended; if its length was unknown, it is known now."""
        with self._changed:
            if self._leases is not None and self._leases.size == UNSIZED:
                self._leases.size = lease.end = lease.position

    def returned(self, lease: Lease) -> None:
        """A lease ended, completely fetched or not."""
        with self._changed:
            leases = self._leases
            if leases is None:
                self._probing = False
            elif lease in leases.active:
                leases.give_back(lease, self._context.clock())
                if leases.whole and lease.left and self._outcome is None:
                    self._outcome = StartOver(Reason.RANGES_MISSING.note(), single=True)
            self._changed.notify_all()

    def faulted(self, connection: DownloadConnection, fault: Retry, wait_s: float) -> None:
        """An attempt failed and may be repeated; returns when it is time to do so."""
        retries = self._retries
        with self._changed:
            if self.over or (self._leases is not None and self._leases.complete()):
                return
            now = self._context.clock()
            retries.count += 1
            retries.cause = fault.cause
            retries.offline = isinstance(fault, Offline)
            if fault.crowded:
                self._growth.refused()
            done = self._leases.pieces().count() if self._leases is not None else 0
            if done - self._count_at_fault >= PROGRESS_BYTES and not (self._leases and self._leases.whole):
                self._count_at_fault = done
                retries.empty = 0
            elif not retries.offline:
                retries.empty += 1
            if retries.empty >= self._context.tuning.max_empty and self._outcome is None:
                self._outcome = unreachable(self._context.source.url, retries)
            connection.pause = Pause(now + wait_s, fault.cause)
            self._tell(now)
            self._changed.notify_all()
            awake = self._awake
            self._changed.wait_for(lambda: self.over or self._outcome is not None or self._awake != awake, wait_s)
            connection.pause = None

    def broke(self, error: Exception) -> None:
        """The download cannot continue like this."""
        with self._changed:
            if self._outcome is None:
                self._outcome = error
            self._changed.notify_all()

    def left(self, connection: DownloadConnection) -> None:
        """This connection has ended."""
        with self._changed:
            if connection in self._connections:
                self._connections.remove(connection)
            self._context.slots.give()
            self._changed.notify_all()
