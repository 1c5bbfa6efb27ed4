"""The bar at the foot of the panel: shows the newest message, which can be copied and dismissed."""

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style import theme
from modelctl.language.catalogue import _
from modelctl.language.printable import printable


class MessageBar:
    """Shows one message; hidden without one."""

    def __init__(self) -> None:
        self.text = ""

    def build(self, parent: Tag) -> None:
        """Create the bar, hidden."""
        self._item = dpg.add_child_window(parent=parent, auto_resize_y=True, width=-1, border=True, show=False)
        row = dpg.add_group(parent=self._item, horizontal=True)
        copy = dpg.add_button(label=_("Copy"), parent=row, callback=lambda: dpg.set_clipboard_text(self.text))
        close = dpg.add_button(label=_("Dismiss"), parent=row, callback=self.dismiss)
        for button in (copy, close):
            dpg.bind_item_theme(button, theme.SMALL)
        self._text = dpg.add_text(parent=row, wrap=0)

    def say(self, text: str, error: bool) -> None:
        """Replace the message."""
        self.text = printable(text)
        dpg.set_value(self._text, self.text)
        dpg.configure_item(self._text, color=(255, 190, 190) if error else theme.PALETTE.text)
        dpg.bind_item_theme(self._item, theme.ERROR if error else theme.FOOT)
        dpg.configure_item(self._item, show=True)

    def dismiss(self) -> bool:
        """Hide the message; return whether there was one."""
        shown = bool(self.text)
        self.text = ""
        dpg.configure_item(self._item, show=False)
        return shown

    def height(self) -> int:
        """The bar's height in pixels."""
        return int(dpg.get_item_rect_size(self._item)[1]) if self.text else 0
