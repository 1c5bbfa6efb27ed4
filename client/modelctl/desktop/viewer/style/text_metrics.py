"""Measures texts, cuts them to a width, and removes characters that the font lacks."""

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style.fonts import Fonts

REGULAR, BOLD, LARGE, MONO = (f"modelctl.font.{name}" for name in ("regular", "bold", "large", "mono"))
"""The fonts' names in the current context, after ``adopt``."""

GUESSED = (7.5, 16.0)
"""The width of a character and height of a line before the first frame, when the font cannot be measured."""


def adopt(fonts: Fonts) -> None:
    """Register these fonts by name for this context; call it once per context."""
    for tag, name in ((fonts.regular, REGULAR), (fonts.bold, BOLD), (fonts.large, LARGE), (fonts.mono, MONO)):
        if not dpg.does_alias_exist(name):
            dpg.add_alias(name, tag)


def bind(item: Tag, name: str) -> None:
    """Use the font with this name for ``item`` and its children, if the context has it."""
    if dpg.does_alias_exist(name):
        dpg.bind_item_font(item, name)


def size(text: str, name: str = REGULAR) -> tuple[float, float]:
    """Width and height of ``text`` in pixels, in the font with this name."""
    font = dpg.get_alias_id(name) if dpg.does_alias_exist(name) else 0
    measured = dpg.get_text_size(text, font=font)
    if not measured:
        return GUESSED[0] * len(text), GUESSED[1]
    return float(measured[0]), float(measured[1])


def fitted(text: str, width: float) -> str:
    """``text``, or as much of its start as fits into ``width`` pixels, with ``…``."""
    if size(text)[0] <= width:
        return text
    short, long = 0, len(text)
    while short < long:
        middle = (short + long + 1) // 2
        if size(text[:middle] + "…")[0] <= width:
            short = middle
        else:
            long = middle - 1
    return text[:short].rstrip() + "…"
