"""The glyphs of the viewer's fonts that are drawn, not taken: blocks, box lines, signs that must read when small."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

EM, ASCENT, DESCENT = 1000, 950, -250
CAP_MIDDLE = 357
"""Half the height of a capital letter: where a symbol's middle belongs."""

Draw = Callable[[TTGlyphPen], None]
Point = tuple[float, float]
Contour = Callable[[Cu2QuPen], None]


@dataclass(frozen=True)
class Glyph:
    """A glyph that is ready to be written."""

    width: int
    draw: Draw


def drawn(cell: int, foot: int, head: int) -> Iterator[tuple[int, Glyph]]:
    """Each code point that is drawn; a block is ``cell`` wide and reaches from ``foot`` to ``head``."""
    for code, contours in (*_blocks(cell, foot, head), *_lines(cell)):
        yield code, _glyph(cell, contours)
    for letter, contours in _signs():
        yield ord(letter), _glyph(EM, contours)
    for letter, corners in _triangles():
        yield ord(letter), _glyph(cell, [_polygon(corners)])


def nothing() -> Glyph:
    """What is neither seen nor takes any room."""
    return _glyph(0, [])


def missing() -> Glyph:
    """The box for what the font does not have."""
    return _glyph(500, [_box(60, 0, 440, 714), _polygon([(110, 50), (390, 50), (390, 664), (110, 664)])])


def _blocks(cell: int, foot: int, head: int) -> Iterator[tuple[int, list[Contour]]]:
    height = head - foot
    for eighths in range(1, 9):  # ▁ to █
        yield 0x2580 + eighths, [_box(0, foot, cell, foot + height * eighths / 8)]
    for eighths in range(1, 8):  # ▏ to ▉
        yield 0x2590 - eighths, [_box(0, foot, cell * eighths / 8, head)]
    yield 0x2580, [_box(0, foot + height / 2, cell, head)]
    yield 0x2590, [_box(cell / 2, foot, cell, head)]
    stripes = 24  # two or more to a pixel at the size of text, so that they melt into an even grey
    step = cell / stripes
    for code, ink in ((0x2591, 0.25), (0x2592, 0.5), (0x2593, 0.75)):
        yield code, [_box(i * step, foot, (i + ink) * step, head) for i in range(stripes)]


def _lines(cell: int) -> Iterator[tuple[int, list[Contour]]]:
    middle, centre, half = (ASCENT + DESCENT) / 2, cell / 2, 35
    arms = {
        "left": _box(0, middle - half, centre + half, middle + half),
        "right": _box(centre - half, middle - half, cell, middle + half),
        "up": _box(centre - half, middle - half, centre + half, ASCENT),
        "down": _box(centre - half, DESCENT, centre + half, middle + half),
    }
    lines = {
        "─": "left right", "│": "up down", "┌": "right down", "┐": "left down", "└": "right up", "┘": "left up",
        "├": "right up down", "┤": "left up down", "┬": "left right down", "┴": "left right up",
        "┼": "left right up down", "╭": "right down", "╮": "left down", "╰": "right up", "╯": "left up",
    }  # fmt: skip
    for letter, directions in lines.items():
        yield ord(letter), [arms[direction] for direction in directions.split()]


def _signs() -> Iterator[tuple[str, list[Contour]]]:
    """The coloured circles as shapes that differ, since the text's colour is their only one."""
    centre, radius = (EM / 2, CAP_MIDDLE), 390
    outer = _disc(centre, radius)
    yield "🟢", [outer]
    yield "🔵", [outer, _disc(centre, radius - 95, hole=True), _disc(centre, radius - 200)]
    bar = 75
    yield "🔴", [outer, _polygon(_corners(EM / 2 - 230, CAP_MIDDLE - bar, EM / 2 + 230, CAP_MIDDLE + bar)[::-1])]
    yield "🟡", [outer, _disc(centre, radius - 95, hole=True)]
    yield "🟠", [outer, _disc(centre, radius - 220, hole=True)]


def _triangles() -> Iterator[tuple[str, list[Point]]]:
    """The small triangles that open and close a list, large enough to be hit."""
    x, y, long, short = 300, CAP_MIDDLE, 270, 190
    yield "▸", [(x - short, y - long), (x - short, y + long), (x + short + 40, y)]
    yield "◂", [(x + short, y - long), (x - short - 40, y), (x + short, y + long)]
    yield "▾", [(x - long, y + short), (x + long, y + short), (x, y - short - 40)]
    yield "▴", [(x - long, y - short), (x, y + short + 40), (x + long, y - short)]


def _glyph(width: int, contours: Sequence[Contour]) -> Glyph:
    def draw(pen: TTGlyphPen) -> None:
        curves = Cu2QuPen(pen, 0.5)
        for contour in contours:
            contour(curves)

    return Glyph(width, draw)


def _corners(left: float, low: float, right: float, high: float) -> list[Point]:
    """Clockwise, as TrueType wants what is filled."""
    return [(left, low), (left, high), (right, high), (right, low)]


def _box(left: float, low: float, right: float, high: float) -> Contour:
    return _polygon(_corners(left, low, right, high))


def _polygon(corners: Sequence[Point]) -> Contour:
    def draw(pen: Cu2QuPen) -> None:
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()

    return draw


def _disc(centre: Point, radius: float, *, hole: bool = False) -> Contour:
    """A circle of four cubic curves."""
    x, y = centre
    handle = radius * 4 / 3 * (math.sqrt(2) - 1)
    spokes = [(1, 0), (0, -1), (-1, 0), (0, 1)]
    if hole:
        spokes = [spokes[0], *spokes[:0:-1]]

    def draw(pen: Cu2QuPen) -> None:
        pen.moveTo((x + radius, y))
        for (ax, ay), (bx, by) in zip(spokes, spokes[1:] + spokes[:1], strict=True):
            pen.curveTo(
                (x + ax * radius + bx * handle, y + ay * radius + by * handle),
                (x + bx * radius + ax * handle, y + by * radius + ay * handle),
                (x + bx * radius, y + by * radius),
            )
        pen.closePath()

    return draw
