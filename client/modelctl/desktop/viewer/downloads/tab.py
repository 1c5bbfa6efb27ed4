"""The downloads tab: the queue with its order, pause buttons and speed limits, and the last ended downloads."""

from collections.abc import Callable
from dataclasses import dataclass, field

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.views import Snapshot

from modelctl.client import Client
from modelctl.desktop.viewer.downloads.dialog_text import failure_text
from modelctl.desktop.viewer.downloads.tab_rows import EndedRow, QueueRow, ended, queue, speed_limit
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import theme, tones
from modelctl.desktop.viewer.style.sizes import em
from modelctl.errors import ModeldError
from modelctl.language.catalogue import _
from modelctl.language.speed import parse_speed

FIELD_EM = 8


@dataclass
class _LineItems:
    """The items of one download."""

    group: Tag
    title: Tag
    bar: Tag
    text: Tag
    note: Tag
    buttons: dict[str, Tag] = field(default_factory=dict)
    shown: QueueRow | None = None
    refusal: str = ""


class DownloadsTab:
    """One line per unfinished download; ended downloads below."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._lines: dict[str, _LineItems] = {}
        self._limit: str | None = None
        self._ended: list[EndedRow] = []

    def build(self, parent: Tag) -> None:
        """Create the row for all downloads, the queue and the list of ended ones."""
        row = dpg.add_group(parent=parent, horizontal=True)
        self._button(row, _("Pause all"), lambda: self._ask(lambda client: client.pause()))
        self._button(row, _("Resume all"), lambda: self._ask(lambda client: client.resume()))
        dpg.add_spacer(parent=row, width=em(0.5))
        label = dpg.add_text(_("Speed of all together"), parent=row, color=theme.PALETTE.muted)
        self._field = dpg.add_input_text(
            parent=row,
            width=em(FIELD_EM),
            hint=_("no limit"),
            on_enter=True,
            callback=lambda: self._ui.post(self._set_limit),
        )
        with dpg.tooltip(label):
            dpg.add_text(_("5M, 500K, or off; Enter sets it."))
        self._wrong = dpg.add_text(parent=row, color=theme.PALETTE.red, show=False)
        self._empty = dpg.add_text(_("Nothing is being downloaded."), parent=parent, color=theme.PALETTE.muted)
        self._queue = dpg.add_group(parent=parent)
        self._below = dpg.add_group(parent=parent, show=False)
        dpg.add_separator(parent=self._below, label=_("Ended"))
        self._ends = dpg.add_group(parent=self._below)

    def show(self, snapshot: Snapshot | None) -> None:
        """Update lines and fields to ``snapshot``; without a daemon nothing is in progress."""
        rows = queue(snapshot) if snapshot is not None else []
        for gone in self._lines.keys() - {row.id for row in rows}:
            dpg.delete_item(self._lines.pop(gone).group)
        for row in rows:
            line = self._lines.get(row.id)
            if line is None:
                line = self._lines[row.id] = self._build(row)
            if line.shown != row:
                self._draw(line, row)
        order = [self._lines[row.id].group for row in rows]
        if dpg.get_item_children(self._queue, 1) != order:
            dpg.reorder_items(self._queue, 1, order)
        dpg.configure_item(self._empty, show=not rows)
        self._show_limit(snapshot)
        self._show_ends(ended(snapshot) if snapshot is not None else [])

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: snapshots contain everything shown here."""

    def _show_limit(self, snapshot: Snapshot | None) -> None:
        now = speed_limit(snapshot) if snapshot is not None else ""
        if now != self._limit:
            self._limit = now
            dpg.set_value(self._field, now)

    def _show_ends(self, rows: list[EndedRow]) -> None:
        if rows == self._ended:
            return
        self._ended = rows
        dpg.delete_item(self._ends, children_only=True)
        for row in rows:
            head = dpg.add_group(parent=self._ends, horizontal=True)
            dpg.add_text(row.when, parent=head, color=theme.PALETTE.muted)
            dpg.add_text(row.title, parent=head)
            dpg.add_text(row.status, parent=head, color=tones.text_colour(row.tone))
            if row.detail:
                dpg.add_text(row.detail, parent=self._ends, wrap=0, indent=em(1), color=theme.PALETTE.muted)
        dpg.configure_item(self._below, show=bool(rows))

    def _build(self, row: QueueRow) -> _LineItems:
        group = dpg.add_group(parent=self._queue)
        dpg.add_spacer(parent=group, height=em(0.2))
        head = dpg.add_group(parent=group, horizontal=True)
        title = dpg.add_text(parent=head)
        line = _LineItems(group, title, 0, 0, 0)
        id_ = row.id
        line.buttons = {
            "rise": self._button(head, "▲", lambda: self._move(id_, -1)),
            "sink": self._button(head, "▼", lambda: self._move(id_, 1)),
            "pause": self._button(head, _("Pause"), lambda: self._ask(lambda client: client.pause(job=id_), id_)),
            "resume": self._button(head, _("Resume"), lambda: self._ask(lambda client: client.resume(job=id_), id_)),
            "cancel": self._button(head, _("Cancel"), lambda: self._ask(lambda client: client.cancel(job=id_), id_)),
        }
        for button in line.buttons.values():
            dpg.bind_item_theme(button, theme.SMALL)
        line.bar = dpg.add_progress_bar(parent=group, width=-1, height=em(1.2))
        line.text = dpg.add_text(parent=group, wrap=0)
        line.note = dpg.add_text(parent=group, wrap=0, color=theme.PALETTE.red, show=False)
        return line

    def _draw(self, line: _LineItems, row: QueueRow) -> None:
        if line.shown is None or line.shown.text.status != row.text.status:
            line.refusal = ""
        line.shown = row
        dpg.set_value(line.title, "  ".join(filter(None, (f"{row.place}.", row.title, row.limit))))
        dpg.set_value(line.bar, row.text.fraction)
        dpg.configure_item(line.bar, overlay=row.text.bar)
        dpg.bind_item_theme(line.bar, theme.stripe(tones.TONES[row.text.tone]))
        dpg.set_value(line.text, row.line)
        dpg.configure_item(line.text, color=tones.text_colour(row.text.tone))
        note = "\n".join(filter(None, (row.text.detail, line.refusal)))
        dpg.set_value(line.note, note)
        dpg.configure_item(line.note, show=bool(note))
        dpg.configure_item(line.buttons["rise"], enabled=row.can_rise)
        dpg.configure_item(line.buttons["sink"], enabled=row.can_sink)
        dpg.configure_item(line.buttons["pause"], show=row.text.can_pause)
        dpg.configure_item(line.buttons["resume"], show=row.text.can_resume)

    def _button(self, parent: Tag, label: str, action: Callable[[], None]) -> Tag:
        button: Tag = dpg.add_button(parent=parent, label=label, callback=lambda: self._ui.post(action))
        return button

    def _move(self, id_: str, by: int) -> None:
        line = self._lines.get(id_)
        if line is not None and line.shown is not None:
            place = line.shown.place + by
            self._ask(lambda client: client.move(place, job=id_), id_)

    def _set_limit(self) -> None:
        """Set the speed limit that was typed, or report that it is not a speed; the field keeps its text."""
        text = dpg.get_value(self._field)
        speed = parse_speed(text) if text.strip() else 0
        dpg.set_value(self._wrong, _("{value} is not a speed; use 5M, 500K or off.").format(value=text))
        dpg.configure_item(self._wrong, show=speed is None)
        if speed is not None:
            wanted = speed
            self._limit = None  # the field shows the daemon's spelling of the limit again
            self._ask(lambda client: client.limit(wanted))

    def _ask(self, call: Callable[[Client], object], id_: str = "") -> None:
        """Send a request; a refusal is shown at its download, or at the foot of the panel if it concerns all."""
        self._ui.ask(call, None, (lambda error: self._refused(id_, error)) if id_ else None)

    def _refused(self, id_: str, error: ModeldError) -> None:
        line = self._lines.get(id_)
        if line is not None and line.shown is not None:
            line.refusal = failure_text(error.failure)
            self._draw(line, line.shown)
