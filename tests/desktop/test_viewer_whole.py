"""The whole viewer as it is on a screen: its order, its texts in every language, a thousand models, hours of events."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from modelctl import Client
from modelctl.desktop.viewer.models.context_bar import COLOURS
from modeld.places import Places, find
from modeld.protocol import events, views
from modeld.protocol.states import IN_MEMORY, ModelState
from PIL import Image, ImageChops
from support import tiny_gguf
from support.desktop.dialog_window import Seen
from support.desktop.driven_viewer import SIZE, DrivenViewer
from support.desktop.virtual_desktop import VirtualDesktop
from support.fake_daemon import FakeDaemon, model_of
from support.real_daemon import RealDaemon
from support.waiting import until

TABS = 78
"""Below this line of the window are the tabs."""

SCROLL_BAR = SIZE.width - 28
"""Where the list's scroll bar is, from the left."""

Start = Callable[..., DrivenViewer]


@pytest.fixture
def view(desktop: VirtualDesktop) -> Iterator[Start]:
    """Opens viewers; each has to end in order."""
    opened: list[DrivenViewer] = []

    def start(home: Path, **settings: str) -> DrivenViewer:
        opened.append(DrivenViewer(desktop, home, **settings))
        return opened[-1]

    yield start
    try:
        for window in opened:
            window.close()
    finally:
        for window in opened:
            window.kill()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Where the fake daemon lives; the viewer writes its log beside this folder."""
    return find({"MODELD_HOME": str(tmp_path / "fake")})


def home_of(fake: FakeDaemon) -> Path:
    return fake.places.data_dir


def test_the_five_buttons_stand_in_their_order_on_one_line(fake_daemon: FakeDaemon, view: Start) -> None:
    window = view(home_of(fake_daemon))
    words = ("Refresh", "Download", "Benchmark", "Compare", "Unload All")

    def row() -> list[Seen]:
        buttons = [item for item in window.look() if item.kind == "mvButton" and item.top < TABS // 2]
        found = [item for item in buttons if item.text.endswith(words)]
        return found if len(found) == len(words) else []

    found = sorted(until(row, "five buttons"), key=lambda item: item.left)
    assert [item.text.split(" ", 1)[1] for item in found] == [*words]
    assert len({item.top for item in found}) == 1


def test_the_context_bar_of_a_card_moves_with_every_token_and_changes_its_colour(
    desktop: VirtualDesktop, fake_daemon: FakeDaemon, view: Start, tmp_path: Path
) -> None:
    window = view(home_of(fake_daemon))
    loaded = fake_daemon.models["mistral"]
    assert loaded.loaded is not None

    def use(tokens: int) -> None:
        fake_daemon.models["mistral"] = msgspec.structs.replace(
            loaded, loaded=msgspec.structs.replace(loaded.loaded, context_used=tokens)
        )
        fake_daemon.publish(events.ContextUsed, model="mistral", used=tokens, size=8192)

    for tokens, colour in ((159, "green"), (160, "green"), (5000, "orange"), (8000, "red")):
        fake_daemon.do(lambda tokens=tokens: use(tokens))
        text = window.wait_for(f"Context: {tokens}/8192 tokens")
        window.wait_for(f"{100 * tokens / 8192:.1f}%")

        def length(text: Seen = text, colour: str = colour) -> int:
            with Image.open(desktop.screenshot(tmp_path / "bar.png")) as picture:
                strip = picture.convert("RGB").crop((0, text.top, SIZE.width, text.top + 60))
                return max(
                    sum(strip.getpixel((x, y)) == COLOURS[colour] for x in range(text.left, strip.width))
                    for y in range(text.height, strip.height)
                )

        track = SIZE.width - 2 * text.left - 24
        until(lambda: abs(length() - track * tokens / 8192) < 0.02 * track + 3, f"a bar of {tokens} tokens")  # noqa: B023


def test_a_prompt_too_long_is_refused_in_the_chat_and_nothing_is_cut(
    daemon: RealDaemon, client: Client, view: Start, tmp_path: Path
) -> None:
    client.add("tiny", str(tiny_gguf.write(tmp_path / "tiny.gguf")))
    client.load("tiny")
    window = view(daemon.home)
    window.click("Chat")
    window.wait_for("Send", "Button")
    until(lambda: same_twice(window), "the chat, with the keyboard in its field")
    window.desktop.run("xdotool", "type", "--delay", "15", "many words, " * 25)
    window.desktop.keys("Return")

    window.wait_until(lambda texts: any("tokens" in text and "Shorten" in text for text in texts), "the refusal")
    window.wait_until(
        lambda texts: any("refused, not truncated" in text for text in texts), "the event, told at the foot"
    )
    assert client.show("tiny").state in IN_MEMORY


def test_a_gpu_is_shown_with_its_memory_and_how_busy_it_is(fake_daemon: FakeDaemon, view: Start) -> None:
    gpu = views.GpuView(name="Some GPU", memory_total=8 << 30, memory_used=2 << 30, busy_percent=37.0)
    system = views.SystemView(memory_total=16 << 30, memory_available=12 << 30, cpu_percent=25.0, gpus=[gpu])
    window = view(home_of(fake_daemon))
    window.desktop.keys("ctrl+4")
    window.wait_for("No GPU found: models run on the CPU.")

    fake_daemon.do(lambda: fake_daemon.publish(events.SystemSampled, system=system))

    line = window.wait_for("2.0 GB of 8.0 GB  ·  37.0% busy")
    window.wait_for("Some GPU")
    window.wait_for("Memory: 4.0 GB of 16.0 GB used (25.0%), 12.0 GB available")
    assert not window.find("No GPU found: models run on the CPU.")
    below = [bar for bar in window.look() if bar.kind == "mvProgressBar" and bar.value == pytest.approx(0.25)]
    assert len(below) == 2, "the GPU's memory and the processor"
    assert line.left < SIZE.width


def test_a_viewer_that_waits_for_a_daemon_that_says_nothing_ends_in_order(fake_daemon: FakeDaemon, view: Start) -> None:
    window = view(home_of(fake_daemon))
    fake_daemon.silent = True
    fake_daemon.seen.clear()

    fake_daemon.do(fake_daemon.skip_event)  # a hole: the whole is asked for again
    fake_daemon.do(lambda: fake_daemon.change(model_of("phi", ModelState.ON_DISK)))
    until(lambda: fake_daemon.seen, "the question for a snapshot")

    window.close()


def test_a_thousand_models_are_listed_scrolled_to_the_last_and_filtered(
    desktop: VirtualDesktop, fake_daemon: FakeDaemon, view: Start
) -> None:
    for number in range(1000):
        fake_daemon.models[f"m-{number:03}"] = model_of(f"m-{number:03}", ModelState.ON_DISK)
    window = view(home_of(fake_daemon))
    window.wait_until(lambda texts: any(text.startswith("1003 models") for text in texts), "how many there are")
    assert len(window.look()) < 400, "only what is on the screen is there"

    desktop.run("xdotool", "mousemove", str(SCROLL_BAR), "150", "sleep", "0.2", "mousedown", "1", "sleep", "0.15")
    for y in (*range(200, SIZE.height, 100), SIZE.height - 5):
        desktop.run("xdotool", "mousemove", str(SCROLL_BAR), str(y), "sleep", "0.05")
    window.wait_for("M-999")
    desktop.run("xdotool", "mouseup", "1")

    window.enter(0, "m-42")
    window.wait_until(lambda texts: "M-420" in texts and "M-999" not in texts, "what was typed")


def test_two_hours_of_events_leave_no_memory_behind_and_the_picture_of_a_fresh_start(
    desktop: VirtualDesktop, view: Start, tmp_path: Path
) -> None:
    home = tmp_path / "replayed"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "support.replay_daemon"],
        env={**desktop.environment, "MODELD_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    try:
        assert daemon.stdout.readline() == "ready\n"
        window = view(home)
        resident = []
        for count in (20_000, 100_000):
            daemon.stdin.write(f"{count}\n")
            until(lambda count=count: window.find(f"AFTER-{count}"), f"{count} events", 90.0)
            resident.append(psutil.Process(window.pid).memory_info().rss)
        assert resident[1] - resident[0] < 10 * 1024**2
        after = settled(desktop, tmp_path)
        window.close()
        view(home).wait_for("AFTER-100000")

        assert ImageChops.difference(settled(desktop, tmp_path), after).getbbox() is None
    finally:
        daemon.communicate()


def settled(desktop: VirtualDesktop, folder: Path) -> Image.Image:
    """The window's picture, once two in a row are the same."""
    desktop.run("xdotool", "mousemove", "1270", "5")
    before = [picture(desktop, folder)]

    def still() -> bool:
        now = picture(desktop, folder)
        same = ImageChops.difference(now, before[0]).getbbox() is None
        before[0] = now
        return same

    until(still, "a picture that stays")
    return before[0]


