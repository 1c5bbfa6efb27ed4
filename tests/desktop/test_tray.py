"""The tray as a person and a panel meet it: a real process, a real panel, a real daemon, real downloads."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from modelctl import Client
from modelctl.processes import is_alive
from modeld.protocol.states import JobState, ModelState
from modelicons import IconState
from modelicons.palette import palette
from PIL import Image
from support import tiny_gguf
from support.desktop.tray_host import TrayProcess
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.range_server import Fault, RangeServer
from support.real_daemon import RealDaemon
from support.waiting import until

BIG_BYTES = 8 * 1024**2
SLOW = 512 * 1024


@pytest.fixture
def settings() -> dict[str, str]:
    return {"MODELD_ALLOW_HTTP": "1"}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A model that loads at once."""
    return tiny_gguf.write(tmp_path / "tiny.gguf")


@pytest.fixture
def start(desktop: VirtualDesktop, daemon: RealDaemon) -> Iterator[Callable[..., TrayProcess]]:
    """Starts a tray for the daemon's home; a traceback in its log or a bad exit code fails the test."""
    started: list[TrayProcess] = []

    def start(**environment: str) -> TrayProcess:
        made = TrayProcess({**environment_of(desktop, daemon.home), **environment}, daemon.home)
        started.append(made)
        return made

    yield start
    codes = [tray.end() for tray in started]
    assert "Traceback" not in started[0].log(), started[0].log()
    assert codes == [0] * len(started)


@pytest.fixture
def tray(start: Callable[..., TrayProcess]) -> TrayProcess:
    """A tray on the panel."""
    made = start()
    made.wait_until_shown()
    return made


@pytest.fixture
def slow_file(tmp_path: Path, tiny: Path) -> Iterator[RangeServer]:
    """A server with ``big.gguf``, sent slowly."""
    folder = tmp_path / "served"
    folder.mkdir()
    shutil.copy(tiny, folder / "big.gguf")
    with (folder / "big.gguf").open("ab") as file:
        file.write(os.urandom(BIG_BYTES))
    with RangeServer(folder) as server:
        server.fault("big.gguf", Fault(bytes_per_second=SLOW))
        yield server


def test_the_icon_on_the_panel_shows_the_state_and_goes_with_the_tray(
    desktop: VirtualDesktop, client: Client, tray: TrayProcess, tiny: Path, tmp_path: Path
) -> None:
    assert pixels_like(desktop, tmp_path, palette("dark").loaded) == 0
    client.add("tiny", str(tiny))
    client.load("tiny")
    tray.host.wait_for_icon(IconState.LOADED)
    until(lambda: pixels_like(desktop, tmp_path, palette("dark").loaded) >= 20, "the loaded icon on the screen")
    assert tray.host.tooltip().splitlines()[1].startswith("TINY: ")
    assert tray.end() == 0
    until(lambda: pixels_like(desktop, tmp_path, palette("dark").loaded) == 0, "a panel without the icon")


def test_the_icon_shows_a_model_that_loads_and_one_that_answers(
    daemon: RealDaemon, client: Client, tray: TrayProcess, sample_model: Path
) -> None:
    client.load("smollm2", wait=False)
    worker = until(lambda: psutil.Process(daemon.process.pid).children(), "the worker")[0]
    worker.suspend()
    try:
        tray.host.wait_for_icon(IconState.LOADING)
    finally:
        worker.resume()
    tray.host.wait_for_icon(IconState.LOADED)
    with client.stream_generate("smollm2", "Count: 1 2 3 4 5 6 7 8 9", max_tokens=1500) as stream:
        next(iter(stream))
        worker.suspend()
        try:
            tray.host.wait_for_icon(IconState.BUSY)
        finally:
            worker.resume()
    tray.host.wait_for_icon(IconState.LOADED)


