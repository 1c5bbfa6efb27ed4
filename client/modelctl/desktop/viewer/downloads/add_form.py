"""The form that adds a user's own model: key, source, and a button."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style.sizes import em
from modelctl.desktop.viewer.style.theme import PALETTE
from modelctl.language.catalogue import _

SOURCES = "https://…/FILE.gguf     hf:org/repo:Q4_K_M     /…/FILE.gguf"
"""The possible forms of a source; shown while the field is empty."""


class AddForm:
    """The form; ``on_add`` gets key and source without surrounding blanks."""

    def __init__(self, ui: Ui, parent: Tag, on_add: Callable[[str, str], None]) -> None:
        self._ui = ui
        self._on_add = on_add
        dpg.add_separator(parent=parent, label=_("Your own model"))
        table = dpg.add_table(parent=parent, header_row=False, policy=dpg.mvTable_SizingFixedFit)
        dpg.add_table_column(parent=table, width_fixed=True)
        dpg.add_table_column(parent=table, width_stretch=True)
        self._key = self._field(table, _("Key"), _("a short name, such as my-model"), em(20))
        self._source = self._field(table, _("Source"), SOURCES, -1)
        row = dpg.add_table_row(parent=table)
        dpg.add_text(parent=row)
        line = dpg.add_group(parent=row, horizontal=True)
        dpg.add_button(parent=line, label=_("Add and download"), callback=self._add)
        dpg.add_text(_("A file on this computer is used in place."), parent=line, color=PALETTE.muted)

    def _field(self, table: Tag, label: str, hint: str, width: int) -> Tag:
        row = dpg.add_table_row(parent=table)
        dpg.add_text(label, parent=row)
        field: Tag = dpg.add_input_text(parent=row, width=width, hint=hint, on_enter=True, callback=self._add)
        return field

    def _add(self) -> None:
        self._ui.post(lambda: self._on_add(dpg.get_value(self._key).strip(), dpg.get_value(self._source).strip()))
