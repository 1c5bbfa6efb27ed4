"""A program with a text of its own and, on request, a panel with a grid of characters in the viewer's fonts.

Prints a word when a step is visible on the screen, and continues after a line on its standard input.
"""

import sys

import dearpygui.dearpygui as dpg
from modelctl.desktop.viewer.style import fonts

CELL, ACROSS, TOP = 40, 30, 80
FRAMES = 4


def place(number: int) -> tuple[int, int]:
    """The upper left corner of a cell."""
    return number % ACROSS * CELL, TOP + number // ACROSS * CELL


def _shown(step: str) -> None:
    for _frame in range(FRAMES):
        dpg.render_dearpygui_frame()
    print(step, flush=True)
    sys.stdin.readline()


def main() -> None:
    """Show the host's text, then also the grid."""
    file, *characters = sys.argv[1:]
    dpg.create_context()
    dpg.create_viewport(width=1280, height=800, x_pos=0, y_pos=0, decorated=False)
    dpg.setup_dearpygui()
    dpg.show_viewport()
    plain = {"no_title_bar": True, "no_resize": True, "no_move": True, "no_scrollbar": True}
    with dpg.window(pos=(0, 0), width=1280, height=TOP, **plain):
        dpg.add_text("The host's own text, in the host's own font")
    _shown("host")

    loaded = fonts.load(1.0)
    with dpg.window(pos=(0, TOP), width=1280, height=800 - TOP, **plain) as panel:
        for number, character in enumerate(characters):
            x, y = place(number)
            dpg.add_text(character, pos=(x + 8, y - TOP + 8))
    dpg.bind_item_font(panel, getattr(loaded, file))
    _shown("sheet")
    dpg.destroy_context()


if __name__ == "__main__":
    main()
