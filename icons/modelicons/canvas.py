"""An antialiased picture that is painted shape by shape.

Every shape is drawn much larger into a mask and averaged down, so that a pixel's alpha is the share of it that the
shape covers: an edge on a pixel boundary stays sharp, any other edge is smooth.
"""

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw

from modelicons.palette import Colour

Point = tuple[float, float]
"""In pixels of the finished picture; x to the right, y downward, 0 at the left or upper edge of the first pixel."""

_HINTED = 32
"""Up to this size, lengths are whole pixels."""

Pen = Callable[["Stencil"], None]


class Stencil:
    """Shapes combined into one mask, which is painted or erased in one step."""

    def __init__(self, size: int, fineness: int) -> None:
        self._fineness = fineness
        self._mask = Image.new("L", (size * fineness, size * fineness))
        self._draw = ImageDraw.Draw(self._mask)

    def polygon(self, points: Sequence[Point], rounding: float = 0.0) -> None:
        """A convex polygon with corners of radius ``rounding``."""
        core = _inset(points, rounding) if rounding else list(points)
        self._draw.polygon(self._fine(core), fill=255)
        if rounding:
            for start, end in zip(core, core[1:] + core[:1], strict=True):
                self.line(start, end, 2 * rounding)

    def frame(self, points: Sequence[Point], width: float, rounding: float = 0.0) -> None:
        """The outline of a convex polygon, ``width`` wide, inside its edges."""
        self.polygon(points, rounding)
        self._draw.polygon(self._fine(_inset(points, width)), fill=0)

    def line(self, start: Point, end: Point, width: float) -> None:
        """A line with round ends."""
        (x0, y0), (x1, y1) = start, end
        length = math.hypot(x1 - x0, y1 - y0)
        radius = width / 2
        if length:
            dx, dy = (y1 - y0) / length * radius, (x0 - x1) / length * radius
            corners = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            self._draw.polygon(self._fine(corners), fill=255)
        self.disc(start, radius)
        self.disc(end, radius)

    def box(self, left: float, top: float, right: float, bottom: float, rounding: float = 0.0) -> None:
        """An upright rectangle."""
        fine = self._fineness
        corners = (round(left * fine), round(top * fine), round(right * fine) - 1, round(bottom * fine) - 1)
        self._draw.rounded_rectangle(corners, rounding * fine, fill=255)

    def disc(self, centre: Point, radius: float) -> None:
        """A filled circle."""
        self._draw.ellipse(self._bounds(centre, radius), fill=255)

    def ring(self, centre: Point, radius: float, width: float, share: float = 1.0) -> None:
        """The first ``share`` (0 to 1) of a ring, clockwise from the top; ``radius`` is the outer radius."""
        if share <= 0.0:
            return
        bounds = self._bounds(centre, radius)
        if share >= 1.0:
            self._draw.ellipse(bounds, fill=255)
        else:
            self._draw.pieslice(bounds, -90.0, -90.0 + 360.0 * share, fill=255)
        self._draw.ellipse(self._bounds(centre, radius - width), fill=0)

    def coverage(self) -> Image.Image:
        """The mask at the size of the finished picture."""
        return self._mask.reduce(self._fineness)

    def _fine(self, points: Sequence[Point]) -> list[tuple[int, int]]:
        """The corners in oversampled pixels. Pillow includes both end pixels, so far edges end one pixel earlier."""
        middle_x, middle_y = _middle(points)
        return [(self._toward(x, middle_x), self._toward(y, middle_y)) for x, y in points]

    def _toward(self, place: float, middle: float) -> int:
        return round(place * self._fineness) - (1 if place > middle else 0)

    def _bounds(self, centre: Point, radius: float) -> tuple[int, int, int, int]:
        fine, (x, y) = self._fineness, centre
        return (
            round((x - radius) * fine),
            round((y - radius) * fine),
            round((x + radius) * fine) - 1,
            round((y + radius) * fine) - 1,
        )


class Canvas:
    """A square picture with a transparent ground."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._fineness = 16 if size <= 32 else 8 if size <= 128 else 4
        self.image = Image.new("RGBA", (size, size))

    def snap(self, sixteenths: float) -> float:
        """A length in sixteenths of the picture: whole pixels, at least one, while the picture is small."""
        exact = sixteenths * self.size / 16
        return exact if self.size > _HINTED else float(max(1, round(exact)))

    def centred(self, sixteenths: float) -> float:
        """Like ``snap``, for the width of something centred: odd in a picture of odd size, even in one of even size."""
        exact = sixteenths * self.size / 16
        odd = self.size % 2
        return exact if self.size > _HINTED else float(max(2 - odd, 2 * round((exact - odd) / 2) + odd))

    @property
    def rounding(self) -> float:
        """The corner radius: 0 while the picture is too small to show it."""
        return self.size / 64 if self.size > _HINTED else 0.0

    def round_end(self, width: float) -> float:
        """The radius of a bar's ends, which stay square while the picture is small."""
        return width / 2 if self.size > _HINTED else 0.0

    def paint(self, colour: Colour, pen: Pen) -> None:
        """Paint the shapes of ``pen``."""
        layer = Image.new("RGBA", self.image.size, (*colour, 255))
        layer.putalpha(self._cut(pen))
        self.image.alpha_composite(layer)

    def erase(self, pen: Pen) -> None:
        """Make the shapes of ``pen`` transparent."""
        kept = ImageChops.invert(self._cut(pen))
        self.image.putalpha(ImageChops.multiply(self.image.getchannel("A"), kept))

    def fill(self, paint: Image.Image, pen: Pen) -> None:
        """Paint the shapes of ``pen`` with the pixels of ``paint`` (a picture of the same size)."""
        layer = paint.convert("RGBA")
        layer.putalpha(self._cut(pen))
        self.image.alpha_composite(layer)

    def _cut(self, pen: Pen) -> Image.Image:
        stencil = Stencil(self.size, self._fineness)
        pen(stencil)
        return stencil.coverage()


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _inset(points: Sequence[Point], distance: float) -> list[Point]:
    """The convex polygon ``points`` with every side moved inward by ``distance``."""
    count, centre = len(points), _middle(points)
    sides = [_moved_side(points[i], points[(i + 1) % count], centre, distance) for i in range(count)]
    return [_crossing(sides[i - 1], sides[i]) for i in range(count)]


def _moved_side(start: Point, end: Point, inward: Point, distance: float) -> tuple[Point, Point]:
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    nx, ny = (y0 - y1) / length, (x1 - x0) / length
    if (inward[0] - x0) * nx + (inward[1] - y0) * ny < 0:
        nx, ny = -nx, -ny
    return (x0 + nx * distance, y0 + ny * distance), (x1 + nx * distance, y1 + ny * distance)


def _crossing(first: tuple[Point, Point], second: tuple[Point, Point]) -> Point:
    (ax, ay), (bx, by) = first
    (cx, cy), (dx, dy) = second
    ux, uy, vx, vy = bx - ax, by - ay, dx - cx, dy - cy
    along = ((cx - ax) * vy - (cy - ay) * vx) / (ux * vy - uy * vx)
    return ax + ux * along, ay + uy * along
