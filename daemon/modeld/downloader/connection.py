"""One connection of a download: a thread that takes a lease, requests its range, and writes the data."""

import random
import threading
from collections.abc import Callable
from typing import Protocol

from modeld.downloader.body import Body
from modeld.downloader.disk.partial import Partial
from modeld.downloader.failures import PullError, Retry, Stopped
from modeld.downloader.location import Pause
from modeld.downloader.plan.leases import Lease
from modeld.downloader.response import Meta
from modeld.downloader.session import HttpSession
from modeld.downloader.throttle import Throttle
from modeld.http.backoff import Backoff
from modeld.protocol.reasons import Reason

BUFFER_BYTES = 256 * 1024
MAGIC = b"GGUF"


class Work(Protocol):
    """The download that a connection works for (see ``Fetch``)."""

    over: bool

    def next_lease(self, connection: "DownloadConnection") -> Lease | None:
        """Wait for a range to fetch; None when this connection is no longer needed."""

    def asked(self, lease: Lease) -> tuple[tuple[int, int] | None, str]:
        """The range to request, and the validator that makes sure it is of the same file."""

    def answered(self, connection: "DownloadConnection", lease: Lease, meta: Meta) -> Lease:
        """An answer came and is of the same file; returns the lease it is for."""

    def body_ended(self, lease: Lease) -> None:
        """A body ended; if its length was unknown, it is known now."""

    def returned(self, lease: Lease) -> None:
        """A lease ended, completely fetched or not."""

    def faulted(self, connection: "DownloadConnection", fault: Retry, wait_s: float) -> None:
        """An attempt failed and may be repeated; returns when it is time to do so."""

    def broke(self, error: Exception) -> None:
        """The download cannot continue like this."""

    def left(self, connection: "DownloadConnection") -> None:
        """This connection has ended."""


class DownloadConnection:
    """A thread with an HTTP client of its own."""

    def __init__(
        self,
        work: Work,
        partial: Partial,
        make_session: Callable[[], HttpSession],
        throttles: tuple[Throttle, ...],
        first_wait_s: float,
        name: str,
    ) -> None:
        self._work = work
        self._partial = partial
        self._make_session = make_session
        self._throttles = throttles
        self._first_wait_s = first_wait_s
        self._session: HttpSession | None = None
        self._lock = threading.Lock()
        self.lease: Lease | None = None
        self.reading = False
        self.pause: Pause | None = None
        self.replaced = False
        self.requested_at: float | None = None
        self.sent = ""
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def interrupt(self, *, replace: bool = False) -> None:
        """End the current request; with ``replace`` it continues on a new connection at once."""
        with self._lock:
            self.replaced = self.replaced or replace
            if self._session is not None:
                self._session.interrupt()

    def _run(self) -> None:
        backoff = Backoff()
        try:
            while (lease := self._work.next_lease(self)) is not None:
                self.lease = lease
                began = lease.position
                try:
                    self._fetch(lease)
                except Retry as fault:
                    self._drop_session()
                    brought = (self.lease or lease).position - began
                    self._return()
                    if self.replaced:
                        self.replaced = False
                        continue
                    wait = backoff.failed(brought, random.random(), fault.after_s)
                    self._work.faulted(self, fault, wait * self._first_wait_s)
                except Stopped:
                    raise
                except Exception as error:
                    # Report it before the lease is returned, which may end the download for a reason of its own.
                    self._work.broke(error)
                    raise
                finally:
                    self._return()
        except Stopped:
            pass  # the caller of stop() reports it
        except Exception as error:  # noqa: BLE001 - handed on to the download's own thread, which raises it there
            self._work.broke(error)
        finally:
            self._drop_session()
            self._work.left(self)

    def _return(self) -> None:
        lease, self.lease = self.lease, None
        self.reading = False
        self.requested_at = None
        if lease is not None:
            self._work.returned(lease)

    def _session_now(self) -> HttpSession:
        if self._session is None:
            session = self._make_session()
            with self._lock:
                self._session = session
        if self._work.over:
            raise Stopped
        assert self._session is not None
        return self._session

    def _drop_session(self) -> None:
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _fetch(self, lease: Lease) -> None:
        session = self._session_now()
        asked, self.sent = self._work.asked(lease)
        with session.open(asked, self.sent) as opened:
            lease = self._work.answered(self, lease, opened.meta)
            self._read(opened.body, lease)
            opened.body.hand_back()

    def _read(self, body: Body, lease: Lease) -> None:
        buffer = memoryview(bytearray(BUFFER_BYTES))
        work = self._work
        while lease.left:
            room = min(lease.left, *(throttle.read_bytes(BUFFER_BYTES) for throttle in self._throttles))
            count = body.read_into(buffer[:room])
            if work.over:
                raise Stopped
            if not count:
                work.body_ended(lease)
                return
            if lease.position == 0:
                self._check_magic(bytes(buffer[: min(count, len(MAGIC))]))
            self._partial.write(lease.position, buffer[:count])
            lease.position += count
            for throttle in self._throttles:
                throttle.spend(count, lambda: work.over)

    def _check_magic(self, begin: bytes) -> None:
        if not MAGIC.startswith(begin):
            raise PullError(Reason.NOT_A_GGUF_FILE.failure(url=self._partial.url, begin=repr(begin)))
