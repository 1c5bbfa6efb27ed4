"""The viewer, as ``modelctl viewer`` runs it, driven by JSON lines from a test or a measurement.

``["look"]`` returns the drawn items and their positions, ``["frames"]`` the number of drawn frames, ``["latencies"]``
the milliseconds from a context event (its token count is its time in microseconds) to the finished frame that shows it,
and ``["tick"]`` checks every model of the history. ``DrivenViewer`` is the test's side.
"""

import json
import os
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from modelctl.desktop.viewer.frame.window_position import Geometry, write
from modeld.places import find

from support.desktop.dialog_window import DialogWindow, drawn

SIZE = Geometry(width=1240, height=740, x=0, y=0)
CLOCK = 10**12
"""A context event's time, in microseconds, must fit into a token count."""


class DrivenViewer(DialogWindow):
    """A viewer of the daemon of ``home``; it has been drawn once with its models when this returns."""

    program = "support.desktop.driven_viewer"

    def __init__(self, desktop: Any, home: Path, **settings: str) -> None:  # VirtualDesktop
        write(find({"MODELD_HOME": str(home)}), SIZE)
        super().__init__(desktop, home, **settings)


def stamp() -> int:
    """The current time in microseconds of the machine's monotonic clock."""
    return time.monotonic_ns() // 1000 % CLOCK


def main() -> None:
    """Run the viewer with a panel that reads commands."""
    from modelctl.desktop.viewer.frame import panel, window
    from modelctl.desktop.viewer.frame.own_window import OwnWindow
    from modelctl.language import catalogue, preference

    class Counting(OwnWindow):
        def __init__(self) -> None:
            super().__init__()
            loops.append(self)

    class Listening(panel.Panel):
        """Reports the first frame with a snapshot, and answers commands after that."""

        shown, sent = False, 0

        def build(self, parent: int | str) -> None:
            super().build(parent)
            self._ui.drawing.each_frame(self._drawn)

        def show(self, snapshot: Any) -> bool:
            news = super().show(snapshot)
            self.shown = self.shown or snapshot is not None
            used = [model.loaded.context_used for model in snapshot.models if model.loaded] if snapshot else [0]
            self.sent = max(used, default=0)
            return news

        def _drawn(self) -> bool:
            if self.sent > CLOCK // 10**6:
                latencies.append((stamp() - self.sent) / 1000)
                self.sent = 0
            if self.shown and not listener.is_alive():
                print("ready", flush=True)
                listener.start()
            return False

    def obey() -> None:
        for line in sys.stdin:
            words = json.loads(line)
            loops[0].post(partial(answer, words))

    def answer(words: list[str]) -> None:
        result: object = None
        match words:
            case ["look"]:
                result = drawn()
            case ["frames"]:
                result = loops[0].frames
            case ["latencies"]:
                result = [*latencies]
                latencies.clear()
            case ["tick"]:
                _tick()
            case ["close"]:
                loops[0].stop()
        print(json.dumps(result), flush=True)

    loops: list[OwnWindow] = []
    latencies: list[float] = []
    listener = threading.Thread(target=obey, daemon=True)
    setattr(window, "OwnWindow", Counting)  # noqa: B010  (it is not exported)
    setattr(window, "Panel", Listening)  # noqa: B010
    catalogue.use(preference.chosen(os.environ))
    window.run(find())


def _tick() -> None:
    """Check every checkbox below the toolbar and beside the plots: the models of the history."""
    import dearpygui.dearpygui as dpg

    for item in dpg.get_all_items():
        if dpg.get_item_info(item)["type"].endswith("mvCheckbox") and dpg.is_item_visible(item):
            dpg.set_value(item, True)
            dpg.get_item_callback(item)()


if __name__ == "__main__":
    main()
