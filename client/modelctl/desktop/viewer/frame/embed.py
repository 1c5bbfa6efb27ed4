"""The panel inside another program's DearPyGui window or tab: the host owns context, viewport, fonts and loop.

The host may delete the panel's item or destroy the whole context at any time. After that, any call into DearPyGui ends
the process. DearPyGui releases an item's user data in both cases, so a finalizer on the user data detects it.
"""

import atexit
import logging
import os
import weakref

import dearpygui.dearpygui as dpg

from modelctl import preferences
from modelctl.client import Client
from modelctl.desktop.viewer.frame.following import Following
from modelctl.desktop.viewer.frame.host_window import HostWindow
from modelctl.desktop.viewer.frame.panel import Panel
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.style import fonts, text_metrics, theme
from modelctl.language import catalogue, preference

LETTERS = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x180)))) + (
    "–—‘’“”„•…←↑→↓▲▼█░⚠⚡✅❌✓✗⏱🎮🏆💬💾📁📊📝📥🔄🔍🔴🔵🖥🟢🧠🧮"
)
LETTERS_FRAMES = 3
LETTERS_WINDOW = "modelctl.embed.letters"

log = logging.getLogger(__name__)

TAB = "🧠 Models"
TAB_PX = 13
"""The font size of the tab's title in our font: a host's font rarely has the emoji, but it sets the tab's size."""


class ExtendedModelManagerUI:
    """The panel under the name in JarvisCore's documentation; it shows the daemon of this user.

    Creates no connection and no item before ``build_ui``. No method raises or blocks because the daemon is not
    reachable. A program may have several of them, and may call ``build_ui`` again. (DearPyGui 2.3 itself does not
    survive a second context in one process.)
    """

    def __init__(self, jarvis_instance: object | None = None) -> None:
        self.jarvis = jarvis_instance
        self._client: Client | None = None
        self._view: _EmbeddedPanel | None = None

    def build_ui(self, parent_tag: Tag) -> None:
        """Build the panel inside a window, tab, child window or group; removes this object's earlier panel."""
        self.close()
        if self._client is None:
            self._client = Client()
        _prepare(self._client)
        self._view = _EmbeddedPanel(self._client, parent_tag)

    def close(self) -> None:
        """Remove the panel and stop following the daemon; not needed after the host deleted it, but harmless."""
        view, self._view = self._view, None
        if view is not None:
            view.close()


def add_tab(tab_bar_tag: Tag, jarvis_instance: object | None = None) -> ExtendedModelManagerUI:
    """Add the tab ``🧠 Models``, containing the panel, to a host's tab bar."""
    embedded = ExtendedModelManagerUI(jarvis_instance)
    tab = dpg.add_tab(label=TAB, parent=tab_bar_tag)
    embedded.build_ui(tab)
    dpg.bind_item_font(tab, _tab_font())
    return embedded


class _Anchor:
    """The user data of the panel's item; only DearPyGui refers to it, so it is finalized when the item is deleted."""


class _EmbeddedPanel:
    """One panel in one place, until it is closed or the host deletes it."""

    def __init__(self, client: Client, parent: Tag) -> None:
        anchor = _Anchor()
        self._root: Tag = dpg.add_child_window(
            parent=parent, user_data=anchor, border=False, always_use_window_padding=True, no_scrollbar=True
        )
        dpg.bind_item_theme(self._root, _ground())
        self._drawing = HostWindow(LETTERS_FRAMES, self._clean_up)
        self._drawing.post(_delete_letters)
        self._panel = Panel(Ui(client, self._drawing))
        self._following = Following(
            client.transport, self._drawing, self._panel.show, self._panel.on_event, self._panel.silence
        )
        # The finalizer must not call DearPyGui, which is just deleting the item.
        weakref.finalize(anchor, self.end).atexit = False
        del anchor
        self._panel.build(self._root)
        self._following.start()
        _views.add(self)

    def close(self) -> None:
        """Delete the items, unless the host has already deleted them or its whole context."""
        if self._drawing.stopped:
            return
        self._panel.close()
        dpg.delete_item(self._root)
        self._drawing.delete()

    def end(self) -> None:
        """The item is deleted or the program ends: run no further actions and stop following."""
        self._drawing.stop()
        self._following.stop()

    def _clean_up(self) -> None:
        """Runs in a frame after the host deleted the item: delete the rest of the panel."""
        self._panel.close()
        self._drawing.delete()


_views: "weakref.WeakSet[_EmbeddedPanel]" = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """The interpreter exits, and the host may have kept its context: our threads must not use it any more."""
    for view in list(_views):
        view.end()


def _prepare(client: Client) -> None:
    """Set the language, and create fonts and themes, once per context."""
    if dpg.does_item_exist(theme.GLOBAL):
        return
    try:
        wanted = preferences.read(client.transport.places)
    except preferences.PreferencesError as error:
        log.warning("%s", error)
        wanted = preferences.Preferences()
    catalogue.use(preference.chosen(os.environ, wanted.language))
    scale = wanted.scale or 1.0
    theme.make(scale)
    text_metrics.adopt(fonts.load(scale))
    _draw_letters()


def _draw_letters() -> None:
    """Draw every common character invisibly in the host's first frames, before the panel uses any.

    Dear ImGui rasterizes a character when it is first drawn or measured. If the callbacks' thread measured a new
    character while the host's thread uploads textures to the graphics card, the character would stay invisible.
    """
    window = dpg.add_window(
        tag=LETTERS_WINDOW,
        no_title_bar=True,
        no_background=True,
        no_focus_on_appearing=True,
        no_resize=True,
        no_move=True,
        no_scrollbar=True,
        no_saved_settings=True,
        width=1,
        height=1,
        pos=(0, 0),
    )
    for font in (text_metrics.REGULAR, text_metrics.BOLD, text_metrics.LARGE, text_metrics.MONO):
        dpg.bind_item_font(dpg.add_text(LETTERS, parent=window, color=(0, 0, 0, 0)), font)


def _delete_letters() -> None:
    """Delete the items once the characters have been drawn."""
    if dpg.does_item_exist(LETTERS_WINDOW):
        dpg.delete_item(LETTERS_WINDOW)


def _tab_font() -> Tag:
    tag = "modelctl.embed.tab"
    if not dpg.does_item_exist(tag):
        dpg.add_font(str(fonts.REGULAR), TAB_PX, parent=dpg.add_font_registry(), tag=tag)
    return tag


def _ground() -> Tag:
    """The panel's own background: its colours are designed for it, whatever the host's background is."""
    tag = "modelctl.embed.ground"
    if not dpg.does_item_exist(tag):
        windows = dpg.add_theme_component(dpg.mvChildWindow, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_color(dpg.mvThemeCol_ChildBg, theme.PALETTE.ground, parent=windows)
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 12, 12, parent=windows)
    return tag
