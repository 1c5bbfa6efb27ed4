"""The history tab: choose models, see their speed and memory over time, and a table of runs."""

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.views import History, Snapshot

from modelctl.desktop.viewer.benchmarks.dialog_text import change_text
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.history.plot import HistoryPlot, Measure
from modelctl.desktop.viewer.history.series import benchmarked, curve, stale
from modelctl.desktop.viewer.history.table import HistoryTable
from modelctl.desktop.viewer.style.sizes import em, room
from modelctl.desktop.viewer.style.theme import PALETTE, Colour
from modelctl.errors import ModeldError, explained
from modelctl.language.catalogue import _, _n

COLOURS: tuple[Colour, ...] = (
    (94, 160, 255),
    (102, 204, 128),
    (190, 140, 255),
    (92, 206, 214),
    (240, 130, 180),
    (214, 200, 100),
)
"""The colours of the models, reused in turn; none is the orange of disturbed runs."""

PLOT_EM, PLOT_SHARE = 16.0, 0.38
LIMIT = 500
"""How many runs per model are drawn, newest first."""


class HistoryTab:
    """The history tab. It requests a history when its model is selected, and again after a newer run."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._newest: dict[str, str] = {}
        self._boxes: dict[str, Tag] = {}
        self._chosen: list[str] = []
        self._asked: dict[str, str] = {}
        self._histories: dict[str, History] = {}

    def build(self, parent: Tag) -> None:
        """Create the items: models on the left, plots and runs on the right."""
        self._empty = dpg.add_text(parent=parent, wrap=0, color=PALETTE.muted)
        self._body = dpg.add_group(parent=parent, horizontal=True, show=False)
        self._left = dpg.add_child_window(parent=self._body, height=-1, border=False)
        dpg.add_text(_("Models"), parent=self._left, color=PALETTE.muted)
        self._models = dpg.add_group(parent=self._left)
        right = dpg.add_child_window(parent=self._body, width=-1, height=-1, border=False)
        plots = dpg.add_table(parent=right, header_row=False, policy=dpg.mvTable_SizingStretchSame)
        for _column in range(2):
            dpg.add_table_column(parent=plots)
        row = dpg.add_table_row(parent=plots)
        self._plots = [HistoryPlot(row, measure) for measure in _measures()]
        self._change = dpg.add_text(parent=right, wrap=0, color=PALETTE.muted)
        self._table = HistoryTable(right)
        self._resize()

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the models to ``snapshot`` and request new histories; without a daemon nothing changes."""
        if snapshot is None:
            if not self._newest:
                self._say(_("The daemon is not reachable."))
            return
        if em(1) != self._em:
            self._resize()
        newest = benchmarked(snapshot)
        if not newest:
            self._say(_("Nothing has been benchmarked yet. Benchmark a model to see its history here."))
        if newest == self._newest:
            return
        known, self._newest = self._newest, newest
        if [*known] != [*newest]:
            self._list([*newest])
        if newest:
            self._say("")
            self._load()

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: snapshots contain everything shown here."""

    def _resize(self) -> None:
        """Set sizes that depend on the font, which is known only after the first frame."""
        self._em = em(1)
        dpg.configure_item(self._left, width=em(12))
        for plot in self._plots:
            plot.resize(min(em(PLOT_EM), round(PLOT_SHARE * room()[1])))

    def _say(self, text: str) -> None:
        dpg.set_value(self._empty, text)
        dpg.configure_item(self._empty, show=bool(text))
        dpg.configure_item(self._body, show=not text)

    def _list(self, keys: list[str]) -> None:
        """Create a checkbox per model; initially the most recently benchmarked model is selected."""
        self._chosen = [key for key in self._chosen if key in keys]
        if not self._chosen and keys:
            self._chosen = [max(keys, key=lambda key: self._newest[key])]
        dpg.delete_item(self._models, children_only=True)
        self._boxes = {key: self._box(key) for key in keys}

    def _box(self, key: str) -> Tag:
        """A checkbox whose tick has the colour of the model's curve."""
        box: Tag = dpg.add_checkbox(
            parent=self._models,
            label=key.upper(),
            default_value=key in self._chosen,
            callback=lambda: self._ui.post(self._choose),
        )
        dpg.bind_item_theme(box, _tick(self._colour(key)))
        return box

    def _colour(self, key: str) -> Colour:
        return COLOURS[[*self._newest].index(key) % len(COLOURS)]

    def _choose(self) -> None:
        self._chosen = [key for key, box in self._boxes.items() if dpg.get_value(box)]
        self._load()

    def _load(self) -> None:
        """Request missing and outdated histories, and draw the available ones."""
        for key in stale(self._chosen, self._newest, self._asked):
            self._asked[key] = self._newest[key]
            self._ask(key)
        self._draw()

    def _ask(self, key: str) -> None:
        self._ui.ask(lambda client: client.results(key, LIMIT), self._loaded, lambda error: self._failed(key, error))

    def _loaded(self, history: History) -> None:
        self._histories[history.model] = history
        self._draw()

    def _failed(self, key: str, error: ModeldError) -> None:
        self._asked.pop(key, None)
        self._ui.say(explained(error.failure), error=True)

    def _draw(self) -> None:
        histories = [self._histories[key] for key in self._chosen if key in self._histories]
        curves = [curve(history) for history in histories]
        colours = [self._colour(history.model) for history in histories]
        for plot in self._plots:
            plot.show(curves, colours)
        dpg.set_value(self._change, _summary(histories))
        self._table.show(histories)


def _tick(colour: Colour) -> Tag:
    """The theme for a checkbox with a tick in this colour, created once."""
    tag = f"modelctl.history.tick.{'-'.join(map(str, colour))}"
    if not dpg.does_item_exist(tag):
        part = dpg.add_theme_component(dpg.mvCheckbox, parent=dpg.add_theme(tag=tag))
        for target in (dpg.mvThemeCol_CheckMark, dpg.mvThemeCol_Text):
            dpg.add_theme_color(target, colour, parent=part)
    return tag


def _measures() -> list[Measure]:
    return [
        Measure(_("Tokens/Sec"), lambda points: points.speed, lambda curve: curve.average_speed, True),
        Measure(_("Memory (MB)"), lambda points: points.memory, lambda curve: curve.average_memory),
    ]


def _summary(histories: list[History]) -> str:
    """The number of runs per model, and its last change."""
    lines = []
    for history in histories:
        count = len(history.runs)
        line = _n("{key}: {count} run", "{key}: {count} runs", count).format(key=history.model.upper(), count=count)
        if history.average is not None:
            line += ", " + _("on average {speed} tokens/sec").format(
                speed=f"{history.average.avg_tokens_per_second:.2f}"
            )
        if history.change is not None:
            line += ", " + _("last change {change}").format(change=change_text(history.change))
        lines.append(line)
    return "\n".join(lines)
