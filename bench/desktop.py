"""Tray and viewer on a virtual desktop: what they cost while nothing happens, and how soon they show what does.

A daemon without models stands behind them (the tests' own), so that nothing else takes part. Writes a section of
docs/performance.md.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import psutil
import report
from modeld.places import find
from modeld.protocol import events, views
from modeld.protocol.states import ModelState
from support.desktop.driven_viewer import SIZE, DrivenViewer, stamp
from support.desktop.tray_host import TrayProcess
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.fake_daemon import FakeDaemon, model_of, result_of, run_of
from support.waiting import until

IDLE_S = 60.0
EVENTS = 300
EVENT_S = 0.1
SCROLL_S = 5.0
MODELS, MEASURED, RUNS = 1000, 20, 500
WARM_EVENTS, REPLAYED_EVENTS = 20_000, 100_000
REPLAY_S = 300.0
MIB = 2**20


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory(prefix="modeld-desktop-") as folder:
        desktop = VirtualDesktop(Path(folder))
        try:
            rows = [
                *_idle(desktop, Path(folder) / "idle"),
                *_events(desktop, Path(folder) / "few", 11),
                *_events(desktop, Path(folder) / "many", MODELS),
                *_replay(desktop, Path(folder) / "replay"),
            ]
        finally:
            desktop.close()
    text = [
        "## Tray and viewer",
        "Against no peer: against the bounds that the project set. The screen is Xvfb, drawn by Mesa without a GPU.",
        report.table(["", "measured", "bound"], rows),
        report.conditions(
            f"{IDLE_S:.0f} s idle, {EVENTS} events {1 / EVENT_S:.0f} a second, {SCROLL_S:.0f} s of scrolling",
            f"{MODELS} models, {MEASURED * RUNS} runs in the history",
        ),
    ]
    report.write("desktop", "\n\n".join(text))


def _idle(desktop: VirtualDesktop, home: Path) -> Iterator[list[str]]:
    """Processor time and memory of both while nothing happens but heartbeats, with the real number of them."""
    with _daemon(home, 11), _tray(desktop, home) as tray, _viewer(desktop, home) as viewer:
        programs = {"tray": psutil.Process(tray.process.pid), "viewer": psutil.Process(viewer.pid)}
        time.sleep(2)  # what begins has ended: what is measured is doing nothing
        before = {name: sum(process.cpu_times()[:2]) for name, process in programs.items()}
        time.sleep(IDLE_S)
        for name, bound in (("tray", "≤ 0.5"), ("viewer", "≤ 3")):
            share = 100 * (sum(programs[name].cpu_times()[:2]) - before[name]) / IDLE_S
            yield [f"{name}, idle: processor, %", f"{share:.2f}", bound]
            yield [f"{name}, idle: resident memory, MiB", f"{programs[name].memory_info().rss / MIB:.0f}", ""]


def _events(desktop: VirtualDesktop, home: Path, models: int) -> Iterator[list[str]]:
    """From an event to the frame that shows it; with many models also the start and the scrolling."""
    with _daemon(home, models) as daemon:
        began = time.monotonic()
        with _viewer(desktop, home) as viewer:
            opened = time.monotonic() - began
            total = len(daemon.models)
            if models == MODELS:
                yield [f"viewer, {total:,} models: start to the frame with them, s", f"{opened:.2f}", "≤ 2"]
            viewer.ask("latencies")
            for _number in range(EVENTS):
                daemon.do(lambda: _use(daemon))
                time.sleep(EVENT_S)
            found = sorted(viewer.ask("latencies"))
            if len(found) < EVENTS * 9 // 10:
                raise SystemExit(f"only {len(found)} of {EVENTS} events were drawn")
            name = f"viewer, {total:,} models: event to finished frame, ms"
            yield [f"{name}, median", f"{statistics.median(found):.1f}", "≤ 50"]
            yield [f"{name}, p99", f"{found[len(found) * 99 // 100]:.1f}", "≤ 50"]
            if models == MODELS:
                yield [f"viewer, {total:,} models: frames/s, scrolling", f"{_scrolled(viewer):.0f}", "≥ 20"]
                desktop.keys("ctrl+3")
                until(lambda: viewer.find("M-000", "Checkbox"), "the history's models")
                viewer.ask("tick")
                until(lambda: all(box.value for box in viewer.look() if box.kind == "mvCheckbox"), "all ticked")
                until(lambda: _resting(viewer), "the history")
                label = f"viewer, {MEASURED * RUNS:,} runs in the history: frames/s, scrolling"
                yield [label, f"{_scrolled(viewer):.0f}", "≥ 20"]


def _use(daemon: FakeDaemon) -> None:
    """In the daemon's thread: the loaded model has used as many tokens as the clock shows."""
    now = stamp()
    daemon.publish(events.ContextUsed, model="mistral", used=now, size=2**62)