def test_the_menu_is_in_the_language_of_the_person(
    start: Callable[..., TrayProcess], client: Client, tiny: Path
) -> None:
    client.add("tiny", str(tiny))
    client.load("tiny")
    tray = start(MODELCTL_LANGUAGE="de")
    tray.wait_until_shown()
    labels = until(lambda: "Entladen" in (texts := tray.host.texts()) and texts, "the menu")
    assert "Alle entladen" in labels and not {"Unload", "Unload all", "Open viewer"} & {*labels}


def test_unload_chosen_in_the_menu_ends_the_worker_and_gives_its_memory_back(
    client: Client, tray: TrayProcess, tiny: Path
) -> None:
    client.add("tiny", str(tiny))
    client.load("tiny")
    loaded = client.show("tiny").loaded
    assert loaded is not None
    assert is_alive(loaded.pid)
    tray.host.click("Unload", "TINY")
    until(lambda: not is_alive(loaded.pid), "the end of the worker")
    tray.host.wait_for_icon(IconState.IDLE)
    until(lambda: client.status().system.workers_memory == 0, "the memory back")
    entry = tray.host.entry("Load", "TINY")
    assert entry is not None


def test_every_model_has_its_memory_and_context_and_can_be_loaded_pinned_and_measured(
    client: Client, tray: TrayProcess, tiny: Path
) -> None:
    client.add("tiny", str(tiny))
    tray.host.click("Load", "TINY")
    tray.host.wait_for_icon(IconState.LOADED)
    client.generate("tiny", "hello", max_tokens=5)
    used = client.show("tiny").loaded.context_used
    assert used > 0
    until(lambda: tray.host.entry("TINY", "Unload"), "the model in the menu")
    until(lambda: f"context {100 * used / 256:.1f}%" in tray.host.entry("TINY").label, "the context used")
    tray.host.click("TINY", "Keep loaded")
    until(lambda: client.show("tiny").pinned, "the model pinned")
    until(lambda: tray.host.entry("TINY", "Keep loaded").properties["toggle-state"] == 1, "the mark in the menu")
    tray.host.click("Run benchmark", "TINY")
    tray.host.wait_for_icon(IconState.LOADED, unseen=True)
    assert [job.state for job in client.jobs("tiny")] == [JobState.DONE]


def test_a_slow_download_is_seen_on_the_icon_and_held_and_let_go_from_the_menu(
    client: Client, tray: TrayProcess, slow_file: RangeServer
) -> None:
    client.add("big", slow_file.url("big.gguf"))
    tray.host.click("Download", "BIG")
    first = until(lambda: known_share(tray), "a share on the icon")
    until(lambda: (known_share(tray) or 0) > first, "a larger share")
    until(lambda: "/s" in tray.host.entry("BIG").label, "the speed in the menu")
    tray.host.click("Pause all")
    until(lambda: client.jobs("big")[0].state is JobState.PAUSED, "the download held")
    tray.host.wait_for_icon(IconState.IDLE)
    until(lambda: tray.host.entry("BIG").label.startswith("BIG   paused"), "the download held in the menu")
    slow_file.fault("big.gguf")
    tray.host.click("Resume all")
    until(lambda: client.show("big").state is ModelState.ON_DISK, "the file whole")
    tray.host.wait_for_icon(IconState.IDLE, unseen=True)


def test_one_download_is_paused_and_cancelled_in_its_own_submenu(
    client: Client, tray: TrayProcess, slow_file: RangeServer
) -> None:
    client.add("big", slow_file.url("big.gguf"))
    client.pull("big")
    tray.host.click("BIG", "Pause")
    tray.host.click("BIG", "Resume")
    tray.host.click("BIG", "Cancel")
    until(lambda: client.jobs("big")[0].state is JobState.CANCELLED, "the download cancelled")
    tray.host.wait_for_icon(IconState.IDLE)


