"""Computes positions on a card and of the cards in the list; arithmetic only."""

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelctl.desktop.viewer.models.presenter import GAP, Card
from modelctl.language.model_card import ModelCard

WIDE = 54
"""A card at least this wide (in line heights) has two columns."""

LEFT_SHARE = 0.46
"""The left column's share of a wide card."""

OVERSCAN = 1
"""How many extra cards exist above and below the visible part, for scrolling."""


@dataclass(frozen=True)
class Metrics:
    """Sizes in pixels: a line of text, a button's height, the card's padding, the gap between cards."""

    line: int
    button: int
    padding: int
    gap: int

    @classmethod
    def of(cls, text_height: float) -> "Metrics":
        """The sizes for a font of this height."""
        line = round(text_height * 1.35)
        return cls(
            line=line, button=round(text_height * 1.9), padding=round(text_height), gap=round(text_height * 0.75)
        )


@dataclass(frozen=True)
class PlacedText:
    """A line of text at a position on its card, at most ``width`` wide."""

    text: str
    x: int
    y: int
    width: int
    tone: str = "text"


@dataclass(frozen=True)
class _Text:
    """A line of text without a position."""

    text: str
    tone: str = "muted"
    indented: bool = False


@dataclass(frozen=True)
class CardLayout:
    """A card's lines, the tops of its other parts (None: absent), and its height."""

    lines: tuple[PlacedText, ...]
    context_y: int | None
    gauge_y: int | None
    failure_y: int | None
    height: int


def layout(card: Card, width: int, metrics: Metrics, failure_lines: int = 0) -> CardLayout:
    """Lay out a card ``width`` pixels wide; ``failure_lines`` is the number of lines of its wrapped failure."""
    m = metrics
    words = card.texts
    left = m.padding + m.line // 3
    inner = width - left - m.padding
    y = m.padding + m.button + m.line // 3
    about, figures = _about(words), _figures(words)
    columns: list[tuple[int, int, list[_Text]]]
    if width >= WIDE * m.line * 0.62:
        split = round(inner * LEFT_SHARE)
        beside = _machine_in_two(words)
        fits = len(figures) + len(beside) <= max(len(about), len(beside))
        columns = [(left, split - m.padding, about), (left + split, inner - split, figures + (beside if fits else []))]
        below = [_Text(GAP.join(words.machine))] if words.machine and not fits else []
    else:
        columns = [(left, inner, about + figures)]
        below = [_Text(text) for text in words.machine]
    lines = [
        _line(text, x, y + row * m.line, room, m) for x, room, column in columns for row, text in enumerate(column)
    ]
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
    return CardLayout(tuple(lines), context_y, gauge_y, failure_y, y + m.padding - m.line // 4)


def _about(texts: ModelCard) -> list[_Text]:
    """The left column: the model's description."""
    return [_Text(text, "text" if text == texts.name else "muted") for text in texts.about]


def _figures(texts: ModelCard) -> list[_Text]:
    """The right column: each benchmark's heading, and its figures in one line."""
    lines = []
    for benchmark in texts.benchmarks:
        lines += [_Text(benchmark.heading), _Text(GAP.join(benchmark.figures), "text", indented=True)]
    return lines


def _machine_in_two(texts: ModelCard) -> list[_Text]:
    """The device and memory, in at most two lines: the memory text is long and has its own."""
    lines = [GAP.join(filter(None, (texts.acceleration, texts.load_time))), texts.memory]
    return [_Text(line) for line in lines if line]


def _line(text: _Text, x: int, y: int, width: int, metrics: Metrics) -> PlacedText:
    """A positioned text; figures are aligned with the words of their heading, not with its emoji."""
    indent = metrics.line if text.indented else 0
    return PlacedText(text.text, x + indent, y, width - indent, text.tone)


def tops(heights: Sequence[int], gap: int) -> list[int]:
    """The top of each card, and of the position after the last one."""
    return [0, *itertools.accumulate(height + gap for height in heights)]


def seen(places: Sequence[int], scroll: float, height: float) -> range:
    """Indexes of the cards between ``scroll`` and ``scroll + height``, and a few more; ``places`` from ``tops``."""
    count = len(places) - 1
    first = max(0, bisect.bisect_right(places, scroll) - 1 - OVERSCAN)
    last = min(count, bisect.bisect_left(places, scroll + height) + OVERSCAN)
    return range(min(first, count), last)


def wrapped_lines(text_width: float, width: float) -> int:
    """The number of lines of a wrapped text; words do not fill a line completely, so 5 % are left free."""
    return max(1, math.ceil(text_width / max(1.0, width * 0.95)))
