"""The window's position and size, kept across runs; an unreadable or off-screen one is ignored."""

from pathlib import Path

import msgspec
from modeld.places import Places

MIN_WIDTH, MIN_HEIGHT = 720, 480


class Geometry(msgspec.Struct, frozen=True, kw_only=True):
    """The window in pixels; a position below 0 leaves it to the desktop."""

    width: int = 1200
    height: int = 760
    x: int = -1
    y: int = -1


def file(places: Places) -> Path:
    """The file with the position and size."""
    return places.state_dir / "viewer.json"


def read(places: Places) -> Geometry:
    """The stored position, corrected to sensible values; the default without one."""
    try:
        kept = msgspec.json.decode(file(places).read_bytes(), type=Geometry)
    except (OSError, msgspec.DecodeError):
        return Geometry()
    return Geometry(
        width=min(max(kept.width, MIN_WIDTH), 16_000),
        height=min(max(kept.height, MIN_HEIGHT), 16_000),
        x=kept.x if 0 <= kept.x < 16_000 else -1,
        y=kept.y if 0 <= kept.y < 16_000 else -1,
    )


def placed(kept: Geometry, area: tuple[int, int, int, int] | None) -> Geometry:
    """``kept``, moved into the display's work area (left, top, width, height); centred if it has no position."""
    if area is None:
        return kept
    left, top, across, down = area
    width, height = max(min(kept.width, across), MIN_WIDTH), max(min(kept.height, down), MIN_HEIGHT)
    on_it = left <= kept.x <= left + across - width and top <= kept.y <= top + down - height
    if kept.x < 0 or kept.y < 0:
        return Geometry(
            width=width, height=height, x=left + max(across - width, 0) // 2, y=top + max(down - height, 0) // 2
        )
    x = kept.x if on_it else min(max(kept.x, left), left + max(across - MIN_WIDTH, 0))
    y = kept.y if on_it else min(max(kept.y, top), top + max(down - MIN_HEIGHT, 0))
    return Geometry(width=width, height=height, x=x, y=y)


def write(places: Places, geometry: Geometry) -> None:
    """Store it; a failure to write is ignored, since nothing else depends on it."""
    try:
        file(places).parent.mkdir(parents=True, exist_ok=True)
        file(places).write_bytes(msgspec.json.encode(geometry))
    except OSError:
        return
