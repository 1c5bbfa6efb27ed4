"""A small window with the viewer's dialogs, driven by a test; a separate process, since DearPyGui may crash.

As a program it follows the daemon of its environment and answers JSON lines on standard input: ``["open", "download"]``
opens a dialog, ``["look"]`` returns the drawn items and their positions; ``["clipboard"]``, ``["close"]``.
``DialogWindow`` is the test's side.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from support.desktop.virtual_desktop import VirtualDesktop
from support.waiting import until

SIZE = (1240, 740)
PATIENCE_S = 3.0
"""A field that has not changed for this long is typed into again."""


@dataclass(frozen=True)
class Seen:
    """A drawn item: its kind, text, position, whether it is enabled, and its window's title."""

    kind: str
    text: str
    left: int
    top: int
    width: int
    height: int
    enabled: bool
    value: float
    window: str

    @property
    def middle(self) -> tuple[int, int]:
        return self.left + self.width // 2, self.top + self.height // 2


class DialogWindow:
    """The window as a child process on the desktop."""

    program = "support.desktop.dialog_window"

    def __init__(self, desktop: VirtualDesktop, home: Path, **settings: str) -> None:
        self.desktop = desktop
        self._log = home.parent / "dialogs.log"
        environment = {
            **desktop.environment,
            "MODELD_HOME": str(home),
            **settings,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.program],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._line() == "ready", self.log()

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text()

    def ask(self, *words: str) -> Any:  # JSON
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        line = self._line()
        assert line, self.log()
        return json.loads(line)

    def open(self, what: str) -> None:
        self.ask("open", what)

    def look(self) -> list[Seen]:
        """The currently drawn items."""
        return [Seen(**item) for item in self.ask("look")]

    def texts(self) -> list[str]:
        return [item.text for item in self.look()]

    def find(self, text: str, kind: str = "") -> list[Seen]:
        """The items with exactly ``text``."""
        return [item for item in self.look() if item.text == text and kind in item.kind]

    def wait_for(self, text: str, kind: str = "") -> Seen:
        """The first item with exactly ``text``, once it is drawn and no longer moves."""

        def still() -> Seen | None:
            found = self.find(text, kind)
            return found[0] if found and found == self.find(text, kind) else None

        found = until(still, f"{text!r} in the window; {self.log()}")
        assert found is not None
        return found

    def wait_until(self, says: Callable[[list[str]], bool], what: str) -> None:
        until(lambda: says(self.texts()), what)

    def click(self, text: str, kind: str = "Button") -> None:
        """Click the item with ``text``, as a user does."""
        self.desktop.click(*self.wait_for(text, kind).middle)

    def enter(self, number: int, text: str) -> None:
        """Type into the n-th field, and check that the text arrived: a busy program loses clicks.

        ImGui accepts one character per frame, so a slow program shows the last ones long after they were typed.
        """
        seen = ""
        typed_at = moved_at = -PATIENCE_S

        def entered() -> bool:
            nonlocal seen, typed_at, moved_at
            fields = [item for item in self.look() if item.kind == "mvInputText"]
            if number >= len(fields):
                return False
            now = time.monotonic()
            if fields[number].text != seen:
                seen, moved_at = fields[number].text, now
            if seen != text and now - max(typed_at, moved_at) > PATIENCE_S:
                self.desktop.click(*fields[number].middle)
                self.desktop.keys("ctrl+a")
                self.desktop.run("xdotool", "type", "--delay", "12", text)
                typed_at = time.monotonic()
            return seen == text

        until(entered, f"{text!r} in the field {number}; {self.log()}", 60)

    def close(self) -> None:
        """Close the window; it must exit cleanly."""
        if self._process.poll() is None:
            self.ask("close")
        assert self._process.wait(30) == 0, self.log()
        assert "Traceback" not in self.log(), self.log()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main() -> None:
    import dearpygui.dearpygui as dpg
    from modelctl import Client
    from modelctl.desktop.viewer.benchmarks.comparison import ComparisonWindow
    from modelctl.desktop.viewer.benchmarks.dialog import BenchmarkDialog
    from modelctl.desktop.viewer.downloads.dialog import DownloadDialog
    from modelctl.desktop.viewer.downloads.progress_windows import ProgressWindows
    from modelctl.desktop.viewer.frame.following import Following
    from modelctl.desktop.viewer.frame.own_window import OwnWindow
    from modelctl.desktop.viewer.frame.ui import Ui
    from modelctl.desktop.viewer.history.tab import HistoryTab
    from modelctl.desktop.viewer.style import fonts, text_metrics, theme
    from modeld.protocol.views import Snapshot

    dpg.create_context()
    dpg.create_viewport(title="dialogs", width=SIZE[0], height=SIZE[1], x_pos=0, y_pos=0)
    dpg.setup_dearpygui()
    client = Client()
    loop = OwnWindow()
    ui = Ui(client, loop)
    loaded = fonts.load()
    text_metrics.adopt(loaded)
    dpg.bind_font(loaded.regular)
    theme.make()
    dpg.bind_theme(theme.GLOBAL)
    below = dpg.add_window()
    dpg.set_primary_window(below, True)
    transfers = ProgressWindows(ui)
    dialogs: dict[str, Any] = {
        "history": _Tab(HistoryTab(ui), below),
        "download": DownloadDialog(ui, transfers.open),
        "benchmark": BenchmarkDialog(ui),
        "compare": ComparisonWindow(ui),
    }
    newest: list[Snapshot | None] = [None]

    def show(snapshot: Snapshot | None) -> None:
        newest[0] = snapshot
        for part in (transfers, *dialogs.values()):
            part.show(snapshot)

    following = Following(client.transport, loop, show, lambda _event: None)
    dpg.show_viewport()
    following.start()
    listener = threading.Thread(target=_obey, args=(sys.stdin, loop, dialogs, newest), daemon=True)

    def drawn_once() -> None:
        print("ready", flush=True)
        listener.start()

    ui.post(drawn_once)
    loop.run()
    loop.stop()
    dpg.destroy_context()
    following.stop()
    following.join(5)


