"""Draws the icons: one small function per state."""

from collections.abc import Callable
from functools import lru_cache
from typing import assert_never

from PIL import Image

from modelicons.canvas import Canvas, Pen, Stencil
from modelicons.mark import Box, tile, walls
from modelicons.palette import Palette, Panel, palette
from modelicons.states import IconState

SMALLEST, LARGEST = 16, 256
_STEPS = 100
"""The ring moves in steps of one per cent, so that a download needs at most a hundred pictures."""


def draw(
    state: IconState,
    size: int,
    *,
    progress: float | None = None,
    unseen: bool = False,
    panel: Panel = "dark",
) -> Image.Image:
    """The icon for ``state``: RGBA, ``size`` pixels square (16 to 256), on a transparent background.

    ``progress`` (0 to 1; None: unknown) is the length of the ring while downloading; other states ignore it. ``unseen``
    adds the badge for a finished job that the user has not seen. Raises ValueError for an unknown size or panel.
    """
    _check(size)
    palette(panel)
    step = None
    if state is IconState.DOWNLOADING and progress is not None:
        step = round(min(max(progress, 0.0), 1.0) * _STEPS)
    return _drawn(state, size, step, unseen, panel).copy()


def app_icon(size: int) -> Image.Image:
    """The application's icon for windows and launchers: the mark on its own background, 16 to 256 pixels square."""
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


def _box(canvas: Canvas, wall: float = 7.0) -> Box:
    """The box, centred, with walls ``wall`` sixteenths high; its foot is at the same place for every height."""
    size = canvas.size
    margin = size // 16 if size <= 32 else size / 16
    half = size / 2 - margin
    height = canvas.snap(wall)
    return Box(size / 2, size - margin - half / 2 - height, half, height, canvas.rounding)


def _offline(canvas: Canvas, colours: Palette) -> None:
    outline, width = _box(canvas).outline(), canvas.snap(1.5)
    start, end = canvas.snap(1.5), canvas.size - canvas.snap(1.5)

    def slash(width: float) -> Pen:
        return lambda pen: pen.line((start, start), (end, end), width)

    canvas.paint(colours.offline, lambda pen: pen.frame(outline, width, canvas.rounding))
    canvas.erase(slash(width * 2.6))
    canvas.paint(colours.offline, slash(width * 1.1))


def _idle(canvas: Canvas, colours: Palette) -> None:
    walls(canvas, _box(canvas), colours.left, colours.right)


def _loading(canvas: Canvas, colours: Palette) -> None:
    box = _box(canvas, wall=6.5)
    walls(canvas, box, colours.left, colours.right)
    half = canvas.centred(9.5) / 2
    canvas.paint(
        colours.loading, lambda pen: pen.polygon(tile(box.middle, box.rim - canvas.snap(2.0), half), box.rounding)
    )


def _loaded(canvas: Canvas, colours: Palette) -> None:
    box = _box(canvas)
    walls(canvas, box, colours.left, colours.right, canvas.snap(1.0))
    canvas.paint(colours.loaded, lambda pen: pen.polygon(box.top(), box.rounding))


def _busy(canvas: Canvas, colours: Palette) -> None:
    box = _box(canvas, wall=4.0)
    walls(canvas, box, colours.left, colours.right, canvas.snap(1.0))
    canvas.paint(colours.busy, lambda pen: pen.polygon(box.top(), box.rounding))
    middle, width = box.middle, canvas.centred(1.8)
    peak = box.rim - box.half / 2 - canvas.snap(1.0)

    def rays(pen: Stencil) -> None:
        pen.box(middle - width / 2, 0, middle + width / 2, peak, canvas.round_end(width))
        for side in (-1, 1):
            pen.line(
                (middle + side * canvas.snap(5.5), peak - canvas.snap(1.0)),
                (middle + side * canvas.snap(4.2), peak + canvas.snap(1.2)),
                width * 0.9,
            )

    canvas.paint(colours.busy, rays)


def _downloading(canvas: Canvas, colours: Palette, step: int | None) -> None:
    middle, thick = canvas.size / 2, canvas.snap(2.0)
    centre = (middle, middle)
    if step is None:
        _arcs(canvas, colours, thick)
    else:
        canvas.paint(colours.track, lambda pen: pen.ring(centre, middle, thick))
        canvas.paint(colours.downloading, lambda pen: pen.ring(centre, middle, thick, step / _STEPS))
    stem, head, reach = canvas.centred(2.0) / 2, canvas.centred(7.5) / 2, canvas.snap(4.0)

    def arrow(pen: Stencil) -> None:
        turn = middle + reach - head
        pen.box(middle - stem, middle - reach, middle + stem, turn)
        pen.polygon([(middle - head, turn), (middle + head, turn), (middle, middle + reach)], canvas.rounding / 2)

    canvas.paint(colours.left, arrow)


def _arcs(canvas: Canvas, colours: Palette, thick: float) -> None:
    """Four arcs instead of the ring, for a download of unknown size: nothing that could be read as a share."""
    middle, size = canvas.size / 2, float(canvas.size)
    canvas.paint(colours.downloading, lambda pen: pen.ring((middle, middle), middle, thick))

    def cross(pen: Stencil) -> None:
        pen.line((0.0, 0.0), (size, size), canvas.snap(2.0))
        pen.line((size, 0.0), (0.0, size), canvas.snap(2.0))

    canvas.erase(cross)


def _error(canvas: Canvas, colours: Palette) -> None:
    box, middle = _box(canvas), canvas.size / 2
    canvas.paint(colours.error, lambda pen: pen.polygon(box.outline(), box.rounding))
    thin, reach, gap = canvas.centred(2.0) / 2, canvas.snap(4.0), canvas.snap(1.2)
    dot = middle + reach - 2 * thin

    def call(pen: Stencil) -> None:
        pen.box(middle - thin, middle - reach, middle + thin, dot - gap, canvas.rounding)
        pen.box(middle - thin, dot, middle + thin, dot + 2 * thin, canvas.rounding)

    canvas.erase(call)


def _badge(canvas: Canvas, colours: Palette) -> None:
    radius = canvas.snap(6.0) / 2
    spot = (canvas.size - radius, canvas.size - radius)
    canvas.erase(lambda pen: pen.disc(spot, radius + canvas.snap(1.0)))
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
    half = canvas.centred(11.0) / 2
    box = Box(size / 2, size / 2 - half / 2, half, half, canvas.rounding)
    walls(canvas, box, (0xFF, 0xFF, 0xFF), (0xB9, 0xBE, 0xE6), canvas.snap(1.0))
    canvas.paint((0x4B, 0xE3, 0x9A), lambda pen: pen.polygon(box.top(), box.rounding))
    return canvas.image
