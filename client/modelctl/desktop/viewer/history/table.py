"""The table of runs, newest first; only visible rows are drawn."""

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
from modeld.protocol.views import History

from modelctl.desktop.viewer.frame.dialog import tight
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.history.series import headers, run_rows
from modelctl.desktop.viewer.style import tones

SHOWN = 500
"""The maximum number of runs in the table, over all models, since creating an item per cell takes time."""


class HistoryTable:
    """The table; its rows are recreated when the runs change."""

    def __init__(self, parent: Tag) -> None:
        self._shown: list[History] = []
        self._table = dpg.add_table(
            parent=parent,
            policy=dpg.mvTable_SizingFixedFit,
            borders_innerH=True,
            row_background=True,
            scrollX=True,
            scrollY=True,
            freeze_rows=1,
            freeze_columns=1,
            pad_outerX=True,
            clipper=True,
            resizable=True,
        )
        tight(self._table)
        for head in headers():
            dpg.add_table_column(parent=self._table, label=head, width_fixed=True)

    def show(self, histories: Sequence[History]) -> None:
        """Show the runs of ``histories``."""
        if [*histories] == self._shown:
            return
        self._shown = [*histories]
        dpg.delete_item(self._table, children_only=True, slot=1)
        for run in run_rows(histories)[:SHOWN]:
            row = dpg.add_table_row(parent=self._table)
            for cell in run.cells:
                if run.disturbed:
                    dpg.add_text(cell, parent=row, color=tones.WARNING)
                else:
                    dpg.add_text(cell, parent=row)
