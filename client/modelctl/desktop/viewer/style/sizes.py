"""Sizes relative to the text height, so that everything scales with the font and the display."""

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.style import text_metrics

BEFORE_THE_VIEWPORT = (1280, 800)


def em(count: float) -> int:
    """``count`` times the text height, in pixels."""
    return round(count * text_metrics.size("M")[1])


def room() -> tuple[int, int]:
    """The width and height available for windows."""
    if not dpg.is_viewport_ok():  # a host may build before it has a viewport
        return BEFORE_THE_VIEWPORT
    return dpg.get_viewport_client_width(), dpg.get_viewport_client_height()


def centred(width: int, height: int) -> tuple[int, int, list[int]]:
    """A window's width and height, limited to the available room, and its centred position."""
    across, down = room()
    width, height = min(width, across - 2 * em(1)), min(height, down - 2 * em(1))
    return width, height, [max(0, (across - width) // 2), max(0, (down - height) // 2)]
