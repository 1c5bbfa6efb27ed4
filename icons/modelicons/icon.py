"""The pictures themselves: one small function for each state."""

from collections.abc import Callable
from functools import lru_cache
from typing import assert_never

from PIL import Image

from modelicons.canvas import Canvas, Stencil
from modelicons.mark import Box, slab, walls
from modelicons.palette import Palette, Panel, palette
from modelicons.states import IconState

SMALLEST, LARGEST = 16, 256
_STEPS = 100
"""The ring moves in steps of one per cent, so that a download makes at most a hundred pictures."""


def draw(
    state: IconState,
    size: int,
    *,
    progress: float | None = None,
    unseen: bool = False,
    panel: Panel = "dark",
) -> Image.Image:
    """The icon for ``state``: RGBA, ``size`` pixels square (16 to 256), on a transparent ground.

    ``progress`` (0 to 1; None: not known) is the length of the ring while downloading and means nothing otherwise.
    ``unseen`` adds the badge for a finish nobody has looked at. Raises ValueError for another size or panel.
    """
    _check(size)
    palette(panel)
    step = None
    if state is IconState.DOWNLOADING and progress is not None:
        step = round(min(max(progress, 0.0), 1.0) * _STEPS)
    return _drawn(state, size, step, unseen, panel).copy()


def app_icon(size: int) -> Image.Image:
    """The application's icon for windows and launchers: the mark on a ground of its own, 16 to 256 pixels square."""
    _check(size)
    return _app_icon(size).copy()


def _check(size: int) -> None:
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"an icon is {SMALLEST} to {LARGEST} pixels in size, not {size}")


@lru_cache(maxsize=256)
def _drawn(state: IconState, size: int, step: int | None, unseen: bool, panel: Panel) -> Image.Image:
    canvas = Canvas(size)
    colours = palette(panel)
    _picture(state, step)(canvas, colours)
    if unseen:
        _badge(canvas, colours)
    return canvas.image


def _picture(state: IconState, step: int | None) -> Callable[[Canvas, Palette], None]:
    match state:
        case IconState.OFFLINE:
            return _offline
        case IconState.IDLE:
            return _idle
        case IconState.LOADING:
            return _loading
        case IconState.LOADED:
            return _loaded
        case IconState.BUSY:
            return _busy
        case IconState.DOWNLOADING:
            return lambda canvas, colours: _downloading(canvas, colours, step)
        case IconState.ERROR:
            return _error
        case _:
            assert_never(state)


def _unit(canvas: Canvas) -> float:
    """A sixteenth of the picture, in whole pixels while it is small."""
    return canvas.size / 16 if canvas.size >= 48 else float(max(1, round(canvas.size / 16)))