def _scrolled(viewer: DrivenViewer) -> float:
    """Frames a second while the wheel turns, down and up."""
    before, began = viewer.ask("frames"), time.monotonic()
    while (passed := time.monotonic() - began) < SCROLL_S:
        button = "5" if passed < SCROLL_S / 2 else "4"
        place = (str(SIZE.width // 2), str(SIZE.height * 3 // 4))
        viewer.desktop.run("xdotool", "mousemove", *place, "click", "--repeat", "50", "--delay", "10", button)
    return float(viewer.ask("frames") - before) / (time.monotonic() - began)


def _resting(viewer: DrivenViewer) -> bool:
    """Whether no frame but those of the questions is drawn."""
    before = viewer.ask("frames")
    time.sleep(1)
    return bool(viewer.ask("frames") - before <= 5)


def _replay(desktop: VirtualDesktop, home: Path) -> Iterator[list[str]]:
    """Memory that two hours' worth of events leave behind."""
    daemon = subprocess.Popen(
        [sys.executable, "-m", "support.replay_daemon"],
        env={**desktop.environment, "MODELD_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    daemon.stdout.readline()
    try:
        with _tray(desktop, home) as tray, _viewer(desktop, home) as viewer:
            programs = {"tray": psutil.Process(tray.process.pid), "viewer": psutil.Process(viewer.pid)}
            before: dict[str, int] = {}
            for count in (WARM_EVENTS, REPLAYED_EVENTS):
                daemon.stdin.write(f"{count}\n")
                key = f"AFTER-{count}"
                until(partial(tray.host.entry, "Load", key), f"{key} in the menu", REPLAY_S)
                until(partial(viewer.find, key), f"{key} in the window", REPLAY_S)
                before = before or {name: process.memory_info().rss for name, process in programs.items()}
            for name, process in programs.items():
                grown = (process.memory_info().rss - before[name]) / MIB
                yield [f"{name}, {REPLAYED_EVENTS:,} events: memory grown, MiB", f"{grown:.1f}", "< 10"]
    finally:
        daemon.communicate()


@contextmanager
def _daemon(home: Path, models: int) -> Iterator[FakeDaemon]:
    daemon = FakeDaemon(find({"MODELD_HOME": str(home)}))
    daemon.heartbeat_s = 1.0  # as the real one's; the tests' own hurries
    for number in range(models):
        model = model_of(f"m-{number:03}", ModelState.ON_DISK)
        if models == MODELS and number < MEASURED:
            model = msgspec.structs.replace(model, latest=result_of(model.key))
        daemon.models[model.key] = model
    daemon.runs = [_run(number) for number in range(RUNS)]
    try:
        yield daemon
    finally:
        daemon.close()


def _run(number: int) -> views.BenchmarkRun:
    """One run a day, each twentieth disturbed."""
    at = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat(timespec="microseconds")
    result = msgspec.structs.replace(result_of("m", 40 + number % 7), timestamp=at)
    run: views.BenchmarkRun = run_of("m")
    return msgspec.structs.replace(run, id=f"b{number}", result=result, disturbed=number % 20 == 0)


@contextmanager
def _tray(desktop: VirtualDesktop, home: Path) -> Iterator[TrayProcess]:
    tray = TrayProcess(environment_of(desktop, home), home)
    try:
        tray.wait_until_shown()
        yield tray
    finally:
        tray.end()


@contextmanager
def _viewer(desktop: VirtualDesktop, home: Path) -> Iterator[DrivenViewer]:
    viewer = DrivenViewer(desktop, home)
    try:
        yield viewer
        viewer.close()
    finally:
        viewer.kill()


if __name__ == "__main__":
    main()
