"""How many threads decode: all on an idle machine, fewer while other programs want the same cores.

The threads of the engine meet after each node of the graph, some hundred times for a token. When one of them has to
wait for a core, all wait for it, so fewer threads are faster then. The number of threads changes the last digits of
what is computed, so an answer that was asked for with a seed keeps all of them.

Linux counts how long each thread waited for a core (the second number of /proc/PID/task/TID/schedstat, in nanoseconds).
Where it does not, all threads decode.
"""

import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.25
"""Time between two looks."""

CONTENDED = 0.1
"""A thread that waited for a core for a larger part of the time has to share it."""

TRY_AGAIN_S, LONGEST_S = 2.0, 32.0
"""After so long without contention more threads are tried; if that is too early, the next wait is twice as long."""


def waited_ns() -> dict[str, int]:
    """How long each thread of this process has waited for a core."""
    return {task.name: _waited_ns(task / "schedstat") for task in Path("/proc/self/task").glob("*")}


def _waited_ns(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):  # the thread has ended, or the kernel does not count
        return 0


class DecodeThreads:
    """Chooses the number of threads, at most ``most``, and gives it to ``use`` when it changes."""

    def __init__(
        self,
        most: int,
        use: Callable[[int], None],
        waited: Callable[[], dict[str, int]] = waited_ns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.count = self._most = most
        self._use, self._waited, self._clock = use, waited, clock
        self._looked_at = 0.0
        self._before: dict[str, int] = {}
        self._calm_since = 0.0
        self._patience_s = TRY_AGAIN_S

    def use_all(self) -> None:
        """Use all threads, for what has to be computed the same way each time."""
        if self.count != self._most:
            self._set(self._most)

    def look(self) -> None:
        """Called between tokens: adapt the number if it is time."""
        now = self._clock()
        passed = now - self._looked_at
        if passed < LOOK_S or self._most == 1:
            return
        before, self._before, self._looked_at = self._before, self._waited(), now
        if passed > 2 * TRY_AGAIN_S:  # it was idle: what happened since says nothing about now
            self._calm_since = now
            return
        longest = max((ns - before.get(thread, ns) for thread, ns in self._before.items()), default=0)
        self._adapt(now, longest / 1e9 / passed)

    def _adapt(self, now: float, waited: float) -> None:
        if waited > CONTENDED:
            self._calm_since = now
            if self.count > 1:
                self._set(self.count // 2)
                self._patience_s = min(2 * self._patience_s, LONGEST_S)
        elif now - self._calm_since >= self._patience_s:
            if self.count == self._most:
                self._patience_s = TRY_AGAIN_S
            else:
                self._calm_since = now
                self._set(min(2 * self.count, self._most))

    def _set(self, count: int) -> None:
        self.count = count
        self._use(count)
