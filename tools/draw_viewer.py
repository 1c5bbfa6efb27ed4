"""Draw the viewer's pictures in docs/pictures: the real window on a virtual desktop, with a real daemon.

python tools/draw_viewer.py [FOLDER]

Needs what the desktop tests need (``make setup-desktop``). The models are copies of the sample under other names.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modelctl import Client
from modelctl.client import Message, Sampling
from PIL import Image
from shown_downloads import NAMES, models_to_download
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.real_daemon import RealDaemon, sample_file
from support.waiting import until

ROOT = Path(__file__).resolve().parent.parent

DOWNLOAD, COMPARE = (183, 32), (457, 32)
"""Two buttons of the toolbar, from the window's corner."""

TABS = {"viewer": 1, "viewer-queue": 2, "viewer-history": 3, "viewer-system": 4, "viewer-chat": 6}
SPEED = 400 * 1024
QUESTION = "What is a context window? Answer in two sentences."


class Window:
    """The viewer's window, its keys and its pictures."""

    def __init__(self, desktop: VirtualDesktop, home: Path, folder: Path) -> None:
        self._desktop = desktop
        self._folder = folder
        self._screen = folder / "screen.png"
        command = [sys.executable, "-m", "modelctl", "viewer"]
        self._process = subprocess.Popen(command, env=environment_of(desktop, home))
        (number,) = until(lambda: desktop.windows("^modeld$"), "the window")
        words = desktop.run("xdotool", "getwindowgeometry", "--shell", number).split()
        found = dict(word.split("=") for word in words)
        self.x, self.y = int(found["X"]), int(found["Y"])
        self._size = int(found["WIDTH"]), int(found["HEIGHT"])
        desktop.run("xdotool", "windowfocus", "--sync", number)

    def press(self, *keys: str) -> None:
        """Press keys and let the window draw what follows."""
        self._desktop.keys(*keys)
        time.sleep(2)  # for the eye: a picture has no event to wait for

    def click(self, place: tuple[int, int]) -> None:
        """Click at a place of the window."""
        self._desktop.click(self.x + place[0], self.y + place[1])
        time.sleep(2)

    def type(self, text: str) -> None:
        """Type a text, and Enter."""
        self._desktop.type(text)
        time.sleep(3)

    def draw(self, target: Path) -> None:
        """The window as a PNG."""
        with Image.open(self._desktop.screenshot(self._screen)) as screen:
            box = (self.x, self.y, self.x + self._size[0], self.y + self._size[1])
            screen.convert("RGB").crop(box).save(target, optimize=True)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


def main() -> None:
    """Draw all of them into the folder named, or docs/pictures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = folder / "home"
        home.mkdir()
        desktop = VirtualDesktop(folder / "desktop", panel=False, notifications=False)
        daemon = RealDaemon(home, {"LLM_CPU_THREADS": "2", "LLM_CONTEXT_SIZE": "2048"})
        try:
            with Client(daemon.places, timeout_s=60) as client:
                _draw(desktop, client, home, folder, target)
        finally:
            daemon.stop()
            desktop.close()


def _draw(desktop: VirtualDesktop, client: Client, home: Path, folder: Path, target: Path) -> None:
    shutil.copy(sample_file(), folder / "smol-copy.gguf")
    client.add("smol-copy", str(folder / "smol-copy.gguf"), display_name="SmolLM2, another file")
    for _ in range(3):
        client.benchmark(["smollm2", "smol-copy"], repetitions=2, wait=True)
    client.load("smollm2")
    client.chat("smollm2", [Message(role="user", content=QUESTION)], max_tokens=60, sampling=Sampling(seed=7))
    with models_to_download(client, folder, bytes_per_second=SPEED):
        window = Window(desktop, home, folder)
        try:
            _tabs(window, client, target)
        finally:
            window.close()


def _tabs(window: Window, client: Client, target: Path) -> None:
    window.click(COMPARE)
    window.draw(target / "viewer-comparison.png")
    window.press("Escape")
    window.click(DOWNLOAD)
    window.draw(target / "viewer-download.png")
    window.press("Escape")
    for name in NAMES:
        client.pull(name)
    client.limit(3 * 1024 * 1024)
    for file, number in TABS.items():
        window.press(f"ctrl+{number}")
        if file == "viewer-chat":
            window.click((500, 690))
            window.type(QUESTION)
            window.press("Return")
            until(lambda: client.show("smollm2").state == "loaded", "the answer")
            window.press("F5")
        window.draw(target / f"{file}.png")


if __name__ == "__main__":
    main()
