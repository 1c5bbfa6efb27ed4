"""The empty state of the models tab: why there is nothing to show, and what to do."""

from collections.abc import Callable
from enum import Enum, auto

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style import text_metrics, theme
from modelctl.language.catalogue import _


class EmptyReason(Enum):
    """Why the list is empty, or has no model to run."""

    PENDING = auto()
    AWAY = auto()
    NO_MODELS = auto()
    NOTHING_ON_DISK = auto()
    NO_MATCH = auto()


class EmptyState:
    """A title, a sentence and a button, in place of the list or above it."""

    def __init__(self, on_start: Callable[[], None], on_download: Callable[[], None]) -> None:
        self._on_start, self._on_download = on_start, on_download
        self._on_clear: Callable[[], None] = lambda: None
        self._reason: EmptyReason | None = None

    def build(self, parent: Tag, on_clear: Callable[[], None]) -> None:
        """Create the items; ``on_clear`` clears the filter."""
        self._on_clear = on_clear
        self._item = dpg.add_child_window(parent=parent, auto_resize_y=True, width=-1, border=True)
        dpg.bind_item_theme(self._item, theme.CARD)
        self._title = dpg.add_text(parent=self._item)
        text_metrics.bind(self._title, text_metrics.LARGE)
        self._text = dpg.add_text(parent=self._item, wrap=0, color=theme.PALETTE.muted)
        dpg.add_spacer(parent=self._item, height=6)
        self._button = dpg.add_button(parent=self._item, callback=self._pressed)
        dpg.bind_item_theme(self._button, theme.PRIMARY)
        self.show(EmptyReason.PENDING)

    def show(self, reason: EmptyReason | None) -> None:
        """Show the reason; None hides it."""
        self._reason = reason
        dpg.configure_item(self._item, show=reason is not None)
        if reason is None:
            return
        title, text, button = words(reason)
        dpg.set_value(self._title, title)
        dpg.set_value(self._text, text)
        dpg.configure_item(self._button, label=button, show=bool(button))

    def _pressed(self) -> None:
        match self._reason:
            case EmptyReason.AWAY:
                self._on_start()
            case EmptyReason.NO_MATCH:
                self._on_clear()
            case _:
                self._on_download()


def words(reason: EmptyReason) -> tuple[str, str, str]:
    """Title, sentence and button label (empty: none)."""
    match reason:
        case EmptyReason.PENDING:
            return _("Looking for modeld…"), _("Its models are shown as soon as it answers."), ""
        case EmptyReason.AWAY:
            return (
                _("modeld is not reachable"),
                _("The daemon that manages the models is not running. This window shows them once it runs."),
                _("Start modeld"),
            )
        case EmptyReason.NO_MODELS:
            return (
                _("No models yet"),
                _("Add one in the download window, or in a terminal: modelctl add KEY SOURCE"),
                _("Download a model"),
            )
        case EmptyReason.NOTHING_ON_DISK:
            return (
                _("No model is on disk yet"),
                _("Download one to chat with it and measure it. A file that you have already: modelctl add KEY FILE"),
                _("Download a model"),
            )
        case EmptyReason.NO_MATCH:
            return _("No model matches"), _("The filter hides all models."), _("Clear the filter")
