"""The whole panel: toolbar, tabs, dialogs and the message bar; the same in our window and in a host's."""

import threading

import dearpygui.dearpygui as dpg
from modeld.protocol import replies
from modeld.protocol.errors import Failure
from modeld.protocol.events import AnyEvent, ContextFull, ContextRefused, DaemonStopping, InternalError, ModelChanged
from modeld.protocol.views import Snapshot

from modelctl import starting
from modelctl.desktop.viewer.benchmarks.comparison import ComparisonWindow
from modelctl.desktop.viewer.benchmarks.dialog import BenchmarkDialog
from modelctl.desktop.viewer.chat.tab import ChatTab
from modelctl.desktop.viewer.downloads.dialog import DownloadDialog
from modelctl.desktop.viewer.downloads.progress_windows import ProgressWindows
from modelctl.desktop.viewer.downloads.tab import DownloadsTab
from modelctl.desktop.viewer.frame.message_bar import MessageBar
from modelctl.desktop.viewer.frame.tab import Tab, Tag
from modelctl.desktop.viewer.frame.toolbar import Toolbar, ToolbarActions
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.history.tab import HistoryTab
from modelctl.desktop.viewer.log.tab import LogTab
from modelctl.desktop.viewer.models import presenter
from modelctl.desktop.viewer.models.card_actions import CardActions
from modelctl.desktop.viewer.models.card_list import CardList
from modelctl.desktop.viewer.models.empty_state import EmptyState
from modelctl.desktop.viewer.monitor.tab import MonitorTab
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.errors import ModeldError, advice, explained
from modelctl.language.catalogue import _
from modelctl.language.printable import printable
from modelctl.language.sentences import of_note, of_notes

SAID_FOR_S = 6.0
"""How long a message stays if it is not a failure."""


