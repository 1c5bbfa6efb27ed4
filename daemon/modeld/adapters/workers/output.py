"""What a worker printed before it ended, reduced to the line that states the cause."""

import re
from collections import deque

_CAUSE = re.compile(
    r"GGML_ASSERT|GGML_ABORT|terminate called|assertion|\berror\b|\bfatal\b|\bfailed\b|bad_alloc|out of memory",
    re.IGNORECASE,
)
_EXPLANATION = "what():"
"""How a line starts that says more about the C++ exception of the line before."""

_TRACEBACK = "Traceback (most recent call last):"
LAST_LINES = 3
MOST_CHARACTERS = 500


class Output:
    """Takes a worker's output line by line; the last lines of a crash are often not the cause."""

    def __init__(self) -> None:
        self._cause = ""
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._in_traceback = False

    def add(self, line: str) -> None:
        """Take in a line."""
        text = line.strip()
        if not text:
            return
        self._last.append(text)
        if self._in_traceback and not line.startswith((" ", "\t")):
            self._in_traceback = False
            self._cause = self._cause or text
        elif text == _TRACEBACK:
            self._in_traceback = not self._cause
        elif text.startswith(_EXPLANATION) and "terminate called" in self._cause:
            self._cause += " " + text
        elif not self._cause and not self._in_traceback and _CAUSE.search(text):
            self._cause = text

    def cause(self) -> str:
        """The first line that states a cause; the last lines where none does."""
        return (self._cause or "; ".join(self._last))[:MOST_CHARACTERS]
