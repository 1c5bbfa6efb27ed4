"""What is drawn live: bars to scale, and the panel inside another program with a real daemon."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.desktop.viewer.models.context_bar import COLOURS
from modelctl.desktop.viewer.style.theme import PALETTE
from modelctl.language.format import context_colour
from PIL import Image
from support import tiny_gguf
from support.desktop.bars_window import BARS, WIDTH
from support.desktop.virtual_desktop import VirtualDesktop
from support.real_daemon import RealDaemon
from support.waiting import until

EDGE = 14
"""Pixels from the screen's left edge within which the bars begin, and no text does in their colours."""


class Program:
    """A child with a window on the desktop, driven by lines."""

    def __init__(self, desktop: VirtualDesktop, name: str, log: Path, **settings: str) -> None:
        self._log = log
        environment = {**desktop.environment, **settings}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", name],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ask(self, line: str) -> str:
        """Say a line, and read the answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self.log()
        return answer

    def until_says(self, says: Callable[[str], bool], what: str) -> str:
        """The texts of the window, once they are as wanted."""
        last = [""]

        def look() -> str:
            last[0] = self.ask("texts")
            return last[0] if says(last[0]) else ""

        try:
            return until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said {last[0]}; {self.log()}") from None

    def log(self) -> str:
        return self._log.read_text()

    def end(self) -> int:
        """Close its input, and wait for its end."""
        self._process.communicate(timeout=30)
        return self._process.returncode

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=30)


@pytest.fixture
def start(desktop: VirtualDesktop, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start a program of this folder."""
    begun: list[Program] = []

    def program(name: str, **settings: str) -> Program:
        begun.append(Program(desktop, name, tmp_path / "program.log", **settings))
        return begun[-1]

    yield program
    for each in begun:
        each.kill()


def test_the_context_bar_is_as_long_as_its_number_and_of_the_right_colour(
    desktop: VirtualDesktop, start: Callable[..., Program], tmp_path: Path
) -> None:
    bars = start("support.desktop.bars_window")

    def drawn() -> list[tuple[int, tuple[int, ...]]]:
        found = fills(Image.open(desktop.screenshot(tmp_path / "bars.png")).convert("RGB"))
        return found if len(found) == len(BARS) else []

    found = until(drawn, f"four bars; {bars.log()}")

    assert [colour for _, colour in found] == [COLOURS[context_colour(*bar)] for bar in BARS]
    for (length, _), (used, size) in zip(found, BARS, strict=True):
        assert abs(length - WIDTH * used / size) <= 1
    assert bars.end() == 0


def test_a_host_shows_the_models_outlives_the_daemon_and_the_panel_and_ends_in_order(
    desktop: VirtualDesktop, daemon: RealDaemon, client: Client, start: Callable[..., Program], tmp_path: Path
) -> None:
    client.add("tiny", str(tiny_gguf.write(tmp_path / "tiny.gguf")))
    client.load("tiny")
    host = start("support.desktop.host_program", MODELD_HOME=str(daemon.home))

    host.until_says(lambda text: "Own button" in text and "TINY | CPU" in text, "the news in a hidden tab")
    host.ask("select 1")
    host.until_says(lambda text: "MISTRAL-NEMO" in text, "the cards in the tab")
    until(
        lambda: count(Image.open(desktop.screenshot(tmp_path / "host.png")), PALETTE.card) > 50_000,
        f"cards on the screen; {host.log()}",
    )
    host.ask("press Download")
    until(lambda: "Download a model" in host.ask("windows"), "the dialog")
    daemon.stop()
    offline = host.until_says(lambda text: "modeld is not running" in text, "the daemon away")
    assert "Own button" in offline
    host.ask("drop")
    assert "Models" not in host.ask("texts")
    until(lambda: "Download a model" not in host.ask("windows"), "the dialog goes with its panel")
    host.ask("rebuild")
    host.until_says(lambda text: "Models again" in text and "Refresh" in text, "the panel once more")

    host.ask("end")

    assert host.end() == 0, host.log()
    assert "Traceback" not in host.log(), host.log()


def fills(picture: Image.Image) -> Sequence[tuple[int, tuple[int, ...]]]:
    """Length and colour of each bar's filled part, from top to bottom: what begins at the window's left edge."""
    wanted = set(COLOURS.values())
    pixels = picture.load()
    assert pixels is not None
    found: list[tuple[int, tuple[int, ...]]] = []
    above = False
    for y in range(picture.height):
        left = next((x for x in range(EDGE) if pixels[x, y] in wanted), None)
        if left is not None:
            colour = pixels[left, y]
            right = next(x for x in range(left, picture.width) if pixels[x, y] != colour)
            length = (right - left, colour)
            found[-1:] = [max(found[-1], length)] if above else [*found[-1:], length]
        above = left is not None
    return found


def count(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    """How many pixels have exactly this colour."""
    return next((number for number, seen in picture.convert("RGB").getcolors(1 << 24) or [] if seen == colour), 0)