class Panel:
    """Built once into a parent; ``show`` and ``on_event`` pass it the daemon's changes."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._snapshot: Snapshot | None = None
        self._message_bar_height = -1
        self._message_bar = MessageBar()
        ui.on_say = self._say
        self._transfers = ProgressWindows(ui)
        self._downloads = DownloadDialog(ui, self._transfers.open)
        self._benchmarks = BenchmarkDialog(ui)
        self._comparison = ComparisonWindow(ui)
        self._actions = CardActions(ui, self._chat, self._transfers.open)
        self._cards = CardList(ui, self._actions, EmptyState(self.start, self._open_downloads))
        self._chat_tab = ChatTab(ui)
        self._log = LogTab(ui)
        self._monitor = MonitorTab(ui)
        self._tabs: list[Tab] = [
            self._cards,
            DownloadsTab(ui),
            HistoryTab(ui),
            self._monitor,
            self._log,
            self._chat_tab,
        ]
        self._tab_items: list[Tag] = []
        self._toolbar = Toolbar(
            ToolbarActions(
                refresh=self.refresh,
                download=self._open_downloads,
                benchmark=lambda: self._benchmarks.open(self._snapshot),
                compare=lambda: self._comparison.open(self._snapshot),
                unload_all=self._unload_all,
                start=self.start,
            )
        )

    def build(self, parent: Tag) -> None:
        """Create everything, once, inside ``parent``, which the panel fills."""
        self._root = dpg.add_child_window(parent=parent, border=False, width=-1, height=-1, no_scrollbar=True)
        dpg.bind_item_theme(self._root, theme.GLOBAL)
        text_metrics.bind(self._root, text_metrics.REGULAR)
        top = dpg.add_child_window(parent=self._root, border=False, width=-1, auto_resize_y=True)
        self._toolbar.build(top)
        self._body = dpg.add_child_window(parent=self._root, border=False, width=-1, height=-1, no_scrollbar=True)
        self._message_bar.build(self._root)
        self._tab_bar = dpg.add_tab_bar(parent=self._body)
        for title, tab in zip(tab_titles(), self._tabs, strict=True):
            item = dpg.add_tab(label=title, parent=self._tab_bar)
            self._tab_items.append(item)
            inside = dpg.add_child_window(parent=item, border=False, width=-1, height=-1)
            tab.build(inside)
        self._monitor_tab = self._tab_items[self._tabs.index(self._monitor)]
        self._ui.drawing.each_frame(self._track)

    def show(self, snapshot: Snapshot | None) -> bool:
        """Update everything to ``snapshot``; None: the daemon is not reachable. Returns whether to draw."""
        before, self._snapshot = self._snapshot, snapshot
        if only_the_machine(before, snapshot):
            self._monitor.show(snapshot)
            return bool(dpg.get_value(self._tab_bar) == self._monitor_tab)
        if before is None and snapshot is not None:
            self._forget(_stopping())
        self._warn_of_saving(before, snapshot)
        self._toolbar.show(snapshot)
        for tab in self._tabs:
            tab.show(snapshot)
        for window in (self._downloads, self._transfers, self._benchmarks, self._comparison):
            window.show(snapshot)
        return True

    def silence(self, silent: bool) -> None:
        """Mark what is shown as out of date while the daemon does not respond, or as current again."""
        snapshot = self._snapshot
        self._toolbar.silence(silent, snapshot)
        text = _("modeld does not respond. What is shown may be out of date.")
        if silent:
            self._say(text, True)
        else:
            self._forget(text)

    def on_event(self, event: AnyEvent) -> None:
        """Pass on an event that snapshots do not show, and show the user a message about it."""
        for tab in self._tabs:
            tab.on_event(event)
        text = message_for(event)
        if text:
            self._ui.say(text)

    def refresh(self) -> None:
        """Read everything from the daemon again."""

        def arrived(snapshot: Snapshot) -> None:
            known = self._snapshot
            if known is None or snapshot.epoch != known.epoch or snapshot.seq >= known.seq:
                self.show(snapshot)
            self._ui.say(_("Up to date: {summary}").format(summary=presenter.summary(snapshot)))

        self._ui.ask(lambda client: client.snapshot(), arrived)

    def start(self) -> None:
        """Start the daemon."""

        def failed(error: ModeldError) -> None:
            self._toolbar.starting(False)
            self._ui.complain(error)

        self._toolbar.starting(True)
        self._ui.ask(starting.start, lambda _pong: self._toolbar.starting(False), failed)

    def focus_filter(self) -> None:
        """Open the models tab and focus its filter."""
        self.open_tab(0)
        self._cards.focus_filter()

    def open_tab(self, number: int) -> None:
        """Open the tab with this number."""
        dpg.set_value(self._tab_bar, self._tab_items[number])

    def dismiss(self) -> None:
        """Close the topmost item: a menu or question, else a dialog, else the message bar."""
        if self._actions.close():
            return
        self._close_dialogs()
        self._message_bar.dismiss()

    def close(self) -> None:
        """Stop what runs independently, and remove the windows; the other items are deleted with their parent.

        On the drawing thread, while the context exists.
        """
        self._log.close()
        self._chat_tab.close()
        self._actions.close()
        self._transfers.close()
        self._close_dialogs()

    def _close_dialogs(self) -> None:
        for dialog in (self._downloads, self._benchmarks, self._comparison):
            dialog.close()

    def _chat(self, key: str) -> None:
        self._chat_tab.choose(key)
        self.open_tab(len(self._tab_items) - 1)

    def _open_downloads(self) -> None:
        self._downloads.open(self._snapshot)

    def _unload_all(self) -> None:
        def done(answer: replies.Result) -> None:
            note = of_notes(answer.notes, answer.note) if isinstance(answer, replies.Done) else ""
            self._ui.say(note or _("All models are being unloaded."))

        self._ui.ask(lambda client: client.unload(wait=False), done)

    def _warn_of_saving(self, before: Snapshot | None, now: Snapshot | None) -> None:
        """A message while the daemon cannot save changes."""
        was = before.daemon.not_saving if before is not None else None
        why = now.daemon.not_saving if now is not None else None
        if was is not None and why != was:
            self._forget(_not_saving(was))
        if why is not None and why != was:
            self._say(_not_saving(why), True)

    def _say(self, text: str, error: bool) -> None:
        self._message_bar.say(text, error)
        if not error:
            timer = threading.Timer(SAID_FOR_S, lambda: self._ui.post(lambda: self._forget(text)))
            timer.daemon = True
            timer.start()

    def _forget(self, text: str) -> None:
        if self._message_bar.text == printable(text):
            self._message_bar.dismiss()

    def _track(self) -> bool:
        """After a frame: make room for the message bar, keep the toolbar's right end at the right."""
        moved = self._toolbar.track()
        height = self._message_bar.height()
        if height == self._message_bar_height:
            return moved
        self._message_bar_height = height
        dpg.configure_item(self._body, height=-(height + 12) if height else -1)
        return True


def tab_titles() -> list[str]:
    """The tabs' titles in order."""
    return [_("Models"), _("Downloads"), _("History"), _("System"), _("Log"), _("Chat")]


def only_the_machine(before: Snapshot | None, now: Snapshot | None) -> bool:
    """Whether only the machine's memory and CPU figures changed: they change each second, and one tab shows them."""
    if before is None or now is None:
        return False
    return before.models is now.models and before.jobs is now.jobs and before.daemon is now.daemon


def message_for(event: AnyEvent) -> str:
    """The message for an event that the user should know about; empty for other events."""
    match event:
        case ContextRefused(model=key, prompt_tokens=tokens, size=size):
            text = _("{key}: the prompt has {tokens} tokens, the context {size}. It was refused, not truncated.")
            return text.format(key=key.upper(), tokens=tokens, size=size)
        case ContextFull(model=key, size=size):
            text = _("{key}: the context of {size} tokens is full; the answer ended there.")
            return text.format(key=key.upper(), size=size)
        case DaemonStopping():
            return _stopping()
        case InternalError(error=error):
            return _("A bug in modeld: {error}. The log has the details; everything else goes on.").format(error=error)
        case ModelChanged(model=model, reason=reason, cause=cause):
            why = of_note(cause) if cause is not None else reason
            return f"{model.key.upper()}: {why}" if why else ""
        case _:
            return ""


def _not_saving(why: Failure) -> str:
    return "\n".join(filter(None, (explained(why), advice(why))))


def _stopping() -> str:
    return _("modeld is stopping.")
