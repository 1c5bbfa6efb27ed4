"""A conversation as bubbles with wrapped text: questions on the right, answers on the left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.chat.conversation import Exchange
from modelctl.desktop.viewer.chat.end_in_view import EndInView
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style.fonts import glyphs
from modelctl.desktop.viewer.style.sizes import em
from modelctl.desktop.viewer.style.theme import PALETTE, SMALL, Colour
from modelctl.desktop.viewer.style.tones import ERROR
from modelctl.language.catalogue import _

QUESTION: Colour = (45, 60, 110)
ANSWER: Colour = PALETTE.card


@dataclass
class _Drawn:
    """The items of one exchange, and the texts they show."""

    group: Tag
    answer: Tag
    figures: Tag
    note: Tag
    copy: Tag
    shown: tuple[str, str, str, str] = ("", "", "", "")


class Bubbles:
    """A scrolling list of bubbles; updates only changed items, and keeps the end in view."""

    def __init__(self, ui: Ui, parent: Tag, height: int, copy: Callable[[Exchange], None]) -> None:
        self._copy = copy
        self._frame = dpg.add_child_window(parent=parent, height=height)
        self._end = EndInView(ui.post, self._frame)
        self._empty = dpg.add_text(parent=self._frame, color=PALETTE.muted, wrap=0)
        self._drawn: dict[int, _Drawn] = {}

    def say_empty(self, text: str) -> None:
        """Set the text for an empty conversation."""
        dpg.set_value(self._empty, text)

    def show(self, exchanges: Sequence[Exchange], waiting: str) -> None:
        """Show these exchanges; ``waiting`` replaces an answer that has not started."""
        kept = {exchange.number for exchange in exchanges}
        for number in self._drawn.keys() - kept:
            dpg.delete_item(self._drawn.pop(number).group)
        dpg.configure_item(self._empty, show=not exchanges)
        for exchange in exchanges:
            new = exchange.number not in self._drawn
            if new:
                self._drawn[exchange.number] = self._add(exchange)
            if self._update(self._drawn[exchange.number], exchange, waiting):
                self._end.grown(force=new)

    def _add(self, exchange: Exchange) -> _Drawn:
        group = dpg.add_group(parent=self._frame)
        asked = dpg.add_child_window(
            parent=group, indent=em(7), width=-1, auto_resize_y=True, always_use_window_padding=True
        )
        dpg.bind_item_theme(asked, _bubble(QUESTION))
        dpg.add_text(glyphs(exchange.question), parent=asked, wrap=0)
        answered = dpg.add_child_window(parent=group, width=-em(7), auto_resize_y=True, always_use_window_padding=True)
        dpg.bind_item_theme(answered, _bubble(ANSWER))
        dpg.add_text(exchange.model.upper(), parent=answered, color=PALETTE.accent_hover)
        answer = dpg.add_text(parent=answered, wrap=0)
        note = dpg.add_text(parent=answered, wrap=0, show=False)
        foot = dpg.add_group(parent=answered, horizontal=True, show=False)
        copy = dpg.add_button(label=_("Copy"), parent=foot, callback=lambda: self._copy(exchange))
        dpg.bind_item_theme(copy, SMALL)
        figures = dpg.add_text(parent=foot, color=PALETTE.muted)
        return _Drawn(group, answer, figures, note, foot)

    def _update(self, drawn: _Drawn, exchange: Exchange, waiting: str) -> bool:
        text = exchange.answer or ("" if exchange.ended else waiting)
        state = (text, exchange.figures, exchange.note, str(exchange.ended))
        if state == drawn.shown:
            return False
        drawn.shown = state
        dpg.set_value(drawn.answer, glyphs(text))
        dpg.configure_item(drawn.answer, show=bool(text), color=PALETTE.text if exchange.answer else PALETTE.muted)
        dpg.set_value(drawn.note, glyphs(exchange.note))
        dpg.configure_item(drawn.note, show=bool(exchange.note), color=ERROR if exchange.error else PALETTE.orange)
        dpg.set_value(drawn.figures, exchange.figures)
        dpg.configure_item(drawn.copy, show=exchange.ended and bool(exchange.answer))
        return True


def _bubble(colour: Colour) -> Tag:
    tag = f"modelctl.bubble.{colour}"
    if not dpg.does_item_exist(tag):
        bubbles = dpg.add_theme_component(dpg.mvChildWindow, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_color(dpg.mvThemeCol_ChildBg, colour, parent=bubbles)
        dpg.add_theme_style(dpg.mvStyleVar_ChildBorderSize, 0, parent=bubbles)
        dpg.add_theme_style(dpg.mvStyleVar_ChildRounding, em(0.6), parent=bubbles)
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, em(0.8), em(0.5), parent=bubbles)
    return tag
