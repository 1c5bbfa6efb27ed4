"""The comparison window: benchmarked models in a table that sorts by every column."""

import dearpygui.dearpygui as dpg
from modeld.protocol.views import Comparison, Snapshot

from modelctl.desktop.viewer.benchmarks.comparison_rows import (
    ComparisonRow,
    as_csv,
    as_markdown,
    colour,
    ordered,
    rows,
    too_few,
)
from modelctl.desktop.viewer.downloads.dialog_text import failure_text
from modelctl.desktop.viewer.frame.dialog import DialogFrame, tight
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.history.series import benchmarked
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.fonts import glyphs
from modelctl.errors import ModeldError
from modelctl.language.catalogue import _
from modelctl.language.format import COMPARISON_HEADERS, comparison_legend

WIDTH_EM = 50.0
ROW_EM, REST_EM, MOST_EM = 1.67, 11.5, 32.0
"""The height of a row, of everything except the rows, and of the tallest window."""

SPEED = 1
"""The initial sort column, fastest first."""

FASTEST_ROW, EFFICIENT_ROW = (255, 200, 60, 40), (79, 158, 248, 45)
CELL_ALPHA = 95

Specs = list[list[int]] | None


class ComparisonWindow:
    """The comparison window; the panel opens it, and it is updated while it is open."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._frame: DialogFrame | None = None
        self._asked: dict[str, str] | None = None
        self._rows: list[ComparisonRow] = []
        self._sorted_by: tuple[int, bool] = (SPEED, False)
        self._lines: list[list[Tag]] = []
        self._drawn: list[ComparisonRow] = []

    def open(self, snapshot: Snapshot | None) -> None:
        """Open the window; if it is open already, open it again."""
        self.close()
        title = glyphs(_("📊 Performance Comparison"))
        self._frame = DialogFrame(self._ui, title, (WIDTH_EM, REST_EM), self.close)
        self._legend = dpg.add_text(parent=self._frame.body, show=False)
        self._build_table(self._frame.body)
        self._build_foot(self._frame.foot)
        self.show(snapshot)

    def close(self) -> None:
        """Close the window if it is open."""
        if self._frame is not None:
            self._frame.close()
        self._frame = None
        self._asked = None
        self._rows, self._lines, self._drawn = [], [], []
        self._sorted_by = (SPEED, False)

    def show(self, snapshot: Snapshot | None) -> None:
        """Request the comparison again if a benchmark has ended since."""
        if self._frame is None:
            return
        if snapshot is None:
            if not self._rows:
                self._frame.say(_("The daemon is not reachable."), tones.WARNING)
            return
        newest = benchmarked(snapshot)
        if newest != self._asked:
            self._asked = newest
            self._ui.ask(lambda client: client.compare(), self.compare, self._failed)

    def compare(self, comparison: Comparison) -> None:
        """Show ``comparison``."""
        if self._frame is None:
            return
        why_not = too_few(comparison)
        self._frame.say(why_not)
        self._rows = [] if why_not else rows(comparison)
        for item in (self._legend, self._table, self._foot):
            dpg.configure_item(item, show=not why_not)
        if not why_not:
            self._frame.grow(min(REST_EM + ROW_EM * len(self._rows), MOST_EM))
            dpg.set_value(self._legend, glyphs("\n".join(comparison_legend(comparison))))
        self._fill()

    def _build_table(self, parent: Tag) -> None:
        self._table = dpg.add_table(
            parent=parent,
            sortable=True,
            callback=self._sort_wanted,
            policy=dpg.mvTable_SizingStretchProp,
            borders_innerH=True,
            scrollY=True,
            freeze_rows=1,
            pad_outerX=True,
            clipper=True,
            show=False,
        )
        for place, head in enumerate(COMPARISON_HEADERS):
            dpg.add_table_column(
                parent=self._table,
                label=head,
                default_sort=place == SPEED,
                prefer_sort_descending=place in (SPEED, len(COMPARISON_HEADERS) - 1),
                init_width_or_weight=1.6 if place == 0 else 1.0,
            )
        tight(self._table)

    def _build_foot(self, parent: Tag) -> None:
        self._foot = dpg.add_group(parent=parent, horizontal=True, show=False)
        dpg.add_button(parent=self._foot, label=_("Copy as Markdown"), callback=lambda: self._ui.post(self._markdown))
        dpg.add_button(parent=self._foot, label=_("Copy as CSV"), callback=lambda: self._ui.post(self._csv))
        self._copied = dpg.add_text(parent=self._foot, color=theme.PALETTE.muted)

    def _sort_wanted(self, _table: Tag, specs: Specs) -> None:
        """DearPyGui's callback for a click on a column header; it also comes once at the start."""
        if specs:
            column, direction = specs[0]
            self._ui.post(lambda: self._sort(column, direction > 0))

    def _sort(self, column: Tag, ascending: bool) -> None:
        if self._frame is None:
            return
        columns = dpg.get_item_children(self._table, 0)
        if column in columns:
            self._sorted_by = (columns.index(column), ascending)
            self._fill()

    def _fill(self) -> None:
        """Set the table's rows in this order, changing only cells that differ."""
        wanted = ordered(self._rows, *self._sorted_by)
        while len(self._lines) < len(wanted):
            line = dpg.add_table_row(parent=self._table)
            self._lines.append([line, *(dpg.add_text(parent=line) for _head in COMPARISON_HEADERS)])
        while len(self._lines) > len(wanted):
            dpg.delete_item(self._lines.pop()[0])
            self._drawn = self._drawn[: len(self._lines)]
        for place, row in enumerate(wanted):
            if place >= len(self._drawn) or self._drawn[place] != row:
                self._draw(place, row)
        self._drawn = wanted

    def _draw(self, place: int, row: ComparisonRow) -> None:
        for item, text in zip(self._lines[place][1:], (glyphs(row.title), *row.cells[1:]), strict=True):
            dpg.set_value(item, text)
        if row.fastest or row.most_efficient:
            dpg.highlight_table_row(self._table, place, FASTEST_ROW if row.fastest else EFFICIENT_ROW)
        else:
            dpg.unhighlight_table_row(self._table, place)
        for column, rank in enumerate(row.ranks):
            if rank is None:
                dpg.unhighlight_table_cell(self._table, place, column)
            else:
                dpg.highlight_table_cell(self._table, place, column, (*colour(rank), CELL_ALPHA))

    def _markdown(self) -> None:
        self._copy(as_markdown(self._drawn))

    def _csv(self) -> None:
        self._copy(as_csv(self._drawn))

    def _copy(self, text: str) -> None:
        dpg.set_clipboard_text(text)
        dpg.set_value(self._copied, _("Copied."))

    def _failed(self, error: ModeldError) -> None:
        self._asked = None
        if self._frame is not None:
            self._frame.say(failure_text(error.failure), tones.ERROR)
