"""Draw docs/pictures/tray.png: the tray's icon on a real panel in each state, and its menu, of a real daemon at work.

python tools/draw_tray.py [TARGET]

Needs what the desktop tests need (``tests/support/desktop/virtual_desktop.py`` names the packages).
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelctl import Client
from modelicons import IconState
from PIL import Image, ImageDraw, ImageFont
from support.desktop.tray_host import TrayProcess
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.range_server import Fault, RangeServer
from support.real_daemon import RealDaemon, sample_file
from support.waiting import until

ROOT = Path(__file__).resolve().parent.parent
os.environ["GTK_THEME"] = "Adwaita:dark"  # read by the panel

SPEED = 2 * 1024**2
ICON = (1268, 780)
AWAY = (600, 300)
MENU = (690, 426, 1280, 800)
SPOT = (1246, 768, 1280, 800)
GROUND, INK = (0x24, 0x2A, 0x35), (0xD5, 0xDA, 0xE2)
MARGIN, GAP, HEAD = 20, 4, 74


class Scene:
    """A desktop, a daemon and a tray, and pictures of them."""

    def __init__(self, folder: Path, served: RangeServer) -> None:
        self.desktop = VirtualDesktop(folder / "desktop")
        home = folder / "home"
        home.mkdir()
        self.daemon = RealDaemon(home, {"MODELD_ALLOW_HTTP": "1"})
        self.client = Client(self.daemon.places, timeout_s=30)
        self.tray = TrayProcess(environment_of(self.desktop, home), home)
        self.tray.wait_until_shown()
        self.served = served
        self.spots: list[tuple[str, Image.Image]] = []
        self._file = folder / "screen.png"

    def spot(self, label: str, state: IconState, *, unseen: bool = False) -> None:
        """Keep the icon as the panel shows it in this state."""
        self.tray.host.wait_for_icon(state, unseen=unseen)
        self.desktop.run("xdotool", "sleep", "0.7")  # the panel draws in its own time
        self.spots.append((label, self.screen().crop(SPOT)))

    def menu(self) -> Image.Image:
        """The menu, with the submenu of the model."""
        self.desktop.click(*ICON, 3)
        self.desktop.run("xdotool", "sleep", "0.8", "mousemove", "1150", "497", "sleep", "1")
        screen = self.screen()
        self.desktop.keys("Escape")
        self.desktop.keys("Escape")
        self.desktop.run("xdotool", "mousemove", *map(str, AWAY))
        ImageDraw.floodfill(screen, (0, 0), GROUND)  # the bare screen
        return screen.crop(MENU)

    def screen(self) -> Image.Image:
        """The whole screen."""
        with Image.open(self.desktop.screenshot(self._file)) as image:
            return image.convert("RGB")

    def close(self) -> None:
        """End all of it."""
        self.tray.end()
        self.client.close()
        self.daemon.stop()
        self.desktop.close()


def play(scene: Scene) -> Image.Image:
    """Bring the tray through its states; returns the menu."""
    client, served = scene.client, scene.served
    scene.spot("idle", IconState.IDLE)
    client.load("smollm2")
    scene.spot("loaded", IconState.LOADED)
    story = threading.Thread(target=client.generate, args=("smollm2", "Once upon a time"), kwargs={"max_tokens": 1200})
    story.start()
    scene.spot("busy", IconState.BUSY)
    client.add("smollm-big", served.url("smollm-big.gguf"))
    client.pull("smollm-big")
    until(lambda: (client.jobs("smollm-big")[0].progress.percent or 0) > 15, "a part of the download")
    scene.spot("downloading", IconState.DOWNLOADING)
    menu = scene.menu()
    client.cancel(model="smollm-big")
    served.fault("smollm-big.gguf", Fault(status=404))
    client.pull("smollm-big")
    scene.spot("error", IconState.ERROR)
    scene.tray.host.event(0, "opened")
    scene.tray.host.event(0, "closed")
    story.join()
    scene.tray.host.wait_for_icon(IconState.LOADED)
    client.benchmark(["smollm2"], repetitions=1, max_tokens=8, wait=True)
    scene.spot("finished", IconState.LOADED, unseen=True)
    scene.tray.host.event(0, "opened")
    scene.daemon.stop(signal.SIGKILL)
    scene.spot("offline", IconState.OFFLINE)
    return menu


def sheet(spots: list[tuple[str, Image.Image]], menu: Image.Image) -> Image.Image:
    """The states in a row, the menu below."""
    column = (menu.width + GAP) // len(spots)
    whole = Image.new("RGB", (menu.width + 2 * MARGIN, HEAD + menu.height + 2 * MARGIN), GROUND)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for place, (label, picture) in enumerate(spots):
        middle = MARGIN + column * place + (column - GAP) // 2
        whole.paste(picture, (middle - picture.width // 2, MARGIN - 4))
        pen.text((middle, HEAD - 12), label, INK, font, anchor="mm")
    whole.paste(menu, (MARGIN, HEAD + MARGIN // 2))
    return whole


@contextmanager
def scene() -> Iterator[Scene]:
    """A scene in a folder of its own, with a slow server of the sample model under another name."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "served")
        files.mkdir()
        shutil.copy(sample_file(), files / "smollm-big.gguf")
        with RangeServer(files) as served:
            served.fault("smollm-big.gguf", Fault(bytes_per_second=SPEED))
            made = Scene(Path(folder), served)
            try:
                yield made
            finally:
                made.close()


def main() -> None:
    """Play it and write the picture."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "tray.png"
    with scene() as played:
        menu = play(played)
        sheet(played.spots, menu).save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    main()
