"""Where things are on a card and where the cards are in the list; arithmetic only."""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelctl.desktop.viewer.models.presenter import GAP, Card

WIDE = 54
"""From this many lines' heights of width a card has two columns."""

LEFT_SHARE = 0.46
"""The left column's part of a wide card."""

OVERSCAN = 1
"""Cards made beyond either end of what is seen, so that a scroll finds them there."""


@dataclass(frozen=True)
class Metrics:
    """Sizes in pixels: a line of text, a button's height, the card's padding, the gap between cards."""

    line: int
    button: int
    padding: int
    gap: int

    @classmethod
    def of(cls, text_height: float) -> "Metrics":
        """For a font of this height."""
        line = round(text_height * 1.35)
        return cls(
            line=line, button=round(text_height * 1.9), padding=round(text_height), gap=round(text_height * 0.75)
        )


@dataclass(frozen=True)
class Line:
    """A line of text at a place on its card, not wider than ``width``."""

    text: str
    x: int
    y: int
    width: int
    tone: str = "text"


@dataclass(frozen=True)
class Layout:
    """A card's lines and the tops of its other parts (None: not there), and how high it is."""

    lines: tuple[Line, ...]
    context_y: int | None
    gauge_y: int | None
    failure_y: int | None
    height: int


def layout(card: Card, width: int, metrics: Metrics, failure_lines: int = 0) -> Layout:
    """A card ``width`` pixels wide; ``failure_lines`` is how many lines its failure takes when wrapped."""
    m = metrics
    left = m.padding + m.line // 3
    inner = width - left - m.padding
    y = m.padding + m.button + m.line // 3
    columns: list[tuple[int, int, Sequence[str]]]
    if width >= WIDE * m.line * 0.62:
        split = round(inner * LEFT_SHARE)
        beside = _in_two(card.machine)
        fits = len(card.figures) + len(beside) <= max(len(card.about), len(beside))
        right = (*card.figures, *beside) if fits else card.figures
        columns = [(left, split - m.padding, card.about), (left + split, inner - split, right)]
        below = [GAP.join(card.machine)] if card.machine and not fits else []
    else:
        columns = [(left, inner, (*card.about, *card.figures))]
        below = list(card.machine)
    lines = [_line(text, x, y + row * m.line, room, m) for x, room, texts in columns for row, text in enumerate(texts)]
    y += m.line * max(len(texts) for _x, _room, texts in columns)
    for text in below:
        lines.append(_line(text, left, y, inner, m))
        y += m.line
    context_y = gauge_y = failure_y = None
    if card.context is not None:
        context_y = y + m.line // 4
        y = context_y + round(m.line * 1.55)
    if card.gauge is not None:
        gauge_y = y + m.line // 4
        y = gauge_y + round(m.line * 1.6)
    if failure_lines:
        failure_y = y + m.line // 5
        y = failure_y + failure_lines * m.line
    return Layout(tuple(lines), context_y, gauge_y, failure_y, y + m.padding - m.line // 4)


def _in_two(machine: Sequence[str]) -> tuple[str, ...]:
    """What the model runs on and takes, in at most two lines: the memory, which is long, has its own."""
    memory = [text for text in machine if text.startswith("🧮")]
    rest = [text for text in machine if text not in memory]
    return (*([GAP.join(rest)] if rest else []), *memory)


def _line(text: str, x: int, y: int, width: int, metrics: Metrics) -> Line:
    """A line at its place; numbers begin below their heading's words, not below its sign."""
    indent = metrics.line if text.startswith("•") else 0
    return Line(text, x + indent, y, width - indent, _tone(text))


def _tone(text: str) -> str:
    """What a thing is called and how fast it was stand out; the rest is quieter."""
    return "text" if text.startswith(("📝", "•")) else "muted"


def tops(heights: Sequence[int], gap: int) -> list[int]:
    """The top of each card, and at the end where the next would begin."""
    return [0, *itertools.accumulate(height + gap for height in heights)]


def seen(places: Sequence[int], scroll: float, height: float) -> range:
    """The numbers of the cards between ``scroll`` and ``scroll + height``, and a few beyond; ``places`` by ``tops``."""
    count = len(places) - 1
    first = max(0, bisect.bisect_right(places, scroll) - 1 - OVERSCAN)
    last = min(count, bisect.bisect_left(places, scroll + height) + OVERSCAN)
    return range(min(first, count), last)


def wrapped_lines(text_width: float, width: float) -> int:
    """How many lines a text takes; words do not fill a line to its end, so a twentieth is left."""
    return max(1, math.ceil(text_width / max(1.0, width * 0.95)))