def _box(canvas: Canvas, *, wall: float = 7.0, low: float = 0.0) -> Box:
    """The box at its usual place: ``wall`` sixteenths high, its foot on the last row but one."""
    size = canvas.size
    half = float(size // 2 - max(1, round(size / 16)))
    height = round(size * wall / 16)
    foot = size - (size / 2 - half) - low
    return Box(size / 2, foot - half / 2 - height, half, height, rounding=size / 64 if size >= 32 else 0.0)


def _offline(canvas: Canvas, colours: Palette) -> None:
    box, width = _box(canvas), _unit(canvas) * 1.5
    outline = box.outline()

    def frame(pen: Stencil) -> None:
        for start, end in zip(outline, outline[1:] + outline[:1], strict=True):
            pen.line(start, end, width)

    canvas.paint(colours.offline, frame)
    edge = width / 2
    corners = (edge, canvas.size - edge)
    canvas.erase(lambda pen: pen.line((corners[0], corners[0]), (corners[1], corners[1]), width * 3))
    canvas.paint(colours.offline, lambda pen: pen.line((corners[0], corners[0]), (corners[1], corners[1]), width))


def _idle(canvas: Canvas, colours: Palette) -> None:
    walls(canvas, _box(canvas), colours.left, colours.right)


def _loading(canvas: Canvas, colours: Palette) -> None:
    box = _box(canvas)
    walls(canvas, box, colours.left, colours.right, _unit(canvas))
    canvas.paint(colours.loading, lambda pen: slab(pen, box, _unit(canvas), box.half * 0.6))


def _loaded(canvas: Canvas, colours: Palette) -> None:
    box = _box(canvas)
    walls(canvas, box, colours.left, colours.right, _unit(canvas))
    canvas.paint(colours.loaded, lambda pen: slab(pen, box, 0.0, box.half))


def _busy(canvas: Canvas, colours: Palette) -> None:
    box, unit = _box(canvas, wall=4.0), _unit(canvas)
    walls(canvas, box, colours.left, colours.right, unit)
    canvas.paint(colours.busy, lambda pen: slab(pen, box, 0.0, box.half))
    middle = canvas.size / 2

    def rays(pen: Stencil) -> None:
        pen.box(middle - unit, 0, middle + unit, 3 * unit)
        pen.line((middle - 5 * unit, 2 * unit), (middle - 4 * unit, 4 * unit), 1.6 * unit)
        pen.line((middle + 5 * unit, 2 * unit), (middle + 4 * unit, 4 * unit), 1.6 * unit)

    canvas.paint(colours.busy, rays)


def _downloading(canvas: Canvas, colours: Palette, step: int | None) -> None:
    unit, middle = _unit(canvas), canvas.size / 2
    centre = (middle, middle)
    canvas.paint(colours.track, lambda pen: pen.ring(centre, middle, 2 * unit))
    if step is not None:
        canvas.paint(colours.downloading, lambda pen: pen.ring(centre, middle, 2 * unit, step / _STEPS))

    def arrow(pen: Stencil) -> None:
        pen.box(middle - unit, middle - 4 * unit, middle + unit, middle)
        pen.polygon([(middle - 4 * unit, middle), (middle + 4 * unit, middle), (middle, middle + 4 * unit)])

    canvas.paint(colours.left, arrow)


def _error(canvas: Canvas, colours: Palette) -> None:
    box, unit, middle = _box(canvas), _unit(canvas), canvas.size / 2
    canvas.paint(colours.error, lambda pen: pen.polygon(box.outline(), box.rounding))

    def call(pen: Stencil) -> None:
        pen.box(middle - unit, middle - 4 * unit, middle + unit, middle + unit)
        pen.box(middle - unit, middle + 2 * unit, middle + unit, middle + 4 * unit)

    canvas.erase(call)


def _badge(canvas: Canvas, colours: Palette) -> None:
    radius = round(canvas.size * 3 / 16)
    spot = (canvas.size - radius, canvas.size - radius)
    canvas.erase(lambda pen: pen.disc(spot, radius + _unit(canvas)))
    canvas.paint(colours.badge, lambda pen: pen.disc(spot, radius))


@lru_cache(maxsize=16)
def _app_icon(size: int) -> Image.Image:
    canvas = Canvas(size)
    top, foot = (0x4B, 0x3F, 0xB8), (0x1C, 0x1B, 0x48)
    ground = Image.new("RGB", (1, size))
    for y in range(size):
        share = y / (size - 1)
        ground.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, foot, strict=True)))
    canvas.fill(ground.resize((size, size)), lambda pen: pen.box(0, 0, size, size, size * 0.22))
    half = float(round(size * 5 / 16))
    box = Box(size / 2, size / 2 - half / 2, half, half, rounding=size / 64 if size >= 32 else 0.0)
    walls(canvas, box, (0xFF, 0xFF, 0xFF), (0xB9, 0xBE, 0xE6), _unit(canvas))
    canvas.paint((0x4B, 0xE3, 0x9A), lambda pen: slab(pen, box, 0.0, half))
    return canvas.image
