"""A host program with its own DearPyGui window and our panel in a tab; tests run it as a child process.

It has its own widgets, its own loop and its own end. It reads commands from standard input and answers each with one
line: ``texts``, ``windows``, ``select N``, ``press LABEL``, ``drop``, ``rebuild``, ``end``.
"""

import sys
import threading
from collections import deque
from collections.abc import Iterator

import dearpygui.dearpygui as dpg
from modelctl.desktop.viewer.frame import embed
from modelctl.jarvis import ContextWindowVisualizer, ExtendedModelManagerUI


class Host:
    """The program's state; everything except reading runs in its loop."""

    def __init__(self) -> None:
        self.commands: deque[str] = deque()
        self.jarvis = object()
        self.frames = 0
        self.embedded: ExtendedModelManagerUI | None = None

    def build(self) -> None:
        """Build the window, with a tab of its own and ours."""
        with dpg.window(tag="host"):
            dpg.add_text("A program of its own")
            with dpg.tab_bar(tag="bar"), dpg.tab(label="Own", tag="own"):
                dpg.add_button(label="Own button", tag="own button")
                dpg.add_slider_float(label="Own slider", tag="own slider")
                ContextWindowVisualizer.create_visualization(158, 8192, "own")
        self.embedded = embed.add_tab("bar", self.jarvis)
        dpg.create_viewport(title="host program", width=1100, height=720, x_pos=40, y_pos=40)
        dpg.setup_dearpygui()
        dpg.show_viewport()
        dpg.set_primary_window("host", True)

    def run(self) -> None:
        """A typical host loop that also runs commands."""
        while dpg.is_dearpygui_running():
            dpg.render_dearpygui_frame()
            self.frames += 1
            if self.commands:
                self.do(self.commands.popleft())

    def do(self, command: str) -> None:
        """Run one command and return its answer."""
        verb, _, rest = command.partition(" ")
        if verb == "texts":
            print(" | ".join(texts("bar")), flush=True)
            return
        if verb == "select":
            dpg.set_value("bar", dpg.get_item_children("bar", 1)[int(rest)])
        elif verb == "press":
            button = next(item for item in dpg.get_all_items() if (dpg.get_item_label(item) or "").endswith(rest))
            dpg.get_item_callback(button)()
        elif verb == "windows":
            print(" | ".join(dpg.get_item_label(item) or "" for item in dpg.get_windows()), flush=True)
            return
        elif verb == "drop":
            dpg.delete_item(dpg.get_item_children("bar", 1)[1])
        elif verb == "rebuild":
            tab = dpg.add_tab(label="Models again", parent="bar")
            for _number in range(2):  # the second panel replaces the first
                assert self.embedded is not None
                self.embedded.build_ui(tab)
        elif verb == "end":
            dpg.stop_dearpygui()
        print(f"did {command} after {self.frames} frames, {threading.active_count()} threads", flush=True)


def texts(item: int | str) -> Iterator[str]:
    """The visible texts of an item and its children."""
    if not dpg.get_item_configuration(item).get("show", True):
        return
    kind = dpg.get_item_info(item)["type"]
    written = dpg.get_value(item) if kind.endswith("mvText") else dpg.get_item_label(item)
    if isinstance(written, str) and written:
        yield written.replace("\n", " ")
    for children in dpg.get_item_children(item).values():
        for child in children:
            yield from texts(child)


def main() -> None:
    """Read commands until the input ends."""
    dpg.create_context()
    host = Host()
    host.build()

    def read() -> None:
        for line in sys.stdin:
            host.commands.append(line.strip())
        host.commands.append("end")

    threading.Thread(target=read, daemon=True).start()
    host.run()
    dpg.destroy_context()


if __name__ == "__main__":
    main()
