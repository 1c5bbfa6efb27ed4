"""Limits on the requests of one client: a rate, a number of unanswered requests, a bounded reply queue. No clock.

ZeroMQ takes turns between connections, so a flood waits in its own queue; these limits keep what does get through from
costing the daemon's time and memory. A client is a connection on this machine, and a key on the network.
"""

from collections import OrderedDict
from dataclasses import dataclass

REMEMBERED = 10_000
"""How many clients' rates are remembered; the client that was silent for longest is forgotten first."""

UNIT_BYTES = 16_384
"""Each so many bytes of a request or an answer cost as much as one more request: large ones are allowed less often."""

ANSWERED_REFUSALS = 1.0
"""Of this many seconds' worth of requests beyond the rate each gets its refusal; the rest of a flood gets silence."""


@dataclass(frozen=True)
class Limits:
    """What is allowed; 0 means no limit."""

    requests_per_s: float = 2_000.0
    burst_s: float = 2.0
    open_requests: int = 512
    open_requests_in_all: int = 5_000
    connections: int = 4_096


@dataclass
class _Bucket:
    tokens: float
    at: float


class Allowance:
    """What each client has left."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()
        self._open: dict[bytes, int] = {}
        self._asked: dict[bytes, list[bytes]] = {}
        self._open_in_all = 0

    # -- rate ----------------------------------------------------------------------------------------------------

    def spend(self, client: bytes, now: float, size_bytes: int = 0) -> float:
        """Take one request from the client's allowance; returns what is left: below 0 the request is to be refused."""
        if not self.limits.requests_per_s:
            return 1.0
        bucket = self._bucket(client, now)
        bucket.tokens = max(bucket.tokens - 1.0 - size_bytes // UNIT_BYTES, -self._debt_limit())
        return bucket.tokens

    def worth_a_word(self, left: float) -> bool:
        """Whether a refusal is still sent at this debt."""
        return left > -self._debt_limit()

    def charge(self, client: bytes, size_bytes: int, now: float) -> None:
        """Take the size of an answer from the client's allowance; the answer goes out all the same."""
        if self.limits.requests_per_s and size_bytes >= UNIT_BYTES:
            bucket = self._bucket(client, now)
            bucket.tokens = max(bucket.tokens - size_bytes / UNIT_BYTES, -self._debt_limit() / 2)

    def _debt_limit(self) -> float:
        return self.limits.requests_per_s * ANSWERED_REFUSALS

    def _bucket(self, client: bytes, now: float) -> _Bucket:
        most = self.limits.requests_per_s * self.limits.burst_s
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(most, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(client)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * self.limits.requests_per_s)
        bucket.at = now
        return bucket

    # -- unanswered requests -------------------------------------------------------------------------------------

    def open(self, connection: bytes, client: bytes = b"") -> bool:
        """Count a request as asked; False (and not counted) when the client, or all together, have too many open.

        The connection is remembered too: its answers may come when its key is known no more. Empty: it is the client.
        """
        client = client or connection
        count = self._open.get(client, 0)
        if _reached(count, self.limits.open_requests) or _reached(self._open_in_all, self.limits.open_requests_in_all):
            return False
        self._open[client] = count + 1
        self._open_in_all += 1
        self._asked.setdefault(connection, []).append(client)
        return True

    def answered(self, connection: bytes) -> None:
        """Count a request as answered."""
        clients = self._asked.get(connection)
        if not clients:
            return
        client = clients.pop()
        if not clients:
            del self._asked[connection]
        self._close(client)

    def left(self, connection: bytes) -> bool:
        """Forget a connection that has ended; returns whether it had unanswered requests."""
        self._buckets.pop(connection, None)
        clients = self._asked.pop(connection, [])
        for client in clients:
            self._close(client)
        return bool(clients)

    def _close(self, client: bytes) -> None:
        self._open_in_all -= 1
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]

    def open_of(self, client: bytes) -> int:
        """How many requests of a client wait for their answer."""
        return self._open.get(client, 0)


def _reached(count: int, limit: int) -> bool:
    return 0 < limit <= count
