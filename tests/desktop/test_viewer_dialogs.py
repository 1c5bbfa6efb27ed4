"""The dialogs as a person uses them: a real window, a real mouse, a real daemon, a slow server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.desktop.viewer.history.plot import DISTURBED
from modelctl.desktop.viewer.history.tab import COLOURS
from PIL import Image
from support import tiny_gguf
from support.desktop.dialog_window import DialogWindow, Seen
from support.desktop.virtual_desktop import VirtualDesktop
from support.range_server import Fault, RangeServer
from support.real_daemon import RealDaemon
from support.waiting import until

FILE_BYTES = 6 * 1024 * 1024
SLOW = 700_000.0
"""Bytes a second: slow enough to press buttons meanwhile."""


@pytest.fixture
def window(desktop: VirtualDesktop, daemon: RealDaemon) -> Iterator[DialogWindow]:
    """The window; it has to end in order, without a traceback."""
    opened = DialogWindow(desktop, daemon.home)
    yield opened
    try:
        opened.close()
    finally:
        opened.kill()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model."""
    return tiny_gguf.write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture
def served(tmp_path: Path, tiny: Path) -> Iterator[RangeServer]:
    """A server of ``big.gguf``, a model with some megabytes behind its tensors."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "big.gguf").write_bytes(tiny.read_bytes() + os.urandom(FILE_BYTES))
    with RangeServer(folder) as server:
        yield server


def button_beside(window: DialogWindow, text: str) -> Seen:
    """The button in the row of ``text``, which the mouse's wheel brings into sight."""
    window.wait_for("Add and download", "Button")

    def scrolled() -> bool:
        before = window.find(text, "Text")
        window.desktop.click(window_middle(window), 300, button=5)
        return bool(before) and before == window.find(text, "Text")

    until(scrolled, f"{text} at the end of the list")
    row = window.wait_for(text, "Text")
    return next(
        item for item in window.look() if item.kind == "mvButton" and abs(item.middle[1] - row.middle[1]) < row.height
    )


def window_middle(window: DialogWindow) -> int:
    """The middle of the dialog, from the left of the screen."""
    (dialog,) = [item for item in window.look() if item.kind == "mvWindowAppItem" and "Download a" in item.text]
    return dialog.middle[0]


def test_a_download_is_chosen_watched_paused_and_closed_with_the_mouse(
    window: DialogWindow, client: Client, served: RangeServer, tmp_path: Path
) -> None:
    served.fault("big.gguf", Fault(bytes_per_second=SLOW))
    client.add("big", served.url("big.gguf"))
    until(lambda: "BIG" in [model.key.upper() for model in client.list()], "the model in the list")
    window.open("download")
    window.desktop.click(*button_beside(window, "BIG").middle)

    window.wait_for("Downloading BIG", "Window")
    window.wait_for("Status: Downloading...", "Text")
    assert not window.find("Your own model"), "the dialog closes on the choice"
    close = window.wait_for("Close", "Button")
    assert not close.enabled
    window.desktop.click(*close.middle)
    frame = window.wait_for("Downloading BIG", "Window")
    window.desktop.click(frame.left + frame.width - 20, frame.top + 16)  # where the X of a closable window is
    assert window.find("Downloading BIG", "Window"), "it cannot be closed while it runs"

    window.click("Pause")
    window.wait_for("Status: Paused", "Text")
    assert not window.wait_for("Close", "Button").enabled
    (bar,) = [item for item in window.look() if item.kind == "mvProgressBar"]
    assert bar.text == f"{100 * bar.value:.1f}%"
    assert 0 < bar.value < 1
    assert filled(window.desktop.screenshot(tmp_path / "bar.png"), bar) == pytest.approx(bar.value, abs=2 / bar.width)

    served.fault("big.gguf")
    window.click("Resume")
    window.wait_for("Status: Completed", "Text")
    until(lambda: window.find("Close", "Button")[0].enabled, "Close can be pressed")
    assert not window.find("Cancel", "Button")
    window.click("Close")
    until(lambda: not window.find("Downloading BIG", "Window"), "the window is closed")
    window.open("download")
    window.wait_for("A file on this computer is used in place.")
    assert "BIG" not in window.texts(), "what is on disk is not offered"


def filled(picture: Path, bar: Seen) -> float:
    """The share of the bar's width that has the colour of its left end."""
    with Image.open(picture) as image:
        row = image.convert("RGB").crop((bar.left, bar.top + 4, bar.left + bar.width, bar.top + 5))
        pixels = [row.getpixel((x, 0)) for x in range(row.width)]
    colour = pixels[4]
    return sum(pixel == colour for pixel in pixels[3:]) / bar.width + 3 / bar.width


def test_a_failed_download_says_why_and_can_be_tried_again(
    window: DialogWindow, client: Client, served: RangeServer
) -> None:
    served.fault("big.gguf", Fault(status=404))
    client.add("big", served.url("big.gguf"))
    window.open("download")
    window.desktop.click(*button_beside(window, "BIG").middle)
    window.wait_for("Status: Failed", "Text")
    assert any(served.url("big.gguf") in text and "404" in text for text in window.texts())
    assert window.find("Close", "Button")[0].enabled

    served.fault("big.gguf")
    window.click("Retry")
    window.wait_for("Status: Completed", "Text")
    assert len([item for item in window.look() if item.text == "Downloading BIG"]) == 1


