"""The drawing thread of the viewer's own window: draws a frame after a change, and sleeps otherwise."""

import time

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame import glfw
from modelctl.desktop.viewer.frame.drawing_thread import Action, DrawingThread
from modelctl.desktop.viewer.frame.tab import Tag

FRAME_S = 1 / 60
"""The shortest time for one frame, however fast input arrives."""

AFTER_INPUT = 4
"""Frames to draw after input: Dear ImGui updates hover, focus and sizes one or two frames later."""

SETTLE_S = 0.2
"""How long after new data a second frame is drawn; by then all sizes have adapted to the new texts."""

IDLE_S = 1.0
"""The longest sleep. Nothing is drawn after it; only the keyboard focus is checked."""

ANIMATION_S = 1 / 6
"""The time between frames of an animation: enough for a slow pulse; a frame may take 25 ms without a GPU."""

EACH_FRAME = frozenset(f"mvAppItemType::mv{name}Handler" for name in ("Visible", "Hover", "Focus", "Active"))
"""Handlers that fire in every frame, so they are no reason to draw another frame."""

FAST_S, SLOW_S, FAST_FOR_S = 0.03, 0.2, 0.5
"""Without GLFW, how often to poll for input: every FAST_S for FAST_FOR_S after input, then every SLOW_S."""


class OwnWindow(DrawingThread):
    """Runs actions and callbacks, and draws. Create it after the context; run it after showing the viewport."""

    def __init__(self) -> None:
        dpg.configure_app(manual_callback_management=True)
        self._glfw = glfw.find()
        super().__init__(self._glfw.wake if self._glfw is not None else lambda: None)
        self._animated_until = 0.0
        self._busy_until = 0.0
        self._mouse: list[float] = []
        self._unsettled = False
        self.frames = 0

    def animate(self, seconds: float) -> None:
        """Keep drawing for this long, because something moves; on the drawing thread."""
        self._animated_until = max(self._animated_until, time.monotonic() + seconds)

    def run(self, before_sleep: Action = lambda: None) -> None:
        """Draw until the window is closed or ``stop`` is called; ``before_sleep`` runs at least once a second."""
        left = AFTER_INPUT
        while dpg.is_dearpygui_running() and not self.stopped:
            left = max(left, self._work())
            if left > 0:
                left = self._frame(left - 1)
            else:
                before_sleep()
                left = self._sleep()

    def _frame(self, left: int) -> int:
        """Draw one frame, at most 60 a second; return how many are left to draw."""
        began = time.monotonic()
        dpg.render_dearpygui_frame()
        self.frames += 1
        if self.after_frame():
            left = max(left, 1)
        if left > 0:
            time.sleep(max(0.0, FRAME_S - (time.monotonic() - began)))
        return left

    def _work(self) -> int:
        """Run callbacks and actions; return how many frames to draw for them."""
        jobs = dpg.get_callback_queue() or []
        acted = any(_something_happened(job[1]) for job in jobs)
        dpg.run_callbacks(jobs)
        if acted:
            self._busy_until = time.monotonic() + FAST_FOR_S
        posted = self.drain()
        self._unsettled = self._unsettled or posted
        return AFTER_INPUT if acted else int(posted)

    def _sleep(self) -> int:
        """Wait for something to draw; return how many frames to draw for it."""
        moving = time.monotonic() < self._animated_until
        if self._glfw is None:
            return self._look(moving)
        seconds = ANIMATION_S if moving else SETTLE_S if self._unsettled else IDLE_S
        began = time.monotonic()
        if not self.arrived.is_set():
            self._glfw.wait(seconds)
        if self.arrived.is_set():
            return 0  # the posted action asks for its own frame
        if time.monotonic() - began < 0.95 * seconds:
            return AFTER_INPUT
        settling, self._unsettled = self._unsettled, False
        return int(moving or settling)

    def _look(self, moving: bool) -> int:
        """Without GLFW nothing reports input: draw a frame now and then to find out; return how many to draw."""
        now = time.monotonic()
        mouse = [*dpg.get_mouse_pos(local=False)]
        if mouse != self._mouse or self.arrived.is_set():
            self._mouse, self._busy_until = mouse, now + FAST_FOR_S
        self.arrived.wait(FAST_S if moving or now < self._busy_until else SLOW_S)
        return 1


def _something_happened(sender: Tag | None) -> bool:
    """Whether a callback reports an event, and not only that an item was drawn again."""
    if not sender or not dpg.does_item_exist(sender):
        return True
    return dpg.get_item_info(sender)["type"] not in EACH_FRAME
