"""The daemon's log lines with their levels, filtered by text and level; pure, with a limited length."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelctl.language.printable import one_line

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
KEPT = 500
LONGEST = 2000
"""The maximum number of characters shown per line; log lines have no length limit."""

_LEVEL = re.compile(rf"^\S+ \S+ ({'|'.join(LEVELS)}) ")


@dataclass(frozen=True)
class LogLine:
    """One line; ``level`` is its own or, in a traceback, that of the line it belongs to."""

    number: int
    text: str
    level: str


class LogLines:
    """The newest lines; the oldest are dropped above the limit."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._level = "INFO"
        self._count = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, texts: Iterable[str]) -> None:
        """Append new lines."""
        for text in texts:
            text = one_line(text)
            found = _LEVEL.match(text)
            self._level = found[1] if found else self._level
            self._count += 1
            short = text if len(text) <= LONGEST else text[:LONGEST] + " …"
            self._lines.append(LogLine(self._count, short, self._level))

    def clear(self) -> None:
        """Remove all lines."""
        self._lines.clear()
        self._level = "INFO"

    def chosen(self, text: str = "", level: str = "DEBUG") -> Sequence[LogLine]:
        """The lines that contain ``text`` (case-insensitive) and have at least this ``level``."""
        wanted, least = text.casefold(), LEVELS.index(level)
        return [line for line in self._lines if LEVELS.index(line.level) >= least and wanted in line.text.casefold()]
