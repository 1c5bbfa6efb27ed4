"""The benchmark dialog: choose models, watch their benchmarks, and read the results."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg
from modeld.protocol.states import JobState
from modeld.protocol.views import Change, History, JobView, Snapshot

from modelctl.desktop.viewer.benchmarks.dialog_text import BenchmarkCandidate, candidates, followed, job_row
from modelctl.desktop.viewer.benchmarks.table import BenchTable
from modelctl.desktop.viewer.downloads.dialog_text import failure_text
from modelctl.desktop.viewer.frame.dialog import DialogFrame
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.fonts import glyphs
from modelctl.desktop.viewer.style.sizes import em, room
from modelctl.errors import ModeldError
from modelctl.language.catalogue import _

SIZE_EM = (66.0, 38.0)
HEAD_EM, ROW_EM, LIST_SHARE = 1.9, 2.06, 0.3
"""The list of models is as high as its rows, up to this share of the window."""
MOST_REPETITIONS = 20


class BenchmarkDialog:
    """The benchmark dialog; benchmarks continue in the daemon when it is closed."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._frame: DialogFrame | None = None
        self._models: list[BenchmarkCandidate] | None = None
        self._boxes: dict[str, Tag] = {}
        self._known: set[str] = set()
        self._changes: dict[str, Change | None] = {}
        self._away = False

    def open(self, snapshot: Snapshot | None) -> None:
        """Open the dialog with the models of ``snapshot``."""
        self.close()
        self._frame = DialogFrame(self._ui, glyphs(_("⚡ Benchmark")), SIZE_EM, self.close)
        body = self._frame.body
        dpg.add_text(_("Choose the models to measure with the standard prompt."), parent=body, wrap=0)
        self._list = dpg.add_child_window(parent=body, border=False)
        self._buttons(body)
        self._table = BenchTable(self._ui, body, self._cancel)
        self.show(snapshot)

    def close(self) -> None:
        """Close the dialog if it is open; running benchmarks continue."""
        if self._frame is not None:
            self._frame.close()
        self._frame = None
        self._models = None
        self._boxes = {}
        self._away = False

    def show(self, snapshot: Snapshot | None) -> None:
        """Update models and benchmarks to ``snapshot``."""
        if self._frame is None:
            return
        found = candidates(snapshot) if snapshot is not None else []
        for button in (self._some, self._all):
            dpg.configure_item(button, enabled=bool(found))
        if snapshot is None:
            self._away = True
            self._frame.say(_("The daemon is not reachable, so nothing can be benchmarked now."), tones.WARNING)
            return
        if self._away:
            self._away = False
            self._frame.say("")
        if found != self._models:
            self._models = found
            self._choices(found)
        jobs = followed(snapshot, self._known)
        self._known |= {job.id for job in jobs}
        for job in jobs:
            self._look_up_change(job)
        self._table.show([job_row(job, self._changes.get(job.id)) for job in jobs])

    def _buttons(self, parent: Tag) -> None:
        line = dpg.add_group(parent=parent, horizontal=True)
        self._some = self._button(line, _("Benchmark"), lambda: self._start(self._chosen()))
        dpg.bind_item_theme(self._some, theme.PRIMARY)
        self._all = self._button(line, _("Benchmark All"), lambda: self._start(None))
        dpg.add_spacer(parent=line, width=em(1))
        dpg.add_text(_("Repetitions"), parent=line)
        self._repetitions = dpg.add_input_int(
            parent=line,
            width=em(8),
            default_value=3,
            min_value=1,
            max_value=MOST_REPETITIONS,
            min_clamped=True,
            max_clamped=True,
        )

    def _button(self, parent: Tag, label: str, action: Callable[[], None]) -> Tag:
        button: Tag = dpg.add_button(parent=parent, label=label, callback=lambda: self._ui.post(action))
        return button

    def _choices(self, found: list[BenchmarkCandidate]) -> None:
        ticked = self._chosen()
        dpg.delete_item(self._list, children_only=True)
        self._boxes = {}
        if not found:
            nothing = _("No model is on this computer yet. Download one first.")
            dpg.add_text(nothing, parent=self._list, wrap=0)
            dpg.configure_item(self._list, height=em(2 * HEAD_EM))
            return
        most = round(LIST_SHARE * room()[1])
        dpg.configure_item(self._list, height=min(em(HEAD_EM + ROW_EM * len(found)), most))
        table = dpg.add_table(
            parent=self._list,
            policy=dpg.mvTable_SizingFixedFit,
            borders_innerH=True,
            scrollY=True,
            freeze_rows=1,
            pad_outerX=True,
        )
        dpg.bind_item_theme(table, theme.BESIDE_BOXES)
        for place, head in enumerate((_("Model"), _("Name"), _("Tokens/Sec"), _("In memory"))):
            dpg.add_table_column(parent=table, label=head, width_stretch=place == 1, width_fixed=place != 1)
        for model in found:
            row = dpg.add_table_row(parent=table)
            box = dpg.add_checkbox(parent=row, label=model.title, default_value=model.key in ticked)
            self._boxes[model.key] = box
            dpg.add_text(model.name, parent=row, wrap=0)
            dpg.add_text(model.latest or "-", parent=row)
            dpg.add_text(glyphs("🔵 " + _("LOADED")) if model.loaded else "", parent=row)

    def _chosen(self) -> list[str]:
        return [key for key, box in self._boxes.items() if dpg.does_item_exist(box) and dpg.get_value(box)]

    def _start(self, keys: list[str] | None) -> None:
        """Benchmark ``keys``; None: all models on disk."""
        if keys == []:
            self._say(_("Choose at least one model, or benchmark all."), tones.WARNING)
            return
        repetitions = dpg.get_value(self._repetitions)
        self._say("", theme.PALETTE.text)
        self._ui.ask(
            lambda client: client.benchmark(keys or (), all_models=keys is None, repetitions=repetitions),
            self._started,
            self._failed,
        )

    def _started(self, jobs: list[JobView]) -> None:
        """Follow the new jobs at once, without waiting for the next snapshot: one of them may end before it."""
        self._known |= {job.id for job in jobs}

    def _cancel(self, job_id: str) -> None:
        self._ui.ask(lambda client: client.cancel(job=job_id), None, self._failed)

    def _failed(self, error: ModeldError) -> None:
        self._say(failure_text(error.failure), tones.ERROR)

    def _look_up_change(self, job: JobView) -> None:
        """Once a benchmark is done, request its change since the previous run, one time."""
        if job.state is not JobState.DONE or job.id in self._changes:
            return
        self._changes[job.id] = None

        def found(history: History) -> None:
            if history.runs and history.runs[-1].id == job.id:
                self._changes[job.id] = history.change
            if self._frame is not None:
                self._table.update(job_row(job, self._changes[job.id]))

        self._ui.ask(lambda client: client.results(job.model, 2), found)

    def _say(self, text: str, colour: theme.Colour) -> None:
        if self._frame is None:
            self._ui.say(text, error=True)
        else:
            self._frame.say(text, colour)
