"""The toolbar: five buttons, and the daemon's state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg
from modeld.protocol.views import Snapshot

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.models.presenter import can_unload
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.language.catalogue import _


@dataclass(frozen=True)
class ToolbarActions:
    """The buttons' actions, in order."""

    refresh: Callable[[], None]
    download: Callable[[], None]
    benchmark: Callable[[], None]
    compare: Callable[[], None]
    unload_all: Callable[[], None]
    start: Callable[[], None]


class Toolbar:
    """Refresh, Download, Benchmark, Compare, Unload All; the daemon's state at the right."""

    def __init__(self, actions: ToolbarActions) -> None:
        self._actions = actions
        self._state_width = -1.0
        self._shown: tuple[str, bool] | None = None
        self._silent = False

    def build(self, parent: Tag) -> None:
        """Create the row."""
        self._row = dpg.add_group(parent=parent, horizontal=True, horizontal_spacing=8)
        self.buttons = [
            dpg.add_button(label=label, parent=self._row, callback=_call(action))
            for label, action in zip(labels(), self._all(), strict=True)
        ]
        dpg.bind_item_theme(self.buttons[1], theme.PRIMARY)
        dpg.bind_item_theme(self.buttons[4], theme.DANGER)
        self._gap = dpg.add_spacer(parent=self._row, width=1)
        self._dot = dpg.add_drawlist(parent=self._row, width=12, height=12)
        self._circle = dpg.draw_circle((6, 6), 5, parent=self._dot, fill=theme.PALETTE.faint, color=(0, 0, 0, 0))
        self._state = dpg.add_text(_("Looking for modeld…"), parent=self._row, color=theme.PALETTE.muted)
        self._start = dpg.add_button(
            label=_("Start modeld"), parent=self._row, show=False, callback=self._actions.start
        )
        dpg.bind_item_theme(self._start, theme.PRIMARY)

    def silence(self, silent: bool, snapshot: Snapshot | None) -> None:
        """Show that the daemon does not respond, or that it responds again."""
        self._silent = silent
        self.show(snapshot)

    def show(self, snapshot: Snapshot | None) -> None:
        """Show whether the daemon is reachable; without it only Refresh is enabled."""
        there = snapshot is not None
        for button in self.buttons[1:4]:
            dpg.configure_item(button, enabled=there)
        dpg.configure_item(self.buttons[4], enabled=can_unload(snapshot))
        text, colour = self._state_of(snapshot)
        if self._shown == (text, there):
            return
        self._shown = (text, there)
        dpg.set_value(self._state, text)
        dpg.configure_item(self._circle, fill=colour)
        dpg.configure_item(self._start, show=not there)

    def _state_of(self, snapshot: Snapshot | None) -> tuple[str, theme.Colour]:
        if snapshot is None:
            return _("modeld is not reachable"), theme.PALETTE.red
        if self._silent:
            return _("modeld does not respond"), theme.PALETTE.orange
        if snapshot.daemon.not_saving is not None:
            return _("modeld is not saving"), theme.PALETTE.orange
        return f"modeld {snapshot.daemon.version}", theme.PALETTE.green

    def starting(self, starting: bool) -> None:
        """Disable the start button while the daemon starts."""
        dpg.configure_item(self._start, enabled=not starting, label=_("Starting…") if starting else _("Start modeld"))

    def track(self) -> bool:
        """After a frame: keep the state at the right end; return whether it moved."""
        row_left = dpg.get_item_rect_min(self._row)[0]
        parent = dpg.get_item_parent(self._row)
        if parent is None or not dpg.is_item_visible(self._row):
            return False
        last_button = self.buttons[-1]
        used = dpg.get_item_rect_min(last_button)[0] + dpg.get_item_rect_size(last_button)[0] - row_left
        available = dpg.get_item_rect_size(parent)[0]
        words = 8 + text_metrics.size(dpg.get_value(self._state))[0]
        button = 8 + dpg.get_item_rect_size(self._start)[0] if dpg.is_item_shown(self._start) else 0
        left = available - used - 16 - 12 - button
        dpg.configure_item(self._state, show=left >= words)  # in a narrow window, the dot and the button show it
        room = max(1, int(left - words if left >= words else left))
        if room == self._state_width:
            return False
        self._state_width = room
        height = dpg.get_item_rect_size(last_button)[1]
        dpg.configure_item(self._dot, height=int(height))
        dpg.configure_item(self._circle, center=(6, height / 2))
        dpg.configure_item(self._gap, width=room)
        return True

    def _all(self) -> Sequence[Callable[[], None]]:
        actions = self._actions
        return (actions.refresh, actions.download, actions.benchmark, actions.compare, actions.unload_all)


def labels() -> list[str]:
    """The labels of the five buttons, in order."""
    return [
        _("🔄 Refresh"),
        _("📥 Download"),
        _("⚡ Benchmark"),
        _("🔍 Compare"),
        _("🔴 Unload All"),
    ]


def _call(action: Callable[[], None]) -> Callable[[], None]:
    """A callback that ignores the arguments DearPyGui passes."""
    return lambda: action()
