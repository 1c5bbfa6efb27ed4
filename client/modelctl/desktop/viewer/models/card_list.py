"""The models tab: filter, order, and the list of cards, of which only the visible ones exist.

The cards have computed positions inside a scrolled area with the height of all of them. After each frame the list
checks whether it was scrolled or resized. A thousand models cost as much as ten.
"""

import time

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.models import card_layout, presenter
from modelctl.desktop.viewer.models.card_actions import CardActions
from modelctl.desktop.viewer.models.card_items import CardItems
from modelctl.desktop.viewer.models.card_layout import CardLayout, Metrics
from modelctl.desktop.viewer.models.empty_state import EmptyReason, EmptyState
from modelctl.desktop.viewer.models.presenter import Card, ModelAction
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.desktop.viewer.style.sizes import em
from modelctl.language.catalogue import _

FILTER_EM = 16.5
BOX_TOP_PX = 4
BOX_TOP_EM = 0.22
PULSE_S = 1.0
"""How long a loading model's stripe pulses if no update arrives."""


class CardList:
    """The models tab."""

    def __init__(self, ui: Ui, actions: CardActions, empty_state: EmptyState) -> None:
        self._ui, self._actions, self._empty_state = ui, actions, empty_state
        actions.on_failures = self._failures_changed
        self._snapshot: Snapshot | None = None
        self._models: list[ModelView] = []
        self._jobs: dict[str, JobView] = {}
        self._cards: dict[str, tuple[ModelView, JobView | None, Card]] = {}
        self._known_layouts: dict[str, tuple[Card, int, Metrics, str, CardLayout]] = {}
        self._layouts: list[CardLayout] = []
        self._tops: list[int] = [0]
        self._shown_cards: dict[str, CardItems] = {}
        self._free: list[CardItems] = []
        self._spacers: list[Tag] = []
        self._viewed: tuple[float, float, float] = (0, 0, 0)
        self._metrics = Metrics.of(text_metrics.GUESSED[1])
        self._dirty = True

    def build(self, parent: Tag) -> None:
        """Create the filter row and the empty list."""
        bar = dpg.add_group(parent=parent, horizontal=True, horizontal_spacing=16)
        self._filter = dpg.add_input_text(parent=bar, hint=_("Filter by name (Ctrl+F)"), callback=self._chosen)
        self._on_disk = self._box(bar, _("On disk only"), False)
        # Checked initially: models that can be used come before those that could be downloaded.
        self._by_state = self._box(bar, _("Sort by state"), True)
        self._summary = dpg.add_text(parent=bar, color=theme.PALETTE.muted)
        self._empty_state.build(parent, self._clear_filter)
        self._area = dpg.add_child_window(parent=parent, border=False, width=-1, height=-1)
        # Gives the area the height of all cards. A drawlist ignores its position, but the group around it does not.
        self._end = dpg.add_group(parent=self._area)
        dpg.add_drawlist(width=1, height=1, parent=self._end)
        self._ui.drawing.each_frame(self.track)

    def _box(self, bar: Tag, label: str, ticked: bool) -> Tag:
        """A checkbox whose label is aligned with the filter's."""
        column = dpg.add_group(parent=bar)
        dpg.bind_item_theme(column, theme.ABOVE_BOX)
        self._spacers.append(dpg.add_spacer(parent=column, height=BOX_TOP_PX))
        box: Tag = dpg.add_checkbox(parent=column, label=label, default_value=ticked, callback=self._chosen)
        return box

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the list to ``snapshot``; None: the daemon is not reachable."""
        self._snapshot = snapshot
        self._jobs = presenter.current_jobs(snapshot.jobs) if snapshot is not None else {}
        known = {model.key for model in snapshot.models} if snapshot is not None else set()
        self._cards = {key: entry for key, entry in self._cards.items() if key in known}
        self._known_layouts = {key: entry for key, entry in self._known_layouts.items() if key in known}
        self._choose()

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: snapshots contain everything shown here."""

    def focus_filter(self) -> None:
        """Focus the filter."""
        dpg.focus_item(self._filter)

    def track(self) -> bool:
        """After a frame: follow the scroll bar and the window's size; return whether anything moved."""
        if self._snapshot is None or not dpg.is_item_visible(self._filter):
            return False
        width, height = dpg.get_item_rect_size(self._area)
        if width <= 1:
            return False  # it has not been drawn yet
        viewed = (float(width), float(height), float(dpg.get_y_scroll(self._area)))
        metrics = Metrics.of(text_metrics.size("Xg")[1])
        if metrics != self._metrics or viewed[0] != self._viewed[0]:
            self._metrics, self._dirty = metrics, True
            dpg.configure_item(self._filter, width=em(FILTER_EM))
            for spacer in self._spacers:
                dpg.configure_item(spacer, height=em(BOX_TOP_EM))
            self._fit_summary(width)
        moved = self._dirty or viewed != self._viewed
        self._viewed = viewed
        if moved:
            self._place()
        for items in self._shown_cards.values():
            if items.moving:
                items.pulse(time.monotonic())
                self._ui.drawing.animate(PULSE_S)
        return moved

    def _chosen(self) -> None:
        """The user changed the filter or the order: show the list from its start."""
        dpg.set_y_scroll(self._area, 0)
        self._choose()

    def _choose(self) -> None:
        """Select the models to show."""
        snapshot = self._snapshot
        self._dirty = True
        if snapshot is None:
            self._models = []
        else:
            self._models = presenter.selected(
                snapshot.models,
                dpg.get_value(self._filter),
                on_disk=dpg.get_value(self._on_disk),
                by_state=dpg.get_value(self._by_state),
            )
        self._fit_summary(self._viewed[0])
        self._empty_state.show(self._reason())
        dpg.configure_item(self._area, show=bool(self._models))
        if self._models and self._viewed[0] and dpg.is_item_visible(self._filter):
            self._place()  # update now, not after a frame that would still show the old list

    def _fit_summary(self, width: float) -> None:
        """Fit the summary beside the filter: in full, in one word, or not at all."""
        texts = [presenter.summary(self._snapshot), presenter.short_summary(self._snapshot)] if self._snapshot else []
        left = dpg.get_item_rect_max(self._by_state)[0] - dpg.get_item_rect_min(self._filter)[0] + 16
        fitting = [text for text in texts if left + text_metrics.size(text)[0] <= width]
        dpg.set_value(self._summary, fitting[0] if fitting else "")

    def _reason(self) -> EmptyReason | None:
        """Why the list is empty or has nothing to run."""
        if self._snapshot is None:
            return EmptyReason.AWAY
        if not self._snapshot.models:
            return EmptyReason.NO_MODELS
        if not self._models:
            return EmptyReason.NO_MATCH
        return EmptyReason.NOTHING_ON_DISK if presenter.nothing_on_disk(self._snapshot) else None

    def _clear_filter(self) -> None:
        dpg.set_value(self._filter, "")
        dpg.set_value(self._on_disk, False)
        self._chosen()

    def _failures_changed(self) -> None:
        self._dirty = True

    def _card(self, view: ModelView) -> Card:
        """The card of a model; rebuilt only if the model or its job changed."""
        job = self._jobs.get(view.key)
        known = self._cards.get(view.key)
        if known is not None and known[0] is view and known[1] is job:
            return known[2]
        made = presenter.card(view, job)
        self._cards[view.key] = (view, job, made)
        return made

    def _failure(self, card: Card) -> str:
        return self._actions.failures.get(card.key) or card.failure

    def _layout(self, card: Card) -> CardLayout:
        """The layout of a card; recomputed only if the card, its failure or the width changed."""
        width, failure = self._card_width(), self._failure(card)
        known = self._known_layouts.get(card.key)
        if known is not None and known[0] is card and known[1:4] == (width, self._metrics, failure):
            return known[4]
        made = self._made_layout(card, width, failure)
        self._known_layouts[card.key] = (card, width, self._metrics, failure, made)
        return made

    def _made_layout(self, card: Card, width: int, failure: str) -> CardLayout:
        room = width - 3 * self._metrics.padding
        lines = sum(
            card_layout.wrapped_lines(text_metrics.size(part)[0], room) for part in failure.splitlines() if failure
        )
        return card_layout.layout(card, width, self._metrics, lines)

    def _card_width(self) -> int:
        """The width of a card, without the scroll bar."""
        return max(200, int(self._viewed[0]) - self._metrics.padding)

    def _place(self) -> None:
        """Position the visible cards."""
        if self._dirty:
            self._layouts = [self._layout(self._card(view)) for view in self._models]
            self._tops = card_layout.tops([layout.height for layout in self._layouts], self._metrics.gap)
            dpg.configure_item(self._end, pos=(0, max(0, self._tops[-1] - 1)))
            self._dirty = False
        _width, height, scroll = self._viewed
        numbers = card_layout.seen(self._tops, scroll, height)
        keys = {self._models[number].key for number in numbers}
        for key in [key for key in self._shown_cards if key not in keys]:
            items = self._shown_cards.pop(key)
            items.hide()
            self._free.append(items)
        for number in numbers:
            card = self._card(self._models[number])
            items = self._shown_cards.get(card.key) or self._unused_items(card.key)
            items.fill(
                card, self._layouts[number], self._card_width(), self._metrics, self._tops[number], self._failure(card)
            )

    def _unused_items(self, key: str) -> CardItems:
        items = self._free.pop() if self._free else CardItems(self._area, self._act, self._menu)
        self._shown_cards[key] = items
        return items

    def _act(self, key: str, do: ModelAction) -> None:
        found = next((model for model in self._models if model.key == key), None)
        if found is not None:
            self._actions.do(found, self._jobs.get(key), do)

    def _menu(self, key: str, button: Tag) -> None:
        known = self._cards.get(key)
        if known is not None:
            self._actions.menu(known[0], known[2].more, button)
