"""Follows the daemon in a thread, and passes its changes to the tabs on the drawing thread.

However fast events arrive, at most one refresh is pending, with the newest snapshot. Only events that leave no trace in
a snapshot are passed on individually.
"""

import threading
from collections import deque
from collections.abc import Callable

from modeld.protocol import events
from modeld.protocol.views import Snapshot

from modelctl.desktop.viewer.frame.drawing_thread import DrawingThread
from modelctl.follow import Mirror, keep_following
from modelctl.transport.transport import Transport

KEPT = 100
"""The maximum number of events that wait for a frame; older ones are dropped."""


class Following:
    """Calls ``show``, ``on_event`` and ``on_silence`` on the drawing thread until it is stopped.

    ``on_silence(True)``: the daemon does not respond, so what is shown may be out of date.
    """

    def __init__(
        self,
        transport: Transport,
        drawing: DrawingThread,
        show: Callable[[Snapshot | None], object],
        on_event: Callable[[events.AnyEvent], None],
        on_silence: Callable[[bool], None] = lambda _silent: None,
    ) -> None:
        self._transport, self._drawing = transport, drawing
        self._show, self._on_event, self._on_silence = show, on_event, on_silence
        self._silent = self._silence_shown = False
        self._newest: Snapshot | None = None
        self._events: deque[events.AnyEvent] = deque(maxlen=KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="viewer events", daemon=True)

    def start(self) -> None:
        """Start; ``show`` is called once the daemon answers or is unreachable. It returns False for no change."""
        self._thread.start()

    def stop(self) -> None:
        """Stop without waiting: the thread ends with the next heartbeat."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; return False if it still waits for a daemon that does not answer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def changed(self, mirror: Mirror | None, event: events.AnyEvent | None) -> None:
        """Called in the following thread after each change."""
        if mirror is None:
            self.news(None, event)
        else:
            self.news(mirror.snapshot, event, silent=mirror.stale)

    def news(self, snapshot: Snapshot | None, event: events.AnyEvent | None, *, silent: bool = False) -> None:
        """The newest snapshot, and the event that caused it (None: anything may have changed).

        ``silent``: the daemon does not respond.
        """
        if isinstance(event, events.Heartbeat):
            return
        self._newest, self._silent = snapshot, silent
        if event is not None and leaves_no_trace(event):
            self._events.append(event)
        self._drawing.post(self._deliver, once=True)

    def _follow(self) -> None:
        keep_following(self._transport, self.changed, self._stop)

    def _deliver(self) -> bool:
        """Runs on the drawing thread: show the newest snapshot, then pass on the events; return whether to draw."""
        # Take the events first, so that the snapshot is at least as new as they are.
        arrived = [self._events.popleft() for _number in range(len(self._events))]
        changed = self._show(self._newest) is not False
        silent = self._silent
        if silent != self._silence_shown:
            self._silence_shown, changed = silent, True
            self._on_silence(silent)
        for event in arrived:
            self._on_event(event)
        return changed or bool(arrived)


def leaves_no_trace(event: events.AnyEvent) -> bool:
    """Whether a later snapshot does not show that this event happened."""
    match event:
        case events.ContextRefused() | events.ContextFull() | events.DaemonStopping() | events.InternalError():
            return True
        case events.ModelChanged(reason=reason):
            return bool(reason)
        case _:
            return False
