"""When a frame is drawn: in a window of our own only after something changed, in a host's window as the host draws.

Both have ``post``; what is posted, and DearPyGui's callbacks, run on the one thread that draws.
"""

import time

import dearpygui.dearpygui as dpg

from modelctl.viewer import glfw
from modelctl.viewer.pane import Tag
from modelctl.viewer.posts import Action, Posts

FRAME_S = 1 / 60
"""No more than 60 frames a second, however fast the input comes."""

AFTER_INPUT = 4
"""Frames until Dear ImGui has settled: hover, focus and sizes follow one or two frames behind the input."""

AFTER_DATA = 2
"""Frames until new texts have their sizes."""

IDLE_S = 1.0
"""The longest sleep; whoever shows what no event tells (an age, a file that grows) gets its turn then."""

FAST_S, SLOW_S, FAST_FOR_S = 0.03, 0.2, 0.5
"""Where the library cannot wait for input: how often it is looked for, soon after input and later."""


class WindowLoop:
    """The loop of our own window; make it after the context, run it after the viewport is shown."""

    def __init__(self) -> None:
        dpg.configure_app(manual_callback_management=True)
        self._glfw = glfw.find()
        self._posts = Posts(self._glfw.wake if self._glfw is not None else lambda: None)
        self._animated_until = 0.0
        self._busy_until = 0.0
        self._mouse: list[float] = []
        self.frames = 0

    def post(self, action: Action) -> None:
        """Run ``action`` on the drawing thread before the next frame, and draw it; from any thread."""
        self._posts.post(action)

    def animate(self, seconds: float) -> None:
        """Draw steadily for so long: something moves."""
        self._animated_until = max(self._animated_until, time.monotonic() + seconds)

    def run(self, each_wake: Action = lambda: None) -> None:
        """Draw until the window is closed; ``each_wake`` runs before every sleep, at least once a second."""
        left = AFTER_INPUT
        while dpg.is_dearpygui_running():
            began = time.monotonic()
            left = max(left - 1, self._work())
            dpg.render_dearpygui_frame()
            self.frames += 1
            if left > 0 or began < self._animated_until:
                time.sleep(max(0.0, FRAME_S - (time.monotonic() - began)))
                continue
            each_wake()
            left = self._sleep()
        self._posts.close()

    def _work(self) -> int:
        """Callbacks and posts; the frames that they ask for."""
        jobs = dpg.get_callback_queue()
        if jobs:
            dpg.run_callbacks(jobs)
        posted = self._posts.drain()
        return AFTER_INPUT if jobs else AFTER_DATA if posted else 0

    def _sleep(self) -> int:
        """Wait for something to draw; the frames to draw for it."""
        if self._posts.arrived.is_set():
            return AFTER_DATA
        if self._glfw is not None:
            self._glfw.wait(IDLE_S)
            # Woken by a post: that asks for its own frames. Else by input, or by the end of the wait.
            return 1 if self._posts.arrived.is_set() else AFTER_INPUT
        return self._look()

    def _look(self) -> int:
        """Without a wait for input: a frame now and then shows whether there was any."""
        now = time.monotonic()
        mouse = [*dpg.get_mouse_pos(local=False)]
        if mouse != self._mouse or self._posts.arrived.is_set():
            self._mouse, self._busy_until = mouse, now + FAST_FOR_S
        self._posts.arrived.wait(FAST_S if now < self._busy_until else SLOW_S)
        return 1


class HostLoop:
    """``post`` inside another program's window: drained as often as the host draws, on its callbacks' thread.

    A speck of a window is drawn in every frame and its handler does the work; it is there whatever tab is open, and no
    call into DearPyGui is made from a foreign thread. Make it where the host makes its items.
    """

    def __init__(self) -> None:
        self._posts = Posts(glfw.waker())
        with dpg.item_handler_registry() as self._handlers:
            dpg.add_item_visible_handler(callback=self._drain)
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
        ) as self._speck:
            drawn: Tag = dpg.add_drawlist(width=1, height=1)
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvWindowAppItem):
            for style in (dpg.mvStyleVar_WindowPadding, dpg.mvStyleVar_WindowMinSize):
                dpg.add_theme_style(style, 0, 0)
            dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 0)
        dpg.bind_item_theme(self._speck, self._theme)
        dpg.bind_item_handler_registry(drawn, self._handlers)

    def post(self, action: Action) -> None:
        """Run ``action`` with the host's callbacks, soon; from any thread."""
        self._posts.post(action)

    def animate(self, seconds: float) -> None:
        """A host draws as it likes."""

    def close(self) -> None:
        """Drop what waits and take the items away; the host's context still exists."""
        self._posts.close()
        for item in (self._speck, self._handlers, self._theme):
            if dpg.does_item_exist(item):
                dpg.delete_item(item)

    def _drain(self) -> None:
        self._posts.drain()
