"""Running and finished benchmarks as a table: a progress bar each, then results, change and failure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.benchmarks.dialog_text import JobRow
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.sizes import em
from modelctl.language.catalogue import _
from modelctl.language.format import COMPARISON_HEADERS

BAR_EM, NOTE_EM = 11, 17


@dataclass
class _LineItems:
    bar: Tag
    cells: list[Tag]
    note: Tag
    cancel: Tag
    shown: JobRow | None = None


class BenchTable:
    """The table; ``on_cancel`` gets the id of the job to cancel."""

    def __init__(self, ui: Ui, parent: Tag, on_cancel: Callable[[str], None]) -> None:
        self._ui = ui
        self._on_cancel = on_cancel
        self._rows: dict[str, _LineItems] = {}
        self._table = dpg.add_table(
            parent=parent,
            policy=dpg.mvTable_SizingFixedFit,
            borders_innerH=True,
            scrollX=True,
            scrollY=True,
            freeze_rows=1,
            freeze_columns=1,
            pad_outerX=True,
            show=False,
        )
        heads = (COMPARISON_HEADERS[0], _("Progress"), "", *COMPARISON_HEADERS[1:], _("Remarks"))
        for head in heads:
            dpg.add_table_column(parent=self._table, label=head, width_fixed=True)

    def show(self, rows: Sequence[JobRow]) -> None:
        """Show exactly ``rows``; remove jobs that the daemon no longer knows."""
        dpg.configure_item(self._table, show=bool(rows))
        for gone in self._rows.keys() - {row.id for row in rows}:
            dpg.delete_item(dpg.get_item_parent(self._rows.pop(gone).bar))
        for row in rows:
            self.update(row)

    def update(self, row: JobRow) -> None:
        """Update the row of this job, or append it."""
        items = self._rows.get(row.id) or self._add(row)
        if items.shown == row:
            return
        items.shown = row
        dpg.set_value(items.bar, row.fraction)
        dpg.configure_item(items.bar, overlay=row.bar)
        dpg.bind_item_theme(items.bar, theme.stripe(tones.TONES[row.tone]))
        for cell, text in zip(items.cells, row.cells, strict=True):
            dpg.set_value(cell, text)
        dpg.set_value(items.note, row.note)
        dpg.configure_item(items.note, color=tones.text_colour(row.tone))
        dpg.configure_item(items.cancel, show=not row.ended)

    def _add(self, row: JobRow) -> _LineItems:
        line = dpg.add_table_row(parent=self._table)
        dpg.add_text(row.title, parent=line)
        bar = dpg.add_progress_bar(parent=line, width=em(BAR_EM))
        id_ = row.id
        cancel = dpg.add_button(
            parent=line, label=_("Cancel"), callback=lambda: self._ui.post(lambda: self._on_cancel(id_))
        )
        dpg.bind_item_theme(cancel, theme.SMALL)
        cells = [dpg.add_text(parent=line) for _cell in row.cells]
        note = dpg.add_text(parent=line, wrap=em(NOTE_EM))
        items = _LineItems(bar, cells, note, cancel)
        self._rows[row.id] = items
        return items
