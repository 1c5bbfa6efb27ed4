"""The viewer's fonts: DearPyGui's default font has neither umlauts nor emoji.

The files are in the folder ``typefaces`` beside this module, with their licences; tools/make_font.py created them. They
are loaded into their own registry and bound to items, never globally, since the program may be a host's.
"""

from dataclasses import dataclass
from pathlib import Path

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.language.printable import printable

FOLDER = Path(__file__).with_name("typefaces")
REGULAR, BOLD, MONO = (FOLDER / f"Modeld{name}.ttf" for name in ("Sans-Regular", "Sans-Bold", "Mono-Regular"))

TEXT_PX, LARGE_PX, MONO_PX = 18, 25, 17
"""Line heights at scale 1; the em size is five sixths of it."""

_INVISIBLE = dict.fromkeys((0xFE0E, 0xFE0F))
"""Variation selectors for emoji: DearPyGui would draw a box for each."""


@dataclass(frozen=True)
class Fonts:
    """The fonts of one context, for ``dpg.bind_item_font``."""

    regular: Tag
    bold: Tag
    large: Tag
    """Bold, for headings and important numbers."""
    mono: Tag
    """Monospaced, for logs."""


def load(scale: float = 1.0) -> Fonts:
    """Load the fonts into the current context, for a display of ``scale``.

    They are rasterized at exactly the requested size, so that they are sharp; nothing is bound.
    """
    with dpg.font_registry() as registry:
        return Fonts(
            regular=_font(REGULAR, TEXT_PX * scale, registry),
            bold=_font(BOLD, TEXT_PX * scale, registry),
            large=_font(BOLD, LARGE_PX * scale, registry),
            mono=_font(MONO, MONO_PX * scale, registry),
        )


def glyphs(text: str) -> str:
    """``text`` without control characters and without the variation selectors that the fonts cannot show."""
    return printable(text).translate(_INVISIBLE)


def _font(file: Path, size_px: float, registry: Tag) -> Tag:
    font: Tag = dpg.add_font(str(file), round(size_px), parent=registry)
    return font
