"""Job updates for a host program, in one thread; each job's end is reported exactly once, across daemon restarts."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from modeld.protocol import events
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import FINAL, JobState
from modeld.protocol.views import JobView

from modelctl.follow import keep_following
from modelctl.transport.transport import Transport

if TYPE_CHECKING:
    from modelctl.follow import Mirror

Listener = Callable[[JobView], None]

log = logging.getLogger(__name__)

REMEMBERED = 1000
"""How many ended jobs are remembered as reported."""

LOOK_S = 1.0
"""How often a caller that waits for a job checks whether the daemon is still reachable."""


class Feed:
    """Follows the daemon from the first ``listen`` on; listeners are called in its thread, one after another, or in the
    thread that waits for a job of which it learns first that it has ended.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._listeners: list[Listener] = []
        self._ended = threading.Condition()  # guards all attributes below
        self._open: dict[str, JobView] = {}
        self._claimed: OrderedDict[str, JobView | None] = OrderedDict()
        self._mirror: Mirror | None = None
        self._connected = threading.Event()
        self._away_since = time.monotonic()
        self._stop = threading.Event()
        self._over = False
        self._thread: threading.Thread | None = None

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with every new or changed job; its exceptions are logged and affect no other listener."""
        with self._ended:
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="modeld jobs", daemon=True)
                self._thread.start()

    def forget(self, listener: Listener) -> None:
        """Stop calling ``listener``."""
        with self._ended:
            self._listeners.remove(listener)

    def wait_until_connected(self, deadline_s: float) -> bool:
        """Wait until updates arrive, at most ``deadline_s``; return whether they do."""
        return self._connected.wait(deadline_s)

    def is_own_thread(self) -> bool:
        """Whether this is the thread that calls the listeners; it must not wait for updates."""
        return threading.current_thread() is self._thread

    def wait_for(self, job: JobView, grace_s: float) -> JobView | None:
        """The job once it has ended and the listeners know; None when the daemon was away for ``grace_s``, or no news
        comes any more.
        """
        with self._ended:
            if job.id not in self._claimed:
                self._open.setdefault(job.id, job)
            known = self._mirror.job(job.id) if self._mirror is not None else None
        # The job may have ended before this call registered it.
        for seen in (known, job):
            if seen is not None and seen.state in FINAL:
                self._notify(seen)
        with self._ended:
            while (end := self._claimed.get(job.id)) is None:
                self._ended.wait(LOOK_S)
                if self._over or (not self._connected.is_set() and time.monotonic() - self._away_since > grace_s):
                    return None
            return end

    def close(self) -> None:
        """Stop the thread; takes up to one heartbeat (a second)."""
        self._stop.set()
        if self._thread is not None and not self.is_own_thread():
            self._thread.join()

    def _follow(self) -> None:
        try:
            keep_following(self._transport, self._changed, self._stop)
        finally:
            self._connected.clear()
            with self._ended:
                self._over = True
                self._ended.notify_all()

    def _changed(self, mirror: "Mirror | None", event: events.AnyEvent | None) -> None:
        with self._ended:
            self._mirror = mirror
        if mirror is None or mirror.stale:
            if self._connected.is_set():
                self._away_since = time.monotonic()
            self._connected.clear()
        elif event is None:
            for job in self._missed(mirror):
                self._notify(job)
            self._connected.set()
        elif isinstance(event, events.JobChanged):
            self._notify(event.job)
        elif isinstance(event, events.JobProgress):
            job_now = mirror.job(event.job)
            if job_now is not None:
                self._notify(job_now)

    def _missed(self, mirror: "Mirror") -> list[JobView]:
        """After a gap: report running jobs, and those that ended meanwhile; older ends are history."""
        jobs = {job.id: job for job in mirror.snapshot.jobs}
        with self._ended:
            waited_for = dict(self._open)
        found = [job for job in jobs.values() if job.state not in FINAL or job.id in waited_for]
        why = Failure(code=ErrorCode.INTERRUPTED, message="The daemon does not know this job any more.")
        lost = [job for job in waited_for.values() if job.id not in jobs]
        return found + [msgspec.structs.replace(job, state=JobState.FAILED, failure=why) for job in lost]

    def _notify(self, job: JobView) -> None:
        """Call the listeners, once for a job's end; callers that wait for the job return after that."""
        final = job.state in FINAL
        with self._ended:
            if job.id in self._claimed:
                return
            if final:
                self._open.pop(job.id, None)
                self._claimed[job.id] = None
            else:
                self._open[job.id] = job
            listeners = tuple(self._listeners)
        for listener in listeners:
            call_safely(listener, job)
        if final:
            with self._ended:
                self._claimed[job.id] = job
                while len(self._claimed) > REMEMBERED:
                    self._claimed.popitem(last=False)
                self._ended.notify_all()


def call_safely(callback: Callable[..., object], *arguments: object) -> None:
    """Call a host program's function; log its exceptions with their traceback, and swallow them."""
    try:
        callback(*arguments)
    except Exception:  # the function is the host's, and its failure must not stop the others
        log.exception("a callback failed")