def test_a_failed_download_is_an_error_until_the_menu_is_opened_with_the_mouse(
    desktop: VirtualDesktop, client: Client, tray: TrayProcess, slow_file: RangeServer, tmp_path: Path
) -> None:
    slow_file.fault("big.gguf", Fault(status=404))
    client.add("big", slow_file.url("big.gguf"))
    client.pull("big")
    tray.host.wait_for_icon(IconState.ERROR)
    assert tray.host.entry("⚠ BIG") is not None
    x, y = until(lambda: icon_place(desktop, tmp_path), "the icon on the screen")
    desktop.click(x, y, 3)
    tray.host.wait_for_icon(IconState.IDLE)
    assert tray.host.entry("⚠ BIG") is not None
    desktop.keys("Escape")
    tray.host.event(0, "closed")  # as KDE's panel tells; this one does not
    until(lambda: tray.host.entry("⚠ BIG") is None, "the failure gone from the menu that was closed")


def test_a_choice_that_the_daemon_refuses_is_an_error_with_its_reason(
    client: Client, tray: TrayProcess, tiny: Path
) -> None:
    client.add("tiny", str(tiny))
    until(lambda: tray.host.entry("Load", "TINY"), "the model in the menu")
    tiny.write_bytes(b"not a model")
    tray.host.click("Load", "TINY")
    tray.host.wait_for_icon(IconState.ERROR)
    assert "TINY" in tray.host.tooltip()


def test_a_daemon_that_dies_leaves_an_offline_icon_from_which_it_is_started_again(
    daemon: RealDaemon, client: Client, tray: TrayProcess
) -> None:
    tray.host.wait_for_icon(IconState.IDLE)
    daemon.stop(signal.SIGKILL)
    tray.host.wait_for_icon(IconState.OFFLINE)
    assert tray.host.texts() == [
        "modeld is not running",
        "---",
        "Start the daemon",
        "Open viewer",
        "Open logs",
        "---",
        "Quit tray",
    ]
    tray.host.click("Start the daemon")
    tray.host.wait_for_icon(IconState.IDLE)
    pid = client.ping().pid
    client.shutdown()
    tray.host.wait_for_icon(IconState.OFFLINE)
    until(lambda: not is_alive(pid), "the end of the daemon")
    daemon.start()
    tray.host.wait_for_icon(IconState.IDLE)


def test_a_panel_that_is_started_again_gets_the_icon_again(desktop: VirtualDesktop, tray: TrayProcess) -> None:
    desktop.stop(desktop.panel)
    until(lambda: not desktop.has_name("org.kde.StatusNotifierWatcher"), "the end of the panel")
    desktop.start_panel()
    tray.wait_until_shown()
    tray.host.wait_for_icon(IconState.IDLE)


def test_a_second_tray_says_that_there_is_one_and_ends_well(
    start: Callable[..., TrayProcess], tray: TrayProcess
) -> None:
    second = start()
    assert second.wait() == 0
    assert second.output.decode() == "A tray icon is already running for this home.\n"
    assert tray.host.there()


def test_a_click_on_the_icon_opens_the_viewer_as_a_program_of_its_own(
    desktop: VirtualDesktop, tray: TrayProcess
) -> None:
    tray.host.activate()
    window = until(lambda: desktop.windows("^modeld"), f"the viewer's window; {tray.log()}")[0]
    pid = int(desktop.run("xdotool", "getwindowpid", window))
    assert tray.end() == 0
    assert is_alive(pid)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_alive(pid), "the end of the viewer")


def test_quitting_the_tray_ends_it_well_and_no_job(client: Client, tray: TrayProcess, slow_file: RangeServer) -> None:
    client.add("big", slow_file.url("big.gguf"))
    client.pull("big")
    tray.host.wait_for_icon(IconState.DOWNLOADING)
    tray.host.click("Quit tray")
    assert tray.wait() == 0
    assert client.jobs("big")[0].state is JobState.RUNNING


def test_without_a_bus_it_stays_and_says_so_once(start: Callable[..., TrayProcess], tmp_path: Path) -> None:
    tray = start(DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path / 'nothing'}")
    tray.wait_for_log("the tray waits for one")
    assert tray.process.poll() is None
    assert tray.end() == 0
    assert tray.log().count("no session bus") == 1


