"""Draws docs/pictures/notification.png: three notifications of a real daemon, shown by dunst on a virtual desktop.

python tools/draw_notification.py [TARGET]

Needs what the desktop tests need (``tests/support/desktop/virtual_desktop.py`` names the packages).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from modelctl import Client
from PIL import Image, ImageChops
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.range_server import Fault, RangeServer
from support.real_daemon import RealDaemon, sample_file
from support.waiting import until

ROOT = Path(__file__).resolve().parent.parent
SPEED = 12 * 1024**2
GAP = 4


class Screen:
    """The virtual screen, on which one notification is shown at a time."""

    def __init__(self, desktop: VirtualDesktop, folder: Path) -> None:
        self.desktop, self._file = desktop, folder / "screen.png"
        self.pictures: list[Image.Image] = []

    def keep(self, words: str) -> None:
        """Keep a picture of the notification with ``words``, then wait until the server has removed it."""
        until(lambda: any(words in text for text in self.desktop.notifications()), f"a notification: {words}")
        self.desktop.run("xdotool", "sleep", "1")  # dunst draws in its own time
        shown, box = self._look()
        assert box is not None, words
        self.pictures.append(shown.crop(box))
        until(lambda: self._look()[1] is None, "an empty screen")

    def _look(self) -> tuple[Image.Image, tuple[int, int, int, int] | None]:
        with Image.open(self.desktop.screenshot(self._file)) as image:
            shown = image.convert("RGB")
        ground = Image.new("RGB", shown.size, shown.getpixel((0, 0)))
        return shown, ImageChops.difference(shown, ground).getbbox()


def main() -> None:
    """Let a download finish, one fail, and a model crash; write what the screen showed."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "notification.png"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        served, home = folder / "served", folder / "home"
        served.mkdir()
        home.mkdir()
        for file in ("smol.gguf", "tiny.gguf"):
            shutil.copy(sample_file(), served / file)
        with RangeServer(served) as server:
            server.fault("smol.gguf", Fault(bytes_per_second=SPEED))
            server.fault("tiny.gguf", Fault(status=404))
            desktop = VirtualDesktop(folder / "desktop", panel=False)
            daemon = RealDaemon(home, {"MODELD_ALLOW_HTTP": "1"})
            command = [sys.executable, "-m", "modelctl", "notify"]
            notify = subprocess.Popen(command, env=environment_of(desktop, home))
            screen = Screen(desktop, folder)
            try:
                with Client(daemon.places, timeout_s=60) as client:
                    play(client, server, screen)
            finally:
                notify.send_signal(signal.SIGINT)
                notify.wait(10)
                daemon.stop()
                desktop.close()
    stacked(screen.pictures).save(target, optimize=True)
    print(target)


def play(client: Client, server: RangeServer, screen: Screen) -> None:
    """Bring about the three."""
    client.add("smol", server.url("smol.gguf"), display_name="SmolLM2 135M Instruct")
    client.pull("smol", wait=True)
    screen.keep("Download finished")
    client.add("tiny", server.url("tiny.gguf"))
    client.pull("tiny")
    screen.keep("Download failed")
    client.load("smol", context_size=512)
    loaded = client.show("smol").loaded
    assert loaded is not None
    os.kill(loaded.pid, signal.SIGKILL)
    screen.keep("crashed")


def stacked(pictures: list[Image.Image]) -> Image.Image:
    """The pictures, one below the other."""
    width = max(picture.width for picture in pictures)
    whole = Image.new("RGB", (width, sum(picture.height + GAP for picture in pictures) - GAP))
    top = 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height + GAP
    return whole


if __name__ == "__main__":
    main()
