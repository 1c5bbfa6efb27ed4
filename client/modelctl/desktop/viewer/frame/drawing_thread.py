"""Runs actions on the drawing thread: any thread calls ``post``, and the drawing thread runs the action.

DearPyGui must be called from one thread. Who that thread is depends on the window: ``own_window.OwnWindow`` runs the
loop of the viewer's own window, ``host_window.HostWindow`` runs inside another program's loop. Both are a
``DrawingThread``, so everything above them knows only ``post``.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Action = Callable[[], object]
"""Something to do on the drawing thread; it returns False if it changed nothing that is drawn."""

Hook = Callable[[], bool]
"""Something to do after every frame; it returns whether it changed something that is drawn."""


class DrawingThread:
    """The actions that wait for the drawing thread, and the hooks that run after each of its frames."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        """``wake`` is called after every post, in the posting thread, to wake the drawing thread."""
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[Action] = deque()
        self._hooks: list[Hook] = []
        self.stopped = False
        self.arrived = threading.Event()

    def post(self, action: Action, *, once: bool = False) -> None:
        """Run ``action`` on the drawing thread, soon; may be called from any thread. After ``stop`` it is dropped.

        ``once`` is for a caller that posts the same action very often: it does nothing while that action still waits.
        """
        with self._lock:
            if self.stopped or (once and action in self._waiting):
                return
            self._waiting.append(action)
        self.arrived.set()
        self._wake()

    def each_frame(self, hook: Hook) -> None:
        """Call ``hook`` after every frame; on the drawing thread."""
        self._hooks.append(hook)

    def animate(self, seconds: float) -> None:
        """Keep drawing for this long, because something moves. A host draws when it decides to: nothing to do."""

    def drain(self) -> bool:
        """Run the actions that wait now; return whether there is something new to draw.

        An action that is posted meanwhile waits for the next call.
        """
        self.arrived.clear()
        changed = False
        for _number in range(len(self._waiting)):
            if self.stopped:  # by an earlier action, or by another thread
                break
            with self._lock:
                action = self._waiting.popleft()
            try:
                changed = self.run_one(action) is not False or changed
            except Exception:  # the outer loop of the drawing thread: one faulty part must not close the window
                changed = True
                log.exception("A part of the viewer failed")
        return changed

    def after_frame(self) -> bool:
        """Call every hook; return whether one changed something. A hook that fails is not called again."""
        changed = False
        for hook in [*self._hooks]:
            try:
                changed = bool(self.run_one(hook)) or changed
            except Exception:  # the outer loop of the drawing thread: the hook would fail after every frame
                log.exception("A part of the viewer failed after a frame")
                self._hooks.remove(hook)
        return changed

    def run_one(self, action: Action) -> object:
        """Run an action or a hook."""
        return action()

    def stop(self) -> None:
        """Run no further actions. It takes no lock, so a signal handler and a finalizer may call it."""
        self.stopped = True