def test_a_stall_is_shown_and_a_cancelled_download_can_be_closed(
    window: DialogWindow, client: Client, served: RangeServer
) -> None:
    served.fault("big.gguf", Fault(stall_after=1024 * 1024))
    client.add("big", served.url("big.gguf"))
    window.open("download")
    window.desktop.click(*button_beside(window, "BIG").middle)
    window.wait_until(lambda texts: any(text.startswith("Status: Stalled since") for text in texts), "a stall")
    assert "Speed: 0 B/s" in window.texts()
    window.click("Cancel")
    window.wait_for("Status: Cancelled", "Text")
    window.click("Close")
    until(lambda: not window.find("Downloading BIG", "Window"), "the window is closed")


def test_a_model_of_ones_own_is_added_or_refused_in_the_daemons_words(
    window: DialogWindow, client: Client, tiny: Path
) -> None:
    window.open("download")
    window.wait_for("A file on this computer is used in place.")
    window.enter(0, "mine")
    window.enter(1, "ftp://somewhere/x.gguf")
    window.click("Add and download")
    window.wait_until(lambda texts: any("ftp:// is not supported" in text for text in texts), "the refusal")

    window.enter(1, str(tiny))
    window.click("Add and download")
    until(lambda: "mine" in [model.key for model in client.list()], "the model")
    until(lambda: not window.find("Your own model"), "the dialog is closed")


def test_a_benchmark_is_chosen_and_its_numbers_and_change_are_read(
    window: DialogWindow, client: Client, tiny: Path
) -> None:
    client.add("tiny", str(tiny))
    window.open("benchmark")
    window.click("Benchmark")
    window.wait_for("Choose at least one model, or benchmark all.", "Text")
    window.click("TINY", "Checkbox")
    until(lambda: any(box.value for box in window.find("TINY", "Checkbox")), "the tick")
    window.click("Benchmark")
    window.wait_for("Done", "ProgressBar")
    result = client.results("tiny").runs[-1].result
    window.wait_for(f"{result.inference_time:.1f}", "Text")
    assert f"{result.context_used}/{result.context_available}" in window.texts()

    window.click("Benchmark")
    until(lambda: len(window.find("Done", "ProgressBar")) == 2, "two finished benchmarks")
    window.wait_until(lambda texts: any("the noise" in text for text in texts), "the change")


def test_the_comparison_sorts_by_a_click_on_a_head_and_grows_by_itself(
    window: DialogWindow, client: Client, tmp_path: Path
) -> None:
    for number, layers in enumerate((1, 60, 20)):
        path = tiny_gguf.write(tmp_path / f"m{number}.gguf", layers=layers)
        client.add(f"m{number}", str(path))
    window.open("compare")
    window.wait_until(lambda texts: any("at least two models" in text for text in texts), "what to do first")
    client.benchmark(["m0", "m1"], repetitions=1, wait=True)
    window.wait_until(lambda texts: any("Fastest: M0" in text for text in texts), "the comparison")
    client.benchmark(["m2"], repetitions=1, wait=True)
    until(lambda: len(order(window)) == 3, "the third model")
    speeds = {row.model_key.upper(): row for row in client.compare().rows}
    assert order(window) == sorted(speeds, key=lambda key: -speeds[key].tokens_per_second)

    first = window.wait_for(f"{speeds['M0'].memory_usage_mb:.1f}", "Text")
    top = min(item.top for item in window.look() if item.text.startswith(("M0", "M1", "M2")))
    head = (first.left + 10, top - 22)
    by_memory = sorted(speeds, key=lambda key: speeds[key].memory_usage_mb)
    window.desktop.click(*head)
    until(lambda: order(window) == by_memory, f"least memory first: {by_memory}, not {order(window)}")
    window.desktop.click(*head)
    until(lambda: order(window) == by_memory[::-1], "most memory first")

    window.click("Copy as CSV")
    window.wait_for("Copied.", "Text")
    lines = window.ask("clipboard").splitlines()
    assert lines[0] == "Model,Tokens/Sec,Inference(ms),Memory(MB),Context"
    assert [line.split(",")[0] for line in lines[1:]] == by_memory[::-1]


def order(window: DialogWindow) -> list[str]:
    """The models of the comparison from top to bottom."""
    rows = [item for item in window.look() if item.kind == "mvText" and item.text[:2] in ("M0", "M1", "M2")]
    return [item.text[:2] for item in sorted(rows, key=lambda item: item.top)]


def test_the_history_is_drawn_and_follows_a_new_benchmark(
    window: DialogWindow, client: Client, tiny: Path, tmp_path: Path
) -> None:
    window.open("history")
    window.wait_until(
        lambda texts: any("Nothing has been benchmarked yet" in text for text in texts), "the empty state"
    )
    client.add("tiny", str(tiny))
    client.benchmark(["tiny"], repetitions=2, wait=True)
    window.wait_for("TINY", "Checkbox")
    window.wait_until(lambda texts: any(text.startswith("TINY: 1 run,") for text in texts), "one run")
    client.benchmark(["tiny"], repetitions=2, wait=True)
    window.wait_until(lambda texts: any(text.startswith("TINY: 2 runs,") for text in texts), "two runs")
    newest = client.results("tiny").runs[-1].result
    window.wait_for(f"{newest.inference_time:.1f}", "Text")
    pictured = window.desktop.screenshot(tmp_path / "history.png")
    assert points(pictured) > 60, "two runs are drawn as points, quiet or disturbed"


def points(picture: Path) -> int:
    """How many pixels where the plots are have the colour of the first model or of disturbed runs."""
    wanted = (COLOURS[0], DISTURBED)
    with Image.open(picture) as image:
        plots = image.convert("RGB").crop((250, 40, image.width, 220))
        return sum(
            count
            for count, found in plots.getcolors(plots.width * plots.height) or ()
            if any(sum(abs(a - b) for a, b in zip(found, colour, strict=True)) < 40 for colour in wanted)
        )
