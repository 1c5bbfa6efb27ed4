"""The daemon's news on its way to the panes: followed in a thread, shown on the drawing one.

However fast events come, one refresh at most is waiting, with the newest snapshot; only what leaves no trace in a
snapshot is handed on event by event.
"""

import threading
from collections import deque
from collections.abc import Callable

from modeld.protocol import events
from modeld.protocol.views import Snapshot

from modelctl.follow import Mirror, keep_following
from modelctl.transport.transport import Link

KEPT = 100
"""Events without a trace that may wait for a frame; older ones are dropped."""


class Following:
    """Keeps ``show`` and ``heard`` supplied until it is stopped."""

    def __init__(
        self,
        link: Link,
        post: Callable[[Callable[[], object]], None],
        show: Callable[[Snapshot | None], object],
        heard: Callable[[events.AnyEvent], None],
    ) -> None:
        self._link = link
        self._post, self._show, self._heard = post, show, heard
        self._lock = threading.Lock()
        self._newest: Snapshot | None = None
        self._posted = False
        self._events: deque[events.AnyEvent] = deque(maxlen=KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="viewer events", daemon=True)

    def start(self) -> None:
        """Begin; ``show`` (False: nothing to draw) is called as soon as the daemon answers or is known to be away."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting: the thread ends with the next heartbeat."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; False when it still waits for a daemon that says nothing."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def changed(self, mirror: Mirror | None, event: events.AnyEvent | None) -> None:
        """News, in the following thread."""
        self.news(mirror.snapshot if mirror is not None else None, event)

    def news(self, snapshot: Snapshot | None, event: events.AnyEvent | None) -> None:
        """The newest snapshot, and the event that made it (None: anything may be different)."""
        if isinstance(event, events.Heartbeat):
            return
        with self._lock:
            self._newest = snapshot
            if event is not None and leaves_no_trace(event):
                self._events.append(event)
            if self._posted:
                return
            self._posted = True
        self._post(self._deliver)

    def _follow(self) -> None:
        keep_following(self._link, self.changed, self._stop)

    def _deliver(self) -> bool:
        """On the drawing thread: the newest snapshot, then the events that are not in it; whether to draw."""
        with self._lock:
            newest, heard = self._newest, list(self._events)
            self._events.clear()
            self._posted = False
        news = self._show(newest) is not False
        for event in heard:
            self._heard(event)
        return news or bool(heard)


def leaves_no_trace(event: events.AnyEvent) -> bool:
    """Whether a snapshot taken afterwards would not tell that this happened."""
    match event:
        case events.ContextRefused() | events.ContextFull() | events.DaemonStopping():
            return True
        case events.ModelChanged(reason=reason):
            return bool(reason)
        case _:
            return False
