"""Things from a fast thread on their way to the drawing one: however many come, one post at most is waiting."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Gather(Generic[_T]):
    """Hands ``take`` what was put since it last ran; more than ``kept`` waiting, and the oldest are lost."""

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        take: Callable[[Sequence[_T]], None],
        kept: int | None = None,
    ) -> None:
        self._post, self._take = post, take
        self._lock = threading.Lock()
        self._waiting: deque[_T] = deque(maxlen=kept)

    def put(self, things: Iterable[_T]) -> None:
        """Add things, from any thread."""
        with self._lock:
            idle = not self._waiting
            self._waiting.extend(things)
            wake = idle and bool(self._waiting)
        if wake:
            self._post(self.flush)

    def flush(self) -> None:
        """Hand on what waits, on the drawing thread."""
        with self._lock:
            things = list(self._waiting)
            self._waiting.clear()
        if things:
            self._take(things)
