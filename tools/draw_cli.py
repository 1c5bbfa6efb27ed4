"""Draw docs/pictures/cli-downloads.png: the command line in a terminal, with a real daemon and real downloads.

python tools/draw_cli.py [FOLDER]
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from modelctl import Client
from PIL import Image, ImageDraw, ImageFont
from shown_downloads import NAMES, models_to_download
from support.real_daemon import RealDaemon

ROOT = Path(__file__).resolve().parent.parent

COLUMNS, LINES = 96, 40
SIZE_PX, LEADING = 16, 1.35
MARGIN = 18
GROUND, INK = "#13151c", "#e6e9f0"
COLOURS = {
    "black": "#30354a",
    "red": "#ef4444",
    "green": "#4caf50",
    "brown": "#ff9800",  # pyte's name of yellow
    "blue": "#5e81f4",
    "magenta": "#a779f0",
    "cyan": "#4fc3d9",
    "white": "#e6e9f0",
}
FONT = ROOT / "client/modelctl/desktop/viewer/style/typefaces/ModeldMono-Regular.ttf"
SPARE = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
"""For the signs of a progress bar, which the first font lacks."""
BAR = "━╸╺"
SPEED = 2 * 1024**2
PROMPT = "$ "


class Terminal:
    """A terminal of fixed size that remembers what it shows."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._environment = {**environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}

    def run(self, *words: str, until: Callable[[], bool] = lambda: False) -> None:
        """Type a command and show what it prints, to its end or until ``until`` says so (then it is interrupted)."""
        typed = " ".join(f"'{word}'" if " " in word else word for word in words)
        self._stream.feed(f"{PROMPT}modelctl {typed}\r\n".encode())
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        command = [sys.executable, "-m", "modelctl", *words]
        child = subprocess.Popen(
            command, stdin=side, stdout=side, stderr=side, env=self._environment, start_new_session=True
        )
        os.close(side)
        stopped = False
        while True:
            ready, _, _ = select.select([main], [], [], 0.1)
            if ready:
                try:
                    data = os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
                if not data:
                    break
                if not stopped:
                    # pyte loses what follows a variation selector.
                    self._stream.feed(data.replace("\ufe0f".encode(), b""))
            if not stopped and until():
                stopped = True
                child.terminate()
        os.close(main)
        child.wait(10)

    def draw(self, path: Path) -> None:
        """The screen as far as it is used, as a PNG."""
        used = max(number for number, text in enumerate(self._screen.display) if text.strip()) + 1
        font, spare = (ImageFont.truetype(str(file), SIZE_PX) for file in (FONT, SPARE))
        across, down = font.getlength("M"), round(SIZE_PX * LEADING)
        picture = Image.new("RGB", (round(COLUMNS * across) + 2 * MARGIN, used * down + 2 * MARGIN), GROUND)
        pen = ImageDraw.Draw(picture)
        for y in range(used):
            for x in range(COLUMNS):
                cell = self._screen.buffer[y][x]
                if cell.data.strip():
                    colour = COLOURS.get(cell.fg, INK if cell.fg == "default" else f"#{cell.fg}")
                    place = (MARGIN + x * across, MARGIN + y * down)
                    pen.text(place, cell.data, font=spare if cell.data in BAR else font, fill=colour)
        picture.save(path, optimize=True)


def main() -> None:
    """Draw it into the folder named, or docs/pictures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = folder / "home"
        home.mkdir()
        daemon = RealDaemon(home, {"LLM_CPU_THREADS": "2"})
        try:
            with Client(daemon.places, timeout_s=30) as client:
                _downloads(daemon, client, folder, target)
        finally:
            daemon.stop()


def _downloads(daemon: RealDaemon, client: Client, folder: Path, target: Path) -> None:
    with models_to_download(client, folder, bytes_per_second=SPEED):
        terminal = Terminal(daemon.environment)
        began = time.monotonic()
        terminal.run("pull", *NAMES, until=lambda: time.monotonic() - began > 6)
        terminal.run("downloads")
        terminal.draw(target / "cli-downloads.png")


if __name__ == "__main__":
    main()
