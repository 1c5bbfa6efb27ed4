"""The drawing thread inside another program's window: actions run whenever the host draws.

A one-pixel window is drawn in every frame, whichever tab is open. Its handler runs the actions, on the thread that runs
the host's DearPyGui callbacks.
"""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame import glfw
from modelctl.desktop.viewer.frame.drawing_thread import Action, DrawingThread
from modelctl.desktop.viewer.frame.tab import Tag


class HostWindow(DrawingThread):
    """Runs nothing before the host has drawn ``wait_frames`` frames, and nothing after the host has removed the panel.

    The host may delete our items at any moment, from any thread. ``stop`` is called then, and ``on_stopped`` in the
    next frame, if there is one. Create it where the host creates its items.
    """

    def __init__(self, wait_frames: int, on_stopped: Callable[[], None]) -> None:
        super().__init__(glfw.waker())
        self._wait_frames, self._on_stopped = wait_frames, on_stopped
        self._first_frame = -1
        with dpg.item_handler_registry() as self._handlers:
            dpg.add_item_visible_handler(callback=self._drawn)
        with dpg.window(
            no_title_bar=True,
            no_background=True,
            no_move=True,
            no_resize=True,
            no_scrollbar=True,
            no_focus_on_appearing=True,
            no_bring_to_front_on_focus=True,
            no_saved_settings=True,
            no_close=True,
            min_size=(1, 1),
            width=1,
            height=1,
            pos=(0, 0),
        ) as self._pixel:
            drawn: Tag = dpg.add_drawlist(width=1, height=1)
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvWindowAppItem):
            for style in (dpg.mvStyleVar_WindowPadding, dpg.mvStyleVar_WindowMinSize):
                dpg.add_theme_style(style, 0, 0)
            dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 0)
        dpg.bind_item_theme(self._pixel, self._theme)
        dpg.bind_item_handler_registry(drawn, self._handlers)

    def run_one(self, action: Action) -> object:
        """Run an action or a hook, unless the host has removed the panel."""
        # A host that is about to destroy its context has stopped running before that.
        if self.stopped or not dpg.is_dearpygui_running():
            return False
        try:
            return action()
        except SystemError:  # an item did not exist
            if not self.stopped:
                raise
            return False

    def delete(self) -> None:
        """Stop, and delete this object's items; the host's context must still exist."""
        self.stop()
        for item in (self._pixel, self._handlers, self._theme):
            if dpg.does_item_exist(item):
                dpg.delete_item(item)

    def _drawn(self) -> None:
        """Called when the host has drawn a frame."""
        if self.stopped:
            self._on_stopped()
        elif self._ready():
            self.drain()
            self.after_frame()

    def _ready(self) -> bool:
        if not dpg.is_dearpygui_running():
            return False
        now: int = dpg.get_frame_count()
        if self._first_frame < 0:
            self._first_frame = now
        return now >= self._first_frame + self._wait_frames
