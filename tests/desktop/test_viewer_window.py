"""The viewer's window on a real screen, with a real daemon: seen by its pixels, used by its mouse and keys."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.desktop.viewer.frame import window_position
from modelctl.desktop.viewer.frame.window_position import Geometry
from modelctl.desktop.viewer.style.theme import PALETTE, Colour
from modelctl.desktop.viewer_focus import is_focused
from modeld.protocol.states import HAS_FILE, IN_MEMORY
from modeld.protocol.views import ModelView
from PIL import Image
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.real_daemon import DEADLINE_S, RealDaemon
from support.waiting import until

SIZE = Geometry(width=1100, height=700, x=0, y=0)
TOOLBAR = 60
"""Everything above this line is the toolbar."""

Box = tuple[int, int, int, int]


class Window:
    """A viewer that runs."""

    def __init__(self, desktop: VirtualDesktop, daemon: RealDaemon, folder: Path) -> None:
        self._desktop, self._folder = desktop, folder
        window_position.write(daemon.places, SIZE)
        environment = environment_of(desktop, daemon.home)
        self.log = folder / "viewer.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "modelctl", "viewer"], env=environment, stdout=log, stderr=log
            )

    def wait_for_buttons(self, count: int) -> Sequence[Box]:
        """The boxes in the accent's colour below the toolbar, once there are ``count``."""
        found: list[Box] = []

        def look() -> bool:
            found[:] = [box for box in boxes(self.picture(), PALETTE.accent) if box[1] > TOOLBAR]
            return len(found) == count

        until(look, f"{count} buttons; there were {found}; {self.log.read_text()}")
        return found

    def wait_for_dot(self, colour: Colour) -> None:
        """Wait until the dot at the right of the toolbar has this colour."""
        until(lambda: self.dot() == colour, f"a dot of {colour}")

    def dot(self) -> Colour | None:
        """The dot's colour: the first sign of either in the toolbar's right half."""
        toolbar = self.picture().crop((SIZE.width // 2 + 100, 0, SIZE.width, TOOLBAR))
        seen = {colour for _count, colour in toolbar.getcolors(1 << 16) or []}
        return next((colour for colour in (PALETTE.green, PALETTE.red) if colour in seen), None)

    def picture(self) -> Image.Image:
        """What is on the screen."""
        path = self._desktop.screenshot(self._folder / "screen.png")
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def end(self) -> None:
        """End it if it still runs; it must not have complained."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_S) == 0, self.log.read_text()
        assert self.log.read_text() == ""


def boxes(picture: Image.Image, colour: Colour) -> list[Box]:
    """The filled boxes of a colour, from top to bottom: rows with a long run of it that lie below one another."""
    width, height = picture.size
    data = picture.tobytes()
    pixel, run = bytes(colour), bytes(colour) * 12
    found: list[Box] = []
    for y in range(height):
        row = data[3 * width * y : 3 * width * (y + 1)]
        start = row.find(run)
        if start < 0 or start % 3:
            continue
        left, right = start // 3, row.rfind(pixel) // 3
        if found and found[-1][3] >= y - 1:
            last = found[-1]
            found[-1] = (min(last[0], left), last[1], max(last[2], right), y)
        else:
            found.append((left, y, right, y))
    return [box for box in found if box[3] - box[1] >= 10]


@pytest.fixture
def window(desktop: VirtualDesktop, daemon: RealDaemon, tmp_path: Path) -> Iterator[Window]:
    opened = Window(desktop, daemon, tmp_path)
    try:
        until(lambda: desktop.windows("^modeld$"), f"the window; {opened.log.read_text()}")
        opened.wait_for_dot(PALETTE.green)
        yield opened
    finally:
        opened.end()


@pytest.fixture
def sample(client: Client) -> ModelView:
    """The one model that is on disk."""
    return next(model for model in client.list() if model.state in HAS_FILE)


def test_a_click_on_load_in_its_card_loads_the_model_and_a_click_on_unload_all_frees_it(
    desktop: VirtualDesktop, window: Window, client: Client, sample: ModelView
) -> None:
    desktop.keys("ctrl+f")
    desktop.type(sample.key)
    left, top, right, bottom = window.wait_for_buttons(1)[0]

    desktop.click((left + right) // 2, (top + bottom) // 2)
    until(lambda: client.show(sample.key).state in IN_MEMORY, "the model in memory")

    red = until(lambda: boxes(window.picture(), (74, 37, 43)), "Unload All is red")
    desktop.click((red[0][0] + red[0][2]) // 2, (red[0][1] + red[0][3]) // 2)
    until(lambda: client.show(sample.key).loaded is None, "the memory free again")


def test_the_window_says_that_the_daemon_is_away_and_shows_the_models_when_it_is_back(
    window: Window, daemon: RealDaemon
) -> None:
    before = len([box for box in boxes(window.picture(), PALETTE.accent) if box[1] > TOOLBAR])

    daemon.stop()
    window.wait_for_dot(PALETTE.red)
    window.wait_for_buttons(1)  # Start modeld

    daemon.start()
    window.wait_for_dot(PALETTE.green)
    window.wait_for_buttons(before)


def test_a_click_on_start_starts_the_daemon(
    desktop: VirtualDesktop, window: Window, daemon: RealDaemon, client: Client
) -> None:
    daemon.stop()
    window.wait_for_dot(PALETTE.red)
    left, top, right, bottom = window.wait_for_buttons(1)[0]

    desktop.click((left + right) // 2, (top + bottom) // 2)
    window.wait_for_dot(PALETTE.green)

    client.shutdown()
    window.wait_for_dot(PALETTE.red)


def test_while_the_window_is_open_somebody_watches_and_its_keys_close_it_and_its_size_is_kept(
    desktop: VirtualDesktop, window: Window, daemon: RealDaemon
) -> None:
    until(lambda: is_focused(daemon.places), "the mark of the watched viewer")

    desktop.keys("ctrl+q")

    assert window.process.wait(DEADLINE_S) == 0
    assert not is_focused(daemon.places)
    assert (window_position.read(daemon.places).width, window_position.read(daemon.places).height) == (
        SIZE.width,
        SIZE.height,
    )
