"""The log tab: the end of the daemon's log, updated as it grows, coloured by level, searchable, copyable."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.views import Snapshot

from modelctl import logfile
from modelctl.desktop.opening import open_path
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.log.lines import KEPT, LEVELS, LogLine, LogLines
from modelctl.desktop.viewer.style import text_metrics
from modelctl.desktop.viewer.style.theme import PALETTE, Colour
from modelctl.language.catalogue import _, _n

COLOURS: dict[str, Colour] = {
    "DEBUG": PALETTE.muted,
    "INFO": PALETTE.text,
    "WARNING": PALETTE.orange,
    "ERROR": PALETTE.red,
    "CRITICAL": PALETTE.red,
}
MARGIN = 24
"""Pixels after the end of a line."""

WAITING = 2000
"""The maximum number of pending lines; if a log grows faster than it can be drawn, the oldest are dropped."""


class LogTab:
    """The log tab. Its own thread follows the file from the first snapshot until ``close``."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._lines = LogLines()
        self._rows: deque[tuple[int, Tag]] = deque()
        self._follower: _LogFollower | None = None
        self._paused = False

    def build(self, parent: Tag) -> None:
        """Create the items."""
        bar = dpg.add_group(parent=parent, horizontal=True)
        self._text = dpg.add_input_text(
            parent=bar, width=260, hint=_("Only lines with …"), callback=lambda: self._ui.post(self._rebuild)
        )
        self._level = dpg.add_combo(
            list(levels()),
            parent=bar,
            width=200,
            default_value=next(iter(levels())),
            callback=lambda: self._ui.post(self._rebuild),
        )
        self._pause = dpg.add_button(parent=bar, label=_("Pause"), callback=lambda: self._ui.post(self._toggle))
        dpg.add_button(parent=bar, label=_("Copy"), callback=lambda: self._ui.post(self._copy))
        dpg.add_button(parent=bar, label=_("Open folder"), callback=lambda: self._ui.post(self._open_folder))
        self._note = dpg.add_text(parent=bar, color=PALETTE.muted)
        self._frame = dpg.add_child_window(parent=parent, height=-1, horizontal_scrollbar=True)
        text_metrics.bind(self._frame, text_metrics.MONO)
        self._empty = dpg.add_text(parent=self._frame, color=PALETTE.muted)
        self._describe(())

    def show(self, snapshot: Snapshot | None) -> None:
        """Follow the log of the running daemon; without one, the last log stays."""
        if snapshot is None or not snapshot.daemon.log_file:
            return
        path = Path(snapshot.daemon.log_file)
        if self._follower is None or self._follower.path != path:
            self.close()
            self._lines.clear()
            self._rebuild()
            self._follower = _LogFollower(path, self._ui, self._take)
            self._follower.start()

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: the log contains everything shown here."""

    def close(self) -> None:
        """Stop following; the thread has ended when this returns."""
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    def _take(self, texts: Sequence[str]) -> None:
        self._lines.add(texts)
        if self._paused:
            self._say_paused()
            return
        self._append(self._chosen())

    def _chosen(self) -> Sequence[LogLine]:
        return self._lines.chosen(dpg.get_value(self._text), levels()[dpg.get_value(self._level)])

    def _append(self, lines: Sequence[LogLine]) -> None:
        """Update the rows to ``lines``: remove old ones at the top, append new ones."""
        at_end = dpg.get_y_scroll(self._frame) >= dpg.get_y_scroll_max(self._frame) - 4
        first = lines[0].number if lines else 0
        while self._rows and (not lines or self._rows[0][0] < first):
            dpg.delete_item(self._rows.popleft()[1])
        last = self._rows[-1][0] if self._rows else 0
        for line in lines:
            if line.number > last:
                self._rows.append((line.number, self._row(line)))
        self._describe(lines)
        if at_end:
            dpg.set_y_scroll(self._frame, -1.0)  # scroll to the end, including what the next frame adds

    def _rebuild(self) -> None:
        """Recreate all rows, after the filter changed."""
        while self._rows:
            dpg.delete_item(self._rows.popleft()[1])
        self._append(self._chosen())
        dpg.set_y_scroll(self._frame, -1.0)

    def _row(self, line: LogLine) -> Tag:
        """A line as a read-only field, so that its text can be selected, in the colour of its level."""
        row: Tag = dpg.add_input_text(
            parent=self._frame,
            readonly=True,
            default_value=line.text,
            width=int(text_metrics.size(line.text, text_metrics.MONO)[0]) + MARGIN,
        )
        dpg.bind_item_theme(row, _row_theme(line.level))
        return row

    def _describe(self, lines: Sequence[LogLine]) -> None:
        dpg.configure_item(self._empty, show=not lines)
        dpg.set_value(self._empty, _("No log line matches.") if len(self._lines) else _("The log is empty."))
        self._say(_n("{count} line", "{count} lines", len(lines)).format(count=len(lines)))

    def _say(self, text: str) -> None:
        dpg.set_value(self._note, text)

    def _say_paused(self) -> None:
        self._say(_("Paused: new lines wait."))

    def _toggle(self) -> None:
        self._paused = not self._paused
        dpg.configure_item(self._pause, label=_("Continue") if self._paused else _("Pause"))
        if self._paused:
            self._say_paused()
        else:
            self._append(self._chosen())

    def _copy(self) -> None:
        lines = self._chosen()
        dpg.set_clipboard_text("\n".join(line.text for line in lines))
        self._ui.say(_n("{count} line copied.", "{count} lines copied.", len(lines)).format(count=len(lines)))

    def _open_folder(self) -> None:
        if self._follower is not None and not open_path(self._follower.path.parent):
            folder = self._follower.path.parent
            self._ui.say(
                _("No program is installed that opens folders. The log is in {folder}").format(folder=folder),
                error=True,
            )


class _LogFollower:
    """A thread that reads the end of a file and then follows it; ``take`` gets the lines on the drawing thread."""

    def __init__(self, path: Path, ui: Ui, take: Callable[[Sequence[str]], None]) -> None:
        self.path = path
        self._ui = ui
        self._take = take
        self._stop = threading.Event()
        self._lines: deque[str] = deque(maxlen=WAITING)
        self._thread = threading.Thread(target=self._read, name="viewer log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(4 * logfile.LOOK_S)

    def _put(self, lines: Sequence[str]) -> None:
        self._lines.extend(lines)
        self._ui.post(self._deliver, once=True)

    def _deliver(self) -> None:
        lines = [self._lines.popleft() for _number in range(len(self._lines))]
        if lines and not self._stop.is_set():
            self._take(lines)

    def _read(self) -> None:
        try:
            found, position = logfile.tail(self.path, KEPT)
        except OSError:  # not written yet, or not readable for us: later lines are still shown
            found, position = [], 0
        self._put(found)
        try:
            for lines in logfile.follow(self.path, position, self._stop):
                self._put(lines)
        except OSError as error:
            self._ui.say(_("The log cannot be read: {error}").format(error=error), error=True)


def levels() -> dict[str, str]:
    """The choices of the level filter: label and minimum level."""
    return {
        _("All levels"): LEVELS[0],
        _("Information"): LEVELS[1],
        _("Warnings and errors"): LEVELS[2],
        _("Errors only"): LEVELS[3],
    }


def _row_theme(level: str) -> Tag:
    tag = f"modelctl.log.{level}"
    if not dpg.does_item_exist(tag):
        rows = dpg.add_theme_component(dpg.mvInputText, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_color(dpg.mvThemeCol_Text, COLOURS[level], parent=rows)
        dpg.add_theme_color(dpg.mvThemeCol_FrameBg, (0, 0, 0, 0), parent=rows)
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 0, 1, parent=rows)
    return tag