def test_a_bus_without_a_panel_is_waited_on(start: Callable[..., TrayProcess], tmp_path: Path) -> None:
    address = f"unix:path={tmp_path / 'bus'}"
    command = ["dbus-daemon", "--session", "--nofork", f"--address={address}", "--print-address"]
    bus = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert bus.stdout is not None
        assert bus.stdout.readline()
        tray = start(DBUS_SESSION_BUS_ADDRESS=address)
        tray.wait_for_log("the icon waits for one")
        tray.host.wait_for_icon(IconState.IDLE)
        assert not tray.host.there()
        bus.terminate()
        tray.wait_for_log("the tray waits for one")
        assert tray.end() == 0
        assert tray.log().count("no tray on this desktop") == 1
    finally:
        bus.kill()
        bus.communicate()


def test_two_hours_of_events_leave_no_memory_behind_and_the_menu_of_a_fresh_start(
    desktop: VirtualDesktop, tmp_path: Path
) -> None:
    home = tmp_path / "replayed"
    environment = environment_of(desktop, home)
    command = [sys.executable, "-m", "support.replay_daemon"]
    daemon = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    trays: list[TrayProcess] = []
    try:
        assert daemon.stdout.readline() == "ready\n"
        trays.append(TrayProcess(environment, home))
        trays[0].wait_until_shown()
        resident = []
        for count in (20_000, 100_000):
            daemon.stdin.write(f"{count}\n")
            until(lambda count=count: trays[0].host.entry("Load", f"AFTER-{count}"), f"{count} events", 90.0)
            resident.append(psutil.Process(trays[0].process.pid).memory_info().rss)
        assert resident[1] - resident[0] < 10 * 1024**2
        final = trays[0].host.texts(), trays[0].host.tooltip(), trays[0].host.icon()
        assert trays[0].end() == 0
        trays.append(TrayProcess(environment, home))
        trays[1].wait_until_shown()
        until(lambda: trays[1].host.entry("Load"), "the daemon's menu")
        until(lambda: trays[1].host.tooltip() == final[1], "the daemon's tooltip, which is sent after the menu")
        assert (trays[1].host.texts(), trays[1].host.tooltip(), trays[1].host.icon()) == final
    finally:
        for tray in trays:
            tray.end()
        asked, _ = daemon.communicate()
    # One for each tray: every event of the rest was received, one after another.
    assert int(asked) == 2


def known_share(tray: TrayProcess) -> int | None:
    """The percents that the ring on the icon shows."""
    shown = tray.host.icon()
    return shown.percent if shown is not None else None


def panel_of(desktop: VirtualDesktop, folder: Path) -> Image.Image:
    """The strip of the screen where the panel is."""
    with Image.open(desktop.screenshot(folder / "screen.png")) as screen:
        return screen.convert("RGB").crop((0, screen.height - 36, screen.width, screen.height))


def pixels_like(desktop: VirtualDesktop, folder: Path, colour: tuple[int, ...]) -> int:
    """How many pixels of the panel have nearly this colour."""
    strip = panel_of(desktop, folder)
    return sum(
        count
        for count, seen in strip.getcolors(strip.width * strip.height)
        if max(abs(a - b) for a, b in zip(seen, colour[:3], strict=True)) <= 12
    )


def icon_place(desktop: VirtualDesktop, folder: Path) -> tuple[int, int] | None:
    """Where on the screen the error's colour is."""
    strip, wanted = panel_of(desktop, folder), palette("dark").error[:3]
    found = [
        (x, y)
        for x in range(strip.width)
        for y in range(strip.height)
        if max(abs(a - b) for a, b in zip(strip.getpixel((x, y)), wanted, strict=True)) <= 12
    ]
    if not found:
        return None
    x, y = found[len(found) // 2]
    return x, 800 - 36 + y
