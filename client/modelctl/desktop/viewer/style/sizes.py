"""Sizes in the height of the text, so that everything grows with the font and the display's scale."""

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.style import text_metrics

BEFORE_THE_VIEWPORT = (1280, 800)


def em(count: float) -> int:
    """``count`` times the height of the text, in pixels."""
    return round(count * text_metrics.size("M")[1])


def room() -> tuple[int, int]:
    """Width and height there are for windows."""
    if not dpg.is_viewport_ok():  # a host may build before it has one
        return BEFORE_THE_VIEWPORT
    return dpg.get_viewport_client_width(), dpg.get_viewport_client_height()


def centred(width: int, height: int) -> tuple[int, int, list[int]]:
    """A window's width and height, no larger than there is room for, and the place that puts it in the middle."""
    across, down = room()
    width, height = min(width, across - 2 * em(1)), min(height, down - 2 * em(1))
    return width, height, [max(0, (across - width) // 2), max(0, (down - height) // 2)]
