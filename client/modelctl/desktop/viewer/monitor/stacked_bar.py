"""A bar of several parts, to scale, as wide as its parent."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.monitor.series import edges
from modelctl.desktop.viewer.style.theme import Colour

HEIGHT = 22


@dataclass(frozen=True)
class BarPiece:
    """A part of the bar: its size in any unit, and its colour."""

    size: int
    colour: Colour


class StackedBar:
    """The bar; it is redrawn when its parts or its width change."""

    def __init__(self, ui: Ui, parent: Tag, height: int = HEIGHT) -> None:
        self._ui = ui
        self._height = height
        self._pieces: Sequence[BarPiece] = ()
        self._drawn: tuple[Sequence[BarPiece], int] | None = None
        # Only windows report a change of their size, so the drawing is inside one.
        self._frame = dpg.add_child_window(
            parent=parent, height=height, border=False, no_scrollbar=True, no_scroll_with_mouse=True
        )
        self._canvas = dpg.add_drawlist(1, height, parent=self._frame)
        self._handlers = dpg.add_item_handler_registry()
        dpg.add_item_resize_handler(parent=self._handlers, callback=lambda: ui.post(self._draw))
        dpg.bind_item_handler_registry(self._frame, self._handlers)
        dpg.bind_item_theme(self._frame, _no_padding())

    def show(self, pieces: Sequence[BarPiece]) -> None:
        """Show these parts, from left to right."""
        self._pieces = pieces
        self._draw()

    def _draw(self) -> None:
        if not dpg.does_item_exist(self._frame):  # it was closed between a resize and this call
            return
        width = dpg.get_item_rect_size(self._frame)[0]
        if width <= 0 or self._drawn == (self._pieces, width):
            return
        self._drawn = (self._pieces, width)
        dpg.delete_item(self._canvas, children_only=True)
        dpg.configure_item(self._canvas, width=width)
        marks = edges([piece.size for piece in self._pieces], width)
        for piece, (left, right) in zip(self._pieces, pairwise(marks), strict=True):
            if right > left:
                box = {"color": piece.colour, "fill": piece.colour, "thickness": 0, "parent": self._canvas}
                dpg.draw_rectangle((left, 0), (right, self._height), **box)


def _no_padding() -> Tag:
    tag = "modelctl.stackedbar"
    if not dpg.does_item_exist(tag):
        frames = dpg.add_theme_component(dpg.mvChildWindow, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 0, 0, parent=frames)
    return tag
