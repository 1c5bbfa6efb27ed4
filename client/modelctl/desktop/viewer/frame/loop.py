"""When a frame is drawn: in a window of our own only after something changed, in a host's window as the host draws.

Both have ``post``; what is posted, and DearPyGui's callbacks, run on the one thread that draws.
"""

import logging
import time
from collections.abc import Callable

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame import glfw
from modelctl.desktop.viewer.frame.pane import Tag
from modelctl.desktop.viewer.frame.posts import Action, Posts

log = logging.getLogger(__name__)

FRAME_S = 1 / 60
"""No more than 60 frames a second, however fast the input comes."""

AFTER_INPUT = 4
"""Frames until Dear ImGui has settled: hover, focus and sizes follow one or two frames behind the input."""

SETTLE_S = 0.2
"""How long after new data, shown at once, a second frame is drawn: by then all sizes fit the new texts."""

IDLE_S = 1.0
"""The longest sleep, after which nothing is drawn; only the keyboard's focus is looked at."""

ANIMATION_S = 1 / 6
"""How often what moves by itself is drawn: a slow glow needs no more, and a frame may cost 25 ms without a GPU."""

EACH_FRAME = frozenset(f"mvAppItemType::mv{name}Handler" for name in ("Visible", "Hover", "Focus", "Active"))
"""Handlers that fire in every frame: they alone are no reason for another one."""

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
        self._hooks: list[Callable[[], bool]] = []
        self._stopped = self._unsettled = False
        self.frames = 0

    def post(self, action: Action) -> None:
        """Run ``action`` on the drawing thread before the next frame, and draw it; from any thread."""
        self._posts.post(action)

    def animate(self, seconds: float) -> None:
        """Draw steadily for so long: something moves; on the drawing thread."""
        self._animated_until = max(self._animated_until, time.monotonic() + seconds)

    def each_frame(self, hook: Callable[[], bool]) -> None:
        """Call ``hook`` after every frame; it says whether it changed something, which is then drawn."""
        self._hooks.append(hook)

    def run(self, each_wake: Action = lambda: None) -> None:
        """Draw until the window is closed; ``each_wake`` runs before every sleep, at least once a second."""
        left = AFTER_INPUT
        while dpg.is_dearpygui_running() and not self._stopped:
            left = max(left, self._work())
            if left > 0:
                left = self._frame(left - 1)
            else:
                each_wake()
                left = self._sleep()

    def stop(self) -> None:
        """End ``run``; also from a signal's handler."""
        self._stopped = True

    def close(self) -> None:
        """Take no more posts: after this nothing of ours touches DearPyGui."""
        self._posts.close()

    def _frame(self, left: int) -> int:
        """Draw one frame, at most as fast as the screen shows them; how many are left to draw."""
        began = time.monotonic()
        dpg.render_dearpygui_frame()
        self.frames += 1
        if _follow(self._hooks):
            left = max(left, 1)
        if left > 0:
            time.sleep(max(0.0, FRAME_S - (time.monotonic() - began)))
        return left

    def _work(self) -> int:
        """Callbacks and posts; the frames that they ask for."""
        jobs = dpg.get_callback_queue() or []
        acted = any(_is_news(job[1]) for job in jobs)
        dpg.run_callbacks(jobs)
        if acted:
            self._busy_until = time.monotonic() + FAST_FOR_S
        posted = self._posts.drain()
        self._unsettled = self._unsettled or posted
        return AFTER_INPUT if acted else int(posted)

    def _sleep(self) -> int:
        """Wait for something to draw; the frames to draw for it."""
        moving = time.monotonic() < self._animated_until
        if self._glfw is None:
            return self._look(moving)
        seconds = ANIMATION_S if moving else SETTLE_S if self._unsettled else IDLE_S
        began = time.monotonic()
        if not self._posts.arrived.is_set():
            self._glfw.wait(seconds)
        if self._posts.arrived.is_set():
            return 0  # what was posted asks for its own frame
        if time.monotonic() - began < 0.95 * seconds:
            return AFTER_INPUT
        settling, self._unsettled = self._unsettled, False
        return int(moving or settling)

    def _look(self, moving: bool) -> int:
        """Without a wait for input: a frame now and then shows whether there was any."""
        now = time.monotonic()
        mouse = [*dpg.get_mouse_pos(local=False)]
        if mouse != self._mouse or self._posts.arrived.is_set():
            self._mouse, self._busy_until = mouse, now + FAST_FOR_S
        self._posts.arrived.wait(FAST_S if moving or now < self._busy_until else SLOW_S)
        return 1


def _is_news(sender: Tag | None) -> bool:
    """Whether a callback tells of something that happened, not only that an item was drawn once more."""
    if not sender or not dpg.does_item_exist(sender):
        return True
    return dpg.get_item_info(sender)["type"] not in EACH_FRAME


class HostLoop:
    """``post`` inside another program's window: drained as often as the host draws, on its callbacks' thread.

    A speck of a window is drawn in every frame and its handler does the work; it is there whatever tab is open, and no
    call into DearPyGui is made from a foreign thread. Make it where the host makes its items.
    """

    def __init__(self) -> None:
        self._posts = Posts(glfw.waker())
        self._hooks: list[Callable[[], bool]] = []
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

    def each_frame(self, hook: Callable[[], bool]) -> None:
        """Call ``hook`` about once a frame."""
        self._hooks.append(hook)

    def close(self) -> None:
        """Drop what waits and take the items away; the host's context still exists."""
        self._posts.close()
        for item in (self._speck, self._handlers, self._theme):
            if dpg.does_item_exist(item):
                dpg.delete_item(item)

    def _drain(self) -> None:
        self._posts.drain()
        _follow(self._hooks)


def _follow(hooks: list[Callable[[], bool]]) -> bool:
    """Call every hook; one that fails is left out from then on, or it would fail in every frame."""
    moved = False
    for hook in [*hooks]:
        try:
            moved = hook() or moved
        except Exception:  # the outer loop of the drawing thread
            log.exception("A part of the viewer failed after a frame")
            hooks.remove(hook)
    return moved
