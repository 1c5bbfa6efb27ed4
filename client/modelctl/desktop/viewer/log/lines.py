"""Lines of the daemon's log, with their levels, narrowed by text and level; pure and bounded."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
KEPT = 500
LONGEST = 2000
"""Characters of a line that are shown; a line of a log has no upper bound."""

_LEVEL = re.compile(rf"^\S+ \S+ ({'|'.join(LEVELS)}) ")


@dataclass(frozen=True)
class LogLine:
    """One line; ``level`` is its own or, for the rest of a traceback, that of the line it belongs to."""

    number: int
    text: str
    level: str


class LogLines:
    """The newest lines; the oldest go when there are too many."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._level = "INFO"
        self._count = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, texts: Iterable[str]) -> None:
        """Add lines as they were written."""
        for text in texts:
            found = _LEVEL.match(text)
            self._level = found[1] if found else self._level
            self._count += 1
            short = text if len(text) <= LONGEST else text[:LONGEST] + " …"
            self._lines.append(LogLine(self._count, short, self._level))

    def clear(self) -> None:
        """Forget all."""
        self._lines.clear()
        self._level = "INFO"

    def chosen(self, text: str = "", level: str = "DEBUG") -> Sequence[LogLine]:
        """The lines that contain ``text`` (whatever the case) and are of ``level`` or worse."""
        wanted, least = text.casefold(), LEVELS.index(level)
        return [line for line in self._lines if LEVELS.index(line.level) >= least and wanted in line.text.casefold()]