def picture(desktop: VirtualDesktop, folder: Path) -> Image.Image:
    with Image.open(desktop.screenshot(folder / "window.png")) as screen:
        return screen.convert("RGB").crop((0, 0, SIZE.width, SIZE.height))


@pytest.mark.parametrize(("language", "first"), [("en", "Refresh"), ("de", "Aktualisieren")])
def test_no_text_is_cut_at_the_windows_edge_in_any_tab_or_dialog(
    desktop: VirtualDesktop, fake_daemon: FakeDaemon, view: Start, language: str, first: str
) -> None:
    fake_daemon.models["mistral"] = msgspec.structs.replace(
        fake_daemon.models["mistral"], description="Ein Modell für Gespräche", pinned=True, active=True
    )
    window = view(home_of(fake_daemon), MODELCTL_LANGUAGE=language)
    window.wait_until(lambda texts: any(text.endswith(first) for text in texts), "the language")
    items = until(lambda: same_twice(window), "a window at rest")
    buttons = [item for item in items if item.kind == "mvButton" and item.top < TABS // 2]
    for tab in range(1, 7):
        desktop.keys(f"ctrl+{tab}")
        settled_items = until(lambda: same_twice(window), "a tab at rest")
        assert not beyond(settled_items, SIZE.width), f"tab {tab}"
    desktop.keys("ctrl+1")
    for button in sorted(buttons, key=lambda item: item.left)[1:4]:
        desktop.click(*button.middle)
        dialog = until(lambda: open_dialogs(window), "a dialog")[0]
        items = until(lambda: same_twice(window), "a dialog at rest")
        assert not beyond(items, dialog.left + dialog.width, dialog.text)
        desktop.keys("Escape")
        until(lambda: not open_dialogs(window), "no dialog")


def open_dialogs(window: DrivenViewer) -> list[Seen]:
    return [item for item in window.look() if item.kind == "mvWindowAppItem" and item.text]


def same_twice(window: DrivenViewer) -> list[Seen]:
    found = window.look()
    return found if found == window.look() else []


def beyond(items: list[Seen], right: int, title: str = "") -> list[Seen]:
    """The texts and buttons of the window ``title`` that end right of ``right``."""
    words = [item for item in items if item.kind in ("mvText", "mvButton", "mvCheckbox") and item.window == title]
    assert words, f"nothing is written in {title!r}"
    return [item for item in words if item.left + item.width > right]
