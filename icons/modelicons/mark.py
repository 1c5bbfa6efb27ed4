"""The mark: an open box whose two walls read as an M, and a tile on top: the model.

The box is drawn from above with slopes of 1 to 2, which fall on whole pixels. The tile shows the state: no tile, a tile
on its way in, or a tile in place.
"""

from dataclasses import dataclass

from modelicons.canvas import Canvas, Point, Stencil
from modelicons.palette import Colour


@dataclass(frozen=True)
class Box:
    """The box's position: its centre, its highest corners and its dimensions, in pixels."""

    middle: float
    rim: float
    """The height (y) of the left and right corners of the rim."""
    half: float
    """Half the width; the rim's front corner is half of this lower."""
    wall: float
    """How high a wall is."""
    rounding: float = 0.0

    def outline(self) -> list[Point]:
        """The hexagon of the closed box."""
        x, y, a, b = self.middle, self.rim, self.half, self.half / 2
        return [
            (x, y - b),
            (x + a, y),
            (x + a, y + self.wall),
            (x, y + self.wall + b),
            (x - a, y + self.wall),
            (x - a, y),
        ]

    def top(self) -> list[Point]:
        """The tile in place."""
        return tile(self.middle, self.rim, self.half)

    def left(self, gap: float = 0.0) -> list[Point]:
        """The left wall; its upper edge is ``gap`` below the rim."""
        x, y, a, b = self.middle, self.rim + gap, self.half, self.half / 2
        foot = self.rim + self.wall
        return [(x - a, y), (x, y + b), (x, foot + b), (x - a, foot)]

    def right(self, gap: float = 0.0) -> list[Point]:
        """The right wall."""
        return [(2 * self.middle - x, y) for x, y in self.left(gap)]


def tile(middle: float, height: float, half: float) -> list[Point]:
    """A tile centred at (``middle``, ``height``)."""
    return [(middle, height - half / 2), (middle + half, height), (middle, height + half / 2), (middle - half, height)]


def walls(canvas: Canvas, box: Box, left: Colour, right: Colour, gap: float = 0.0) -> None:
    """Paint both walls."""
    canvas.paint(left, lambda pen: _wall(pen, box.left(gap), box.rounding))
    canvas.paint(right, lambda pen: _wall(pen, box.right(gap), box.rounding))


def _wall(pen: Stencil, wall: list[Point], rounding: float) -> None:
    """One wall: its outer corners are rounded, those at the fold are not."""
    pen.polygon(wall, rounding)
    outer_top, fold_top, fold_foot, outer_foot = wall
    pen.polygon([_between(outer_top, fold_top), fold_top, fold_foot, _between(outer_foot, fold_foot)])


def _between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
