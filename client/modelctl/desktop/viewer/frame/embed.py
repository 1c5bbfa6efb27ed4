"""The panel inside another program's DearPyGui window or tab: the host owns context, viewport, fonts and loop.

What makes this safe is knowing when the host has taken the panel away, by deleting its item or by destroying the whole
context, after which any call into DearPyGui ends the process. DearPyGui itself tells: it lets go of an item's user data
when the item dies, in either way, and a finalizer on that sees it.
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
"""The height of the tab's letters: a host's font rarely has the sign, but gives the tab its size, so ours is small."""


class ExtendedModelManagerUI:
    """The panel under the name that JarvisCore's documentation gives it; shows the daemon of this user.

    Makes no connection and no item before ``build_ui``. No method raises or waits because the daemon is away. Several
    of them may be in one program, and ``build_ui`` may be called again. (DearPyGui 2.3 itself does not survive a second
    context in one process.)
    """

    def __init__(self, jarvis_instance: object | None = None) -> None:
        self.jarvis = jarvis_instance
        self._client: Client | None = None
        self._view: _EmbeddedPanel | None = None

    def build_ui(self, parent_tag: Tag) -> None:
        """Put the panel into a window, tab, child window or group; an earlier one of this object is taken away."""
        self.close()
        if self._client is None:
            self._client = Client()
        _prepare(self._client)
        self._view = _EmbeddedPanel(self._client, parent_tag)

    def close(self) -> None:
        """Take the panel away and stop following the daemon; needless after the host deleted it, and harmless."""
        view, self._view = self._view, None
        if view is not None:
            view.close()


def add_tab(tab_bar_tag: Tag, jarvis_instance: object | None = None) -> ExtendedModelManagerUI:
    """Add the tab ``🧠 Models`` to a host's tab bar, with the panel in it."""
    embedded = ExtendedModelManagerUI(jarvis_instance)
    tab = dpg.add_tab(label=TAB, parent=tab_bar_tag)
    embedded.build_ui(tab)
    dpg.bind_item_font(tab, _tab_font())
    return embedded


class _Anchor:
    """Held by nothing but DearPyGui, as the user data of the panel's item: it dies with it."""


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
        self._following = Following(client.transport, self._drawing, self._panel.show, self._panel.on_event)
        # The finalizer must not call DearPyGui, which is in the middle of deleting the item.
        weakref.finalize(anchor, self.end).atexit = False
        del anchor
        self._panel.build(self._root)
        self._following.start()
        _views.add(self)

    def close(self) -> None:
        """Delete the items, unless the host has deleted them or its whole context already."""
        if self._drawing.stopped:
            return
        self._panel.close()
        dpg.delete_item(self._root)
        self._drawing.delete()

    def end(self) -> None:
        """The item is deleted or the program ends: run no more actions and stop following."""
        self._drawing.stop()
        self._following.stop()

    def _clean_up(self) -> None:
        """In a frame after the host deleted the item: delete what is left of the panel."""
        self._panel.close()
        self._drawing.delete()


_views: "weakref.WeakSet[_EmbeddedPanel]" = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """The interpreter ends, and the host may have kept its context: none of our threads may use it any more."""
    for view in list(_views):
        view.end()


def _prepare(client: Client) -> None:
    """Language, fonts and themes, made once in each context."""
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
    """Draw every common letter invisibly in the host's first frames, before the panel uses any.

    Dear ImGui makes a letter's picture when the letter is first drawn or measured. If the callbacks' thread measured a
    new letter while the host's thread uploads pictures to the graphics card, the letter would stay invisible.
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
    """The letters have been drawn."""
    if dpg.does_item_exist(LETTERS_WINDOW):
        dpg.delete_item(LETTERS_WINDOW)


def _tab_font() -> Tag:
    tag = "modelctl.embed.tab"
    if not dpg.does_item_exist(tag):
        dpg.add_font(str(fonts.REGULAR), TAB_PX, parent=dpg.add_font_registry(), tag=tag)
    return tag


def _ground() -> Tag:
    """The panel's own ground: its texts are made for it, whatever the host's is."""
    tag = "modelctl.embed.ground"
    if not dpg.does_item_exist(tag):
        windows = dpg.add_theme_component(dpg.mvChildWindow, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_color(dpg.mvThemeCol_ChildBg, theme.PALETTE.ground, parent=windows)
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 12, 12, parent=windows)
    return tag
