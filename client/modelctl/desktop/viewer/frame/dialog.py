"""The common frame of the viewer's dialogs: a centred window with a body, a message and a foot."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.desktop.viewer.style.sizes import centred, em
from modelctl.language.printable import printable

TIGHT = "modelctl.dialogs.tight"
FOOT_EM = 4.0
"""The height reserved below the body until the foot has been drawn once and can be measured."""


def dress(window: Tag) -> None:
    """Apply the viewer's theme and font to a window; they are bound to items, since a host has its own."""
    dpg.bind_item_theme(window, theme.GLOBAL)
    text_metrics.bind(window, text_metrics.REGULAR)


def tight(item: Tag) -> None:
    """Use the line spacing of plain text in ``item``, without the height that a button would need."""
    if not dpg.does_item_exist(TIGHT):
        texts = dpg.add_theme_component(dpg.mvText, parent=dpg.add_theme(tag=TIGHT))
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 0, 0, parent=texts)
    dpg.bind_item_theme(item, TIGHT)


class DialogFrame:
    """An open dialog, until ``close``. A click on the X of its window calls ``on_close``."""

    def __init__(self, ui: Ui, title: str, size_em: tuple[float, float], on_close: Callable[[], None]) -> None:
        self._ui = ui
        width, height, place = centred(em(size_em[0]), em(size_em[1]))
        self.window: Tag = dpg.add_window(label=title, width=width, height=height, pos=place, no_collapse=True)
        dpg.configure_item(self.window, on_close=lambda: ui.post(on_close))
        dress(self.window)
        self.body: Tag = dpg.add_child_window(parent=self.window, height=-em(FOOT_EM), border=False)
        self._below: Tag = dpg.add_group(parent=self.window)
        self._message: Tag = dpg.add_text(parent=self._below, wrap=0, show=False)
        self.foot: Tag = dpg.add_group(parent=self._below)
        self._open = True
        self.fit()

    def close(self) -> None:
        """Remove the window."""
        self._open = False
        if dpg.does_item_exist(self.window):  # a host program may have deleted all items
            dpg.delete_item(self.window)

    def grow(self, height_em: float) -> None:
        """Make the window at least this high, if there is room."""
        width, height = dpg.get_item_width(self.window), dpg.get_item_height(self.window)
        if height is not None and width is not None and em(height_em) > height:
            _width, height, place = centred(width, em(height_em))
            dpg.configure_item(self.window, height=height, pos=[dpg.get_item_pos(self.window)[0], place[1]])

    def say(self, text: str, colour: theme.Colour = theme.PALETTE.text) -> None:
        """Show a message between body and foot; an empty one removes it."""
        dpg.set_value(self._message, printable(text))
        dpg.configure_item(self._message, color=colour, show=bool(text))
        self.fit()

    def fit(self) -> None:
        """Give the body the height that message and foot leave, once they have been drawn (two frames from now)."""
        self._ui.post(lambda: self._ui.post(lambda: self._ui.post(self._fit)))

    def _fit(self) -> None:
        if not self._open:
            return
        below = dpg.get_item_rect_size(self._below)[1]
        dpg.configure_item(self.body, height=-round(max(below, 0) + em(0.7)))
