"""The context bar: the used part of a model's context, to scale, coloured by how full it is."""

import logging
import math

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style.theme import PALETTE, stripe
from modelctl.language.catalogue import _
from modelctl.language.format import context_colour, percent

COLOURS = {"green": PALETTE.green, "orange": PALETTE.orange, "red": PALETTE.red}
"""The colours that ``context_colour`` names; the percentage above the bar conveys the same without colour."""

HEIGHT = 10

log = logging.getLogger(__name__)


class ContextBar:
    """A bar with ``158/8192 tokens`` and ``1.9%`` above it; ``width`` -1 fills the parent."""

    def __init__(self, parent: Tag, width: int = -1, height: int = HEIGHT, title: str = "") -> None:
        self._title = title
        self._shown: tuple[int, int] | None = None
        # Parents are explicit: the stack of ``with dpg.group()`` may belong to other code that is building items.
        self.item = dpg.add_group(parent=parent)
        line = dpg.add_group(parent=self.item, horizontal=True)
        self._count = dpg.add_text(parent=line)
        self._percent = dpg.add_text(parent=line)
        self._bar = dpg.add_progress_bar(parent=self.item, width=width, height=height)
        self.show(0, 0)

    def show(self, used: int, size: int) -> None:
        """Show ``used`` of ``size`` tokens; does nothing if it already does."""
        if self._shown == (used, size):
            return
        self._shown = (used, size)
        fraction, colour = share(used, size), context_colour(used, size)
        dpg.set_value(self._count, self._title + count(used, size))
        dpg.set_value(self._percent, percent(100 * fraction))
        dpg.configure_item(self._percent, color=COLOURS[colour])
        dpg.set_value(self._bar, fraction)
        dpg.bind_item_theme(self._bar, stripe(COLOURS[colour]))

    def hide(self, hidden: bool = True) -> None:
        """Hide or show the bar in the layout."""
        dpg.configure_item(self.item, show=not hidden)


class ContextWindowVisualizer:
    """The context bar under the name and signature in JarvisCore's documentation."""

    @staticmethod
    def create_visualization(context_used: int, context_available: int, parent_tag: str) -> None:
        """Draw a context bar into ``parent_tag``; invalid numbers are drawn as an empty bar, and nothing is raised."""
        used, size = sensible(context_used), sensible(context_available)
        try:
            ContextBar(parent_tag, title=_("Context: ")).show(used, size)
        except SystemError as error:  # what DearPyGui raises for a parent that does not exist
            log.warning("No context bar can be drawn in %r: %s", parent_tag, error.__cause__ or error)


def share(used: int, size: int) -> float:
    """The used part of the context, 0 to 1."""
    return min(max(used / size, 0.0), 1.0) if size > 0 else 0.0


def count(used: int, size: int) -> str:
    """``158/8192 tokens``."""
    return _("{used}/{size} tokens").format(used=used, size=size)


def sensible(number: object) -> int:
    """``number`` as a token count; 0 if it is not a number or below zero."""
    if isinstance(number, int | float) and math.isfinite(number):
        return max(int(number), 0)
    return 0
