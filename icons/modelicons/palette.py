"""The colours for dark and for light panels."""

from dataclasses import dataclass
from typing import Literal

Panel = Literal["dark", "light"]
"""The background behind the icon."""

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True)
class Palette:
    """One colour per role; each except ``track`` has a contrast of at least 3 to 1 with its panel."""

    left: Colour
    right: Colour
    offline: Colour
    loading: Colour
    loaded: Colour
    busy: Colour
    downloading: Colour
    track: Colour
    error: Colour
    badge: Colour


_DARK = Palette(
    left=(0xF1, 0xF3, 0xF6),
    right=(0xAD, 0xB5, 0xC1),
    offline=(0x93, 0x9B, 0xA7),
    loading=(0xFF, 0xB3, 0x2C),
    loaded=(0x3F, 0xDB, 0x86),
    busy=(0x5C, 0xB0, 0xFF),
    downloading=(0xB7, 0x93, 0xFF),
    track=(0x5A, 0x60, 0x6B),
    error=(0xFF, 0x5F, 0x5B),
    badge=(0xFF, 0x6A, 0xC1),
)

_LIGHT = Palette(
    left=(0x26, 0x2B, 0x33),
    right=(0x5A, 0x63, 0x70),
    offline=(0x78, 0x80, 0x8C),
    loading=(0xB4, 0x6A, 0x00),
    loaded=(0x0E, 0x86, 0x48),
    busy=(0x12, 0x66, 0xD8),
    downloading=(0x75, 0x3A, 0xE0),
    track=(0xC3, 0xC8, 0xD0),
    error=(0xD0, 0x2B, 0x2B),
    badge=(0xCF, 0x12, 0x82),
)


def palette(panel: Panel) -> Palette:
    """The colours for ``panel``; ValueError for an unknown one."""
    match panel:
        case "dark":
            return _DARK
        case "light":
            return _LIGHT
    raise ValueError(f"the panel {panel!r} is neither dark nor light")
