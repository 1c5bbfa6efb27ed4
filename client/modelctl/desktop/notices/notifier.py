"""The thread that shows notifications; callers post their news and continue.

Only this thread waits for the desktop. The queue is limited, and errors here do not reach the caller.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from modelctl.desktop.notices.backend import DEADLINE_S, NotShownError
from modelctl.desktop.notices.backend_chain import BackendChain
from modelctl.desktop.notices.grouping import SETTLE_S, WINDOW_S, Grouping
from modelctl.desktop.notices.notice import Notice

QUEUE = 50

log = logging.getLogger("modelctl.desktop.notices")

Work = Callable[[], Notice | None]
"""Creates a notice in the notifier's thread, where it may block; None means that there is nothing to show."""


class Notifier:
    """Shows notices in its own thread; ``post`` may be called from any thread, and never blocks or raises."""

    def __init__(self, backends: BackendChain) -> None:
        self._backends = backends
        self._grouping = Grouping()
        self._queue: deque[Work] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self._thread.start()

    def post(self, work: Work) -> None:
        """Show the notice that ``work`` creates, soon; if the queue is full, the oldest entry is dropped."""
        with self._changed:
            if self._closed:
                return
            if len(self._queue) >= QUEUE:
                self._queue.popleft()
                log.warning("More than %d notifications are waiting; the oldest is dropped.", QUEUE)
            self._queue.append(work)
            self._changed.notify()

    def close(self, wait_s: float = DEADLINE_S + 1.0) -> bool:
        """Show pending notices and stop; return False if the thread still runs after ``wait_s``."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            work, closing = self._next()
            try:
                self._step(work, closing)
            except Exception:
                log.exception("A notification could not be shown.")
            if closing and work is None:
                break
        self._backends.close()

    def _next(self) -> tuple[Work | None, bool]:
        """The next work item; None if a pending notice is due or the notifier is closed."""
        with self._changed:
            while not self._queue and not self._closed:
                due_at = self._grouping.due_at(self._settle_s())
                wait_s = None if due_at is None else due_at - time.monotonic()
                if wait_s is not None and wait_s <= 0:
                    break
                self._changed.wait(wait_s)
            return (self._queue.popleft() if self._queue else None), self._closed

    def _step(self, work: Work | None, closing: bool) -> None:
        if work is not None:
            notice = work()
            if notice is not None:
                self._grouping.add(notice, time.monotonic())
        flush = closing and work is None
        due = self._grouping.flush() if flush else self._grouping.due(time.monotonic(), self._settle_s())
        for notice in due:
            try:
                self._backends.show(notice)
            except NotShownError as error:
                log.warning("%s: could not be shown: %s", notice.title, error)

    def _settle_s(self) -> float:
        return SETTLE_S if self._backends.replaces else WINDOW_S
