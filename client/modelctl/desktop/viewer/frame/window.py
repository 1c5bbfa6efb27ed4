"""The viewer as a program: one window with one panel, drawn when something changed."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dearpygui.dearpygui as dpg
from modeld.places import Places
from modeld.protocol.errors import ErrorCode

from modelctl import errors
from modelctl.client import Client
from modelctl.desktop.viewer.frame import glfw, window_position
from modelctl.desktop.viewer.frame.following import Following
from modelctl.desktop.viewer.frame.own_window import OwnWindow
from modelctl.desktop.viewer.frame.panel import Panel
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.frame.window_position import MIN_HEIGHT, MIN_WIDTH, Geometry
from modelctl.desktop.viewer.style import fonts, text_metrics, theme
from modelctl.desktop.viewer_focus import ViewerFocus
from modelctl.language.catalogue import _

ICON_PX = 64
QUICK_S = 0.1
WINDOW = "modelctl.window"


def run(places: Places, scale: float = 0.0) -> None:
    """Show the window until it is closed; ``scale`` 0 follows the display. Raises ModeldError without a display."""
    library = glfw.find()
    need_display(os.environ, library)
    client = Client(places)
    dpg.create_context()
    drawing = OwnWindow()
    ui = Ui(client, drawing)
    following = None
    try:
        area = library.work_area() if library is not None else None
        _viewport(window_position.placed(window_position.read(places), area))
        panel = _make(ui, scale or display_scale(os.environ, library))
        following = Following(client.transport, drawing, panel.show, panel.on_event, panel.silence)
        following.start()
        _draw(drawing, panel, places, library)
    finally:
        drawing.stop()
        dpg.destroy_context()  # the window closes at once; the threads, which never touch it, may end later
        if following is not None:
            following.stop()
    if (following is None or following.join(5)) and ui.idle:  # else a request still uses it; it ends with the process
        client.close()


def need_display(environment: Mapping[str, str], library: glfw.Glfw | None, platform: str = sys.platform) -> None:
    """Raise a ModeldError if no window can be shown: DearPyGui itself would abort the process."""
    if platform not in ("win32", "darwin") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise _no_display(_("There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."))
    if library is not None and not library.init():
        raise _no_display(_("The display {name} cannot be opened.").format(name=environment.get("DISPLAY", "")))


def display_scale(environment: Mapping[str, str], library: glfw.Glfw | None) -> float:
    """The display's scale: the one set for GTK programs, else the general one."""
    try:
        wanted = float(environment.get("GDK_SCALE", ""))
    except ValueError:
        wanted = library.scale() if library is not None else 1.0
    return min(max(wanted, 0.5), 4.0)


def _make(ui: Ui, scale: float) -> Panel:
    """Create fonts, themes and the panel in the window that fills the viewport."""
    loaded = fonts.load(scale)
    text_metrics.adopt(loaded)
    dpg.bind_font(loaded.regular)
    theme.make(scale)
    dpg.bind_theme(theme.GLOBAL)
    dpg.configure_app(keyboard_navigation=True)
    panel = Panel(ui)
    with dpg.window(tag=WINDOW):
        panel.build(WINDOW)
    _shortcuts(panel)
    return panel


def _draw(drawing: OwnWindow, panel: Panel, places: Places, library: glfw.Glfw | None) -> None:
    """Show the window until it is closed."""
    focus = ViewerFocus()

    def update_focus() -> None:
        """Publish whether the window has the focus. Without GLFW this is unknown, so it counts as focused."""
        if library is None or library.focused():
            focus.hold(places)
        else:
            focus.release()

    with tempfile.TemporaryDirectory(prefix="modeld-viewer-") as folder:
        icon = _icon(Path(folder))
        if icon:
            dpg.set_viewport_small_icon(icon)
            dpg.set_viewport_large_icon(icon)
        dpg.setup_dearpygui()
        dpg.show_viewport()
        dpg.set_primary_window(WINDOW, True)
        with _ended_by_signals(drawing):
            try:
                drawing.run(update_focus)
            finally:
                focus.release()
                panel.close()
                _keep_geometry(places)


@contextmanager
def _ended_by_signals(drawing: OwnWindow) -> Iterator[None]:
    """Close the window properly when the session ends or on Ctrl+C in the terminal."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda _number, _frame: drawing.stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _viewport(kept: Geometry) -> None:
    """Create the window at its last place and size; it is not shown yet, but the tabs may ask for its size."""
    dpg.create_viewport(
        title="modeld",
        width=kept.width,
        height=kept.height,
        min_width=MIN_WIDTH,
        min_height=MIN_HEIGHT,
        clear_color=(*theme.PALETTE.ground, 255),
        **({"x_pos": kept.x, "y_pos": kept.y} if kept.x >= 0 and kept.y >= 0 else {}),
    )


def _keep_geometry(places: Places) -> None:
    x, y = dpg.get_viewport_pos()
    kept = Geometry(width=dpg.get_viewport_width(), height=dpg.get_viewport_height(), x=int(x), y=int(y))
    window_position.write(places, kept)


def _shortcuts(panel: Panel) -> None:
    """F5, Ctrl+F, Ctrl+Q, Escape, Ctrl+1 to Ctrl+6."""

    controls = (dpg.mvKey_LControl, dpg.mvKey_RControl)
    control_at = 0.0

    def pressed(_sender: object, key: int) -> None:
        nonlocal control_at
        if key in controls:
            control_at = time.monotonic()
        # Both keys may have been pressed and released within one slow frame.
        control = any(map(dpg.is_key_down, controls)) or time.monotonic() - control_at < QUICK_S
        if key == dpg.mvKey_F5:
            panel.refresh()
        elif key == dpg.mvKey_Escape:
            panel.dismiss()
        elif control and key == dpg.mvKey_F:
            panel.focus_filter()
        elif control and key == dpg.mvKey_Q:
            dpg.stop_dearpygui()
        elif control and dpg.mvKey_1 <= key <= dpg.mvKey_6:
            panel.open_tab(key - dpg.mvKey_1)

    with dpg.handler_registry():
        dpg.add_key_press_handler(callback=pressed)


def _icon(folder: Path) -> str:
    """The mark as a picture in ``folder``; None if the packages that draw it are missing."""
    try:
        from modelicons.icon import app_icon
    except ImportError:
        return ""
    file = folder / ("modeld.ico" if sys.platform == "win32" else "modeld.png")
    app_icon(ICON_PX).save(file)
    return str(file)


def _no_display(message: str) -> errors.ModeldError:
    hint = _("Start it in a desktop session. Everything it shows is in the terminal too: modelctl status, modelctl ls")
    return errors.of(errors.LocalFailure(code=ErrorCode.UNREACHABLE, message=message, hint=hint))
