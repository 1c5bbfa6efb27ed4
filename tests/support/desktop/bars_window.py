"""A window with context bars of 400 pixels at 1.9, 50, 79 and 95 %; ends when its standard input closes."""

import sys
import threading

import dearpygui.dearpygui as dpg
from modelctl.desktop.viewer.models.context_bar import ContextBar

WIDTH = 400
BARS = ((158, 8192), (500, 1000), (790, 1000), (950, 1000))


def main() -> None:
    """Draw until standard input closes."""
    dpg.create_context()
    with dpg.window(tag="bars"):
        for used, size in BARS:
            ContextBar("bars", WIDTH, 12).show(used, size)
    dpg.create_viewport(title="bars", width=600, height=300, x_pos=0, y_pos=0)
    dpg.setup_dearpygui()
    dpg.show_viewport()
    dpg.set_primary_window("bars", True)
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    while dpg.is_dearpygui_running() and not ended.is_set():
        dpg.render_dearpygui_frame()
    dpg.destroy_context()


if __name__ == "__main__":
    main()
