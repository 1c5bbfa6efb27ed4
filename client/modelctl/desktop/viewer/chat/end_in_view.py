"""Keeping the end of a scrolling list in view while it grows, unless the user scrolled away from it."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style.sizes import em

FRAMES = 3
"""A box that fits its size to its text has it a frame or two later, and the list its own another one after."""


class EndInView:
    """Call ``grown`` after each change of what is in ``frame``."""

    def __init__(self, post: Callable[[Callable[[], None]], None], frame: Tag) -> None:
        self._post, self._frame = post, frame
        self._left = 0
        self._reached = 0.0

    def grown(self, *, force: bool = False) -> None:
        """Scroll to the end, during the next frames too; ``force``: wherever the user has scrolled to."""
        if force:
            self._reached = 0.0
        elif not self._left:
            at, end = dpg.get_y_scroll(self._frame), dpg.get_y_scroll_max(self._frame)
            if at < min(self._reached, end) - em(1):
                return
        begin = self._left == 0
        self._left = FRAMES
        if begin:
            self._step()

    def _step(self) -> None:
        if not dpg.does_item_exist(self._frame):
            return
        at, end = dpg.get_y_scroll(self._frame), dpg.get_y_scroll_max(self._frame)
        if at < min(self._reached, end) - em(0.5):  # the user scrolls up
            self._left = 0
            return
        self._reached = end
        dpg.set_y_scroll(self._frame, end)
        self._left -= 1
        if self._left > 0:
            self._post(self._step)
