"""The download dialog: all models that are not on disk, each with a button, and a form for the user's own model."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg
from modeld.protocol.states import HAS_FILE
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.desktop.viewer.downloads.add_form import AddForm
from modelctl.desktop.viewer.downloads.dialog_text import DownloadChoice, choices, failure_text
from modelctl.desktop.viewer.frame.dialog import DialogFrame, tight
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.fonts import glyphs
from modelctl.errors import ModeldError
from modelctl.language.catalogue import _

SIZE_EM = (56.0, 34.0)


class DownloadDialog:
    """The download dialog; ``on_started`` gets each download that was started or that the user wants to see."""

    def __init__(self, ui: Ui, on_started: Callable[[JobView], None]) -> None:
        self._ui = ui
        self._on_started = on_started
        self._frame: DialogFrame | None = None
        self._shown: list[DownloadChoice] | None = None
        self._away = False

    def open(self, snapshot: Snapshot | None) -> None:
        """Open the dialog with the models of ``snapshot``."""
        self.close()
        self._frame = DialogFrame(self._ui, glyphs(_("📥 Download a model")), SIZE_EM, self.close)
        AddForm(self._ui, self._frame.foot, self._add)
        self.show(snapshot)

    def close(self) -> None:
        """Close the dialog if it is open."""
        if self._frame is not None:
            self._frame.close()
        self._frame = None
        self._shown = None
        self._away = False

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the list to ``snapshot``."""
        if self._frame is None:
            return
        if snapshot is None:
            self._away = True
            self._frame.say(_("The daemon is not reachable, so nothing can be downloaded now."), tones.WARNING)
            return
        if self._away:
            self._away = False
            self._frame.say("")
        found = choices(snapshot)
        if found != self._shown:
            self._shown = found
            self._list(self._frame.body, found)

    def _list(self, parent: Tag, found: list[DownloadChoice]) -> None:
        dpg.delete_item(parent, children_only=True)
        if not found:
            nothing = _("All models are already on this computer. You can add your own below.")
            dpg.add_text(nothing, parent=parent, wrap=0)
            return
        table = dpg.add_table(
            parent=parent,
            policy=dpg.mvTable_SizingFixedFit,
            borders_innerH=True,
            scrollY=True,
            freeze_rows=1,
            pad_outerX=True,
        )
        for place, head in enumerate((_("Model"), _("Description"), _("Size"), _("Context"), "")):
            dpg.add_table_column(parent=table, label=head, width_stretch=place == 1, width_fixed=place != 1)
        for choice in found:
            self._row(table, choice)

    def _row(self, table: Tag, choice: DownloadChoice) -> None:
        row = dpg.add_table_row(parent=table)
        names = dpg.add_group(parent=row)
        dpg.add_text(choice.title, parent=names)
        if choice.name and choice.name.upper() != choice.title:
            tight(dpg.add_text(choice.name, parent=names, color=theme.PALETTE.muted))
        for text in (choice.description, choice.size, choice.context):
            dpg.add_text(text, parent=row, wrap=0 if text is choice.description else -1)
        key, job = choice.key, choice.job
        if job is None:
            button = self._button(row, _("Download"), lambda: self._pull(key))
            dpg.bind_item_theme(button, theme.PRIMARY)
        else:
            running = job
            self._button(row, _("Show"), lambda: self._started(running))

    def _button(self, parent: Tag, label: str, action: Callable[[], None]) -> Tag:
        button: Tag = dpg.add_button(parent=parent, label=label, callback=lambda: self._ui.post(action))
        return button

    def _pull(self, key: str) -> None:
        self._ui.ask(lambda client: client.pull(key), self._started, self._failed)

    def _started(self, job: JobView) -> None:
        self.close()
        self._on_started(job)

    def _add(self, key: str, source: str) -> None:
        if not key or not source:
            self._say(_("Enter a key for the model and the source of its file."), tones.WARNING)
        else:
            self._ui.ask(lambda client: client.add(key, source).model, self._added, self._failed)

    def _added(self, model: ModelView) -> None:
        if model.state in HAS_FILE:
            self.close()
            self._ui.say(_("{key} was added.").format(key=model.key.upper()))
        else:
            self._pull(model.key)

    def _failed(self, error: ModeldError) -> None:
        self._say(failure_text(error.failure), tones.ERROR)

    def _say(self, text: str, colour: theme.Colour) -> None:
        if self._frame is None:
            self._ui.say(text, error=True)
        else:
            self._frame.say(text, colour)
