"""The panel inside another program's DearPyGui window or tab: the host owns context, viewport, fonts and loop.

What makes this safe is knowing when the host has taken the panel away, by deleting its item or by destroying the whole
context, after which any call into DearPyGui ends the process. DearPyGui itself tells: it lets go of an item's user data
when the item dies, in either way, and a finalizer on that sees it.
"""

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl import preferences
from modelctl.client import Client
from modelctl.desktop.viewer.frame.following import Following
from modelctl.desktop.viewer.frame.loop import HostLoop
from modelctl.desktop.viewer.frame.pane import Tag
from modelctl.desktop.viewer.frame.panel import Panel
from modelctl.desktop.viewer.frame.ui import ViewerUi
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
        self._view: _View | None = None

    def build_ui(self, parent_tag: Tag) -> None:
        """Put the panel into a window, tab, child window or group; an earlier one of this object is taken away."""
        self.close()
        if self._client is None:
            self._client = Client()
        _prepare(self._client)
        self._view = _View(self._client, parent_tag)

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


class _View:
    """One panel in one place, from its making until it is closed or the host takes it away."""

    def __init__(self, client: Client, parent: Tag) -> None:
        self._gone = threading.Event()
        anchor = _Anchor()
        self._root: Tag = dpg.add_child_window(
            parent=parent, user_data=anchor, border=False, always_use_window_padding=True, no_scrollbar=True
        )
        dpg.bind_item_theme(self._root, _ground())
        self._host = HostLoop()
        self._host.each_frame(self._tidy)
        ui = ViewerUi(client, _Guarded(self._host, self._gone))
        self._panel = Panel(ui)
        self._following = Following(client.link, ui.post, self._panel.show, self._panel.heard)
        # No call into DearPyGui may be made in there: it is in the middle of deleting.
        weakref.finalize(anchor, self._end).atexit = False
        del anchor
        self._panel.build(self._root)
        self._following.start()
        _views.add(self)

    def close(self) -> None:
        """Take the items away, unless they are gone, with the context perhaps."""
        if self._gone.is_set():
            return
        self._panel.close()
        dpg.delete_item(self._root)
        self._host.close()

    def _end(self) -> None:
        """The item is gone or the program ends: nothing more is posted and nothing posted is run."""
        self._gone.set()
        self._following.stop()

    def _tidy(self) -> bool:
        """In a frame after the host deleted the item: what is left of the panel goes too."""
        if self._gone.is_set():
            self._panel.close()
            self._host.close()
        return False


class _Guarded:
    """The host's loop for a panel that the host may delete at any moment, from another thread."""

    def __init__(self, host: HostLoop, gone: threading.Event) -> None:
        self._host, self._gone = host, gone
        self._ready_at = -1

    def post(self, action: Callable[[], object]) -> None:
        """Run ``action`` with the host's callbacks while the panel is there."""

        def guarded() -> None:
            if self._ready():
                self._unless_gone(action)
            else:
                self._host.post(guarded)

        if not self._gone.is_set():
            self._host.post(guarded)

    def animate(self, seconds: float) -> None:
        """A host draws as it likes."""

    def each_frame(self, hook: Callable[[], bool]) -> None:
        """Call ``hook`` about once a frame while the panel is there."""
        self._host.each_frame(lambda: self._ready() and bool(self._unless_gone(hook)))

    def _ready(self) -> bool:
        """Whether the letters have been drawn once (see ``_draw_letters``)."""
        if self._gone.is_set() or not dpg.is_dearpygui_running():
            return False
        if self._ready_at < 0:
            self._ready_at = dpg.get_frame_count() + LETTERS_FRAMES
        if dpg.get_frame_count() < self._ready_at:
            return False
        if dpg.does_item_exist(LETTERS_WINDOW):
            dpg.delete_item(LETTERS_WINDOW)
        return True

    def _unless_gone(self, action: Callable[[], object]) -> object:
        # A host that is about to destroy its context has stopped before; then nothing is begun any more.
        if self._gone.is_set() or not dpg.is_dearpygui_running():
            return None
        try:
            return action()
        except SystemError:  # an item was not there
            if not self._gone.is_set():
                raise
            return None


_views: "weakref.WeakSet[_View]" = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """The interpreter ends, and the host may have kept its context: no thread of ours may touch it any more."""
    for view in list(_views):
        view._end()


def _prepare(client: Client) -> None:
    """Language, fonts and themes, made once in each context."""
    if dpg.does_item_exist(theme.GLOBAL):
        return
    try:
        wanted = preferences.read(client.link.places)
    except preferences.PreferencesError as error:
        log.warning("%s", error)
        wanted = preferences.Preferences()
    catalogue.use(preference.chosen(os.environ, wanted.language))
    scale = wanted.scale or 1.0
    theme.make(scale)
    text_metrics.adopt(fonts.load(scale))
    _draw_letters()


def _draw_letters() -> None:
    """Have every letter that is common here drawn in the host's first frame, unseen.

    Dear ImGui makes a letter's picture when it is first drawn or measured. Measured by the callbacks' thread while the
    host's thread hands pictures to the graphics card, it would be missing from then on.
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