class _Tab:
    """A tab that is built when it is opened, as it would be in the panel."""

    def __init__(self, tab: Any, parent: int | str) -> None:
        self._tab, self._parent, self._built = tab, parent, False

    def open(self, snapshot: object) -> None:
        self._tab.build(self._parent)
        self._built = True
        self._tab.show(snapshot)

    def show(self, snapshot: object) -> None:
        if self._built:
            self._tab.show(snapshot)


def _obey(lines: IO[str], loop: Any, dialogs: dict[str, Any], newest: list[Any]) -> None:
    """Perform the test's command on the drawing thread, and answer."""
    import dearpygui.dearpygui as dpg

    def answer(words: list[str]) -> None:
        result: object = None
        match words:
            case ["open", what]:
                dialogs[what].open(newest[0])
            case ["look"]:
                result = drawn()
            case ["clipboard"]:
                result = dpg.get_clipboard_text()
            case ["close"]:
                dpg.stop_dearpygui()
        print(json.dumps(result), flush=True)

    for line in lines:
        words = json.loads(line)
        loop.post(lambda words=words: answer(words))


def drawn() -> list[dict[str, object]]:
    """All items of interest that were drawn in the last frame."""
    import dearpygui.dearpygui as dpg

    found = []
    for item in dpg.get_all_items():
        kind = dpg.get_item_info(item)["type"].rsplit("::", 1)[-1]
        state = dpg.get_item_state(item)
        if kind not in ("mvText", "mvButton", "mvCheckbox", "mvProgressBar", "mvInputText", "mvWindowAppItem"):
            continue
        if not state.get("visible", kind == "mvProgressBar"):  # a bar does not report whether it is visible
            continue
        settings = dpg.get_item_configuration(item)
        text = (
            dpg.get_value(item)
            if kind in ("mvText", "mvInputText")
            else settings.get("overlay") or dpg.get_item_label(item) or ""
        )
        if kind == "mvWindowAppItem":
            (left, top), (width, height) = dpg.get_item_pos(item), state["rect_size"]
        elif kind == "mvProgressBar":
            left, top = (
                sum(pair) for pair in zip(dpg.get_item_pos(_window(item)), dpg.get_item_pos(item), strict=True)
            )
            width, height = settings["width"], settings["height"]
        else:
            (left, top), (width, height) = state["rect_min"], state["rect_size"]
        found.append(
            {
                "kind": kind,
                "text": text,
                "left": int(left),
                "top": int(top),
                "width": int(width),
                "height": int(height),
                "enabled": bool(settings.get("enabled", True)),
                "value": float(dpg.get_value(item)) if kind in ("mvProgressBar", "mvCheckbox") else 0.0,
                "window": dpg.get_item_label(_window(item)) or "",
            }
        )
    return found


def _window(item: int | str) -> int | str:
    """The window that contains an item."""
    import dearpygui.dearpygui as dpg

    while not dpg.get_item_info(item)["type"].endswith("mvWindowAppItem"):
        item = dpg.get_item_parent(item)
    return item


if __name__ == "__main__":
    main()
