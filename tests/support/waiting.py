"""Polls for what has no event: a picture, a bus name, another process."""

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 30.0
LOOK_S = 0.05

_T = TypeVar("_T")


def until(look: Callable[[], _T | None], what: str, deadline_s: float = DEADLINE_S) -> _T:
    """Poll ``look`` and return its first true value; fails with ``what`` at the deadline.

    Only for what has no event: a picture, a bus name, another process.
    """
    end = time.monotonic() + deadline_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {deadline_s:.0f} s: {what}"
        time.sleep(LOOK_S)
