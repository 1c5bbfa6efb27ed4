"""The items of one card, created once and reused: the list has only as many as fit on the screen."""

import math
from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.models.card_layout import CardLayout, Metrics
from modelctl.desktop.viewer.models.context_bar import ContextBar
from modelctl.desktop.viewer.models.presenter import Card, ModelAction, label
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.desktop.viewer.style.fonts import glyphs
from modelctl.language.catalogue import _

LINES = 14
MARKS = 6
BUTTONS = 3
GAUGE_HEIGHT = 8
HEAD_GAP = 14
PROMINENT = frozenset({ModelAction.LOAD, ModelAction.CHAT, ModelAction.DOWNLOAD, ModelAction.RESUME})
"""The most likely action; at most one of a card's buttons."""

Act = Callable[[str, ModelAction], None]


class CardItems:
    """One card's items. A button calls ``act(key, action)``; the last one calls ``menu(key, button)``."""

    def __init__(self, parent: Tag, act: Act, menu: Callable[[str, Tag], None]) -> None:
        self._act, self._menu = act, menu
        self._card: Card | None = None
        self._filled: tuple[Card, CardLayout, int, int, str] | None = None
        self.item = dpg.add_child_window(parent=parent, no_scrollbar=True, no_scroll_with_mouse=True, border=True)
        dpg.bind_item_theme(self.item, theme.CARD)
        # A drawlist ignores its position, but the group around it does not.
        corner = dpg.add_group(parent=self.item)
        dpg.configure_item(corner, pos=(1, 1))
        self._canvas = dpg.add_drawlist(width=9, height=8, parent=corner)
        self._stripe = dpg.draw_rectangle((0, 0), (4, 8), parent=self._canvas, rounding=2)
        head = dpg.add_group(parent=self.item, horizontal=True, horizontal_spacing=HEAD_GAP)
        self._head = head
        self._ready = dpg.add_text(parent=head)
        self._title = dpg.add_text(parent=head)
        text_metrics.bind(self._title, text_metrics.BOLD)
        self._marks = [dpg.add_text(parent=head) for _number in range(MARKS)]
        self._lines = [self._line() for _number in range(LINES)]
        self._bar_group = dpg.add_group(parent=self.item)
        self._bar = ContextBar(self._bar_group, -1, title=_("Context: "))
        self._gauge_group = dpg.add_group(parent=self.item)
        self._gauge_text = dpg.add_text(parent=self._gauge_group)
        self._gauge = dpg.add_progress_bar(parent=self._gauge_group, width=-1, height=GAUGE_HEIGHT)
        self._failure = dpg.add_text(parent=self.item, color=(255, 150, 150))
        self._buttons_group = dpg.add_group(parent=self.item, horizontal=True, horizontal_spacing=8)
        self._buttons = [self._button(number) for number in range(BUTTONS)]
        self._more = dpg.add_button(label="···", parent=self._buttons_group, callback=self._opened)
        dpg.bind_item_theme(self._more, theme.QUIET)
        with dpg.tooltip(self._more, delay=0.4):
            dpg.add_text(_("More"))

    def fill(self, card: Card, layout: CardLayout, width: int, metrics: Metrics, y: int, failure: str) -> None:
        """Show ``card`` at ``y`` in the list; does nothing if it already does."""
        filled = (card, layout, width, y, failure)
        if filled == self._filled:
            return
        before, self._filled, self._card = self._filled, filled, card
        dpg.configure_item(self.item, pos=(0, y), width=width, height=layout.height, show=True)
        if before is not None and before[:3] == filled[:3] and before[4] == failure:
            return
        tone = getattr(theme.PALETTE, card.tone)
        dpg.configure_item(self._canvas, height=layout.height)
        inset = metrics.padding // 2
        dpg.configure_item(self._stripe, pmin=(4, inset), pmax=(8, layout.height - inset), fill=tone, color=(*tone, 0))
        self._fill_lines(layout)
        self._fill_bars(card, layout, metrics)
        left = metrics.padding + metrics.line // 3
        dpg.configure_item(self._failure, show=layout.failure_y is not None)
        if layout.failure_y is not None:
            dpg.configure_item(self._failure, pos=(left, layout.failure_y), wrap=width - left - metrics.padding)
            dpg.set_value(self._failure, failure)
        self._fill_head(card, metrics, self._fill_buttons(card, width, metrics))

    def pulse(self, now: float) -> None:
        """Animate the stripe while the model changes state: it pulses every two seconds."""
        if self._card is not None and self._card.moving:
            strength = 0.6 + 0.4 * math.sin(now * math.pi)
            tone = getattr(theme.PALETTE, self._card.tone)
            dpg.configure_item(self._stripe, fill=(*tone, round(255 * strength)))

    @property
    def moving(self) -> bool:
        """Whether its stripe pulses."""
        return self._card is not None and self._card.moving

    def hide(self) -> None:
        """Hide the card."""
        self._filled = self._card = None
        dpg.configure_item(self.item, show=False)

    def _fill_head(self, card: Card, metrics: Metrics, room: float) -> None:
        """The title, and as many marks as fit into ``room`` pixels, most important first."""
        dpg.configure_item(self._head, pos=(metrics.padding + metrics.line // 3, metrics.padding + metrics.line // 8))
        ready, name = card.texts.ready_sign, card.texts.title
        dpg.set_value(self._ready, ready)
        dpg.configure_item(self._ready, color=theme.PALETTE.green if card.texts.ready else theme.PALETTE.faint)
        dpg.set_value(self._title, glyphs(name))
        room -= text_metrics.size(ready)[0] + text_metrics.size(glyphs(name), text_metrics.BOLD)[0] + 2 * HEAD_GAP
        for number, item in enumerate(self._marks):
            if number < len(card.marks):
                room -= text_metrics.size(glyphs(card.marks[number].text))[0] + HEAD_GAP
            shown = number < len(card.marks) and room >= 0
            dpg.configure_item(item, show=shown)
            if shown:
                mark = card.marks[number]
                dpg.set_value(item, glyphs(mark.text))
                dpg.configure_item(item, color=getattr(theme.PALETTE, mark.tone))

    def _fill_lines(self, layout: CardLayout) -> None:
        for number, (item, tip, tip_text) in enumerate(self._lines):
            shown = number < len(layout.lines)
            dpg.configure_item(item, show=shown)
            if shown:
                line = layout.lines[number]
                whole = glyphs(line.text)
                text = text_metrics.fitted(whole, line.width)
                dpg.set_value(item, text)
                dpg.configure_item(item, pos=(line.x, line.y), color=getattr(theme.PALETTE, line.tone))
                dpg.configure_item(tip, show=text != whole)
                dpg.set_value(tip_text, whole)

    def _fill_bars(self, card: Card, layout: CardLayout, metrics: Metrics) -> None:
        left = metrics.padding + metrics.line // 3
        dpg.configure_item(self._bar_group, show=card.context is not None)
        if card.context is not None:
            dpg.configure_item(self._bar_group, pos=(left, layout.context_y))
            self._bar.show(*card.context)
        dpg.configure_item(self._gauge_group, show=card.gauge is not None)
        if card.gauge is not None:
            dpg.configure_item(self._gauge_group, pos=(left, layout.gauge_y))
            dpg.set_value(self._gauge_text, card.gauge.text)
            dpg.configure_item(self._gauge_text, color=theme.PALETTE.muted)
            dpg.set_value(self._gauge, card.gauge.fraction or 0.0)
            dpg.bind_item_theme(self._gauge, theme.stripe(getattr(theme.PALETTE, card.gauge.tone)))

    def _fill_buttons(self, card: Card, width: int, metrics: Metrics) -> float:
        """The buttons at the right end; returns the width left for the title."""
        room = 0.0
        for number, item in enumerate(self._buttons):
            shown = number < len(card.actions)
            dpg.configure_item(item, show=shown)
            if shown:
                do = card.actions[number]
                dpg.configure_item(item, label=label(do))
                dpg.bind_item_theme(item, theme.PRIMARY_SMALL if do in PROMINENT else theme.SMALL)
                room += theme.button_width(label(do)) + 8
        dpg.configure_item(self._more, show=bool(card.more))
        room += theme.button_width("···") if card.more else -8
        left = int(width - metrics.padding - room)
        dpg.configure_item(self._buttons_group, pos=(left, metrics.padding))
        return left - 2 * metrics.padding

    def _line(self) -> tuple[Tag, Tag, Tag]:
        item = dpg.add_text(parent=self.item)
        with dpg.tooltip(item, delay=0.4) as tip:
            text = dpg.add_text(wrap=600)
        return item, tip, text

    def _button(self, number: int) -> Tag:
        def pressed() -> None:
            if self._card is not None and number < len(self._card.actions):
                self._act(self._card.key, self._card.actions[number])

        button: Tag = dpg.add_button(parent=self._buttons_group, callback=pressed)
        return button

    def _opened(self) -> None:
        if self._card is not None:
            self._menu(self._card.key, self._more)
