"""Keeps the end of a growing list in view, unless the user scrolled away."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style.sizes import em

FRAMES = 3
"""The number of frames to scroll in: an auto-sized box and then its list get their new sizes a frame or two later."""


class EndInView:
    """Call ``grown`` after each change of the contents of ``frame``."""

    def __init__(self, post: Callable[[Callable[[], None]], None], frame: Tag) -> None:
        self._post, self._frame = post, frame
        self._left = 0
        self._reached = 0.0

    def grown(self, *, force: bool = False) -> None:
        """Scroll to the end during the next frames; ``force``: even if the user has scrolled away."""
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
        if at < min(self._reached, end) - em(0.5):  # the user is scrolling up
            self._left = 0
            return
        self._reached = end
        dpg.set_y_scroll(self._frame, end)
        self._left -= 1
        if self._left > 0:
            self._post(self._step)
