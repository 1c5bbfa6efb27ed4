"""Work on its way to the thread that draws: put in from any thread, done there, in order."""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Action = Callable[[], object]
"""Something to do; where it returns False there is nothing new to draw."""


class Posts:
    """A queue of actions; ``wake`` is called after each one, so that the drawing thread looks."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._waiting: deque[Action] = deque()
        self._closed = threading.Event()
        self.arrived = threading.Event()

    def post(self, action: Action) -> None:
        """Have ``action`` done on the drawing thread; after ``close`` it is dropped."""
        if self._closed.is_set():
            return
        self._waiting.append(action)
        self.arrived.set()
        self._wake()

    def drain(self) -> bool:
        """Do what waited when this began (what that posts waits for the next time); whether there is news to draw."""
        self.arrived.clear()
        news = False
        for _ in range(len(self._waiting)):
            try:
                action = self._waiting.popleft()
            except IndexError:  # closed meanwhile, by an action or from another thread
                break
            try:
                news = action() is not False or news
            except Exception:  # the outer loop of the drawing thread: one bad pane must not take the window along
                news = True
                log.exception("A part of the viewer failed")
        return news

    def close(self) -> None:
        """Take nothing more; nothing touches DearPyGui after this."""
        self._closed.set()
        self._waiting.clear()
