"""The log tab and the file behind it: the end, what is written then, rotation, filters, bounds."""

import threading
from pathlib import Path

import dearpygui.dearpygui as dpg
import msgspec
from modelctl import logfile
from modelctl.desktop.viewer.log.lines import KEPT, LONGEST, LogLines
from modelctl.desktop.viewer.log.tab import LogTab
from modeld.protocol.views import DaemonView, Snapshot, SystemView
from support.desktop.headless_ui import BenchUi, find

AT = "2026-01-02 03:04:05,678"


def snapshot_of(log: Path) -> Snapshot:
    daemon = DaemonView(version="1", pid=1, started_at="", log_file=str(log))
    return Snapshot(epoch="e", seq=1, at="", daemon=daemon, system=SystemView(), models=[], jobs=[])


def test_the_tail_is_the_last_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(50_000)) + "not whole")

    lines, position = logfile.tail(log, 2)

    assert lines == ["line 49998", "line 49999"]
    assert log.read_bytes()[position:] == b"not whole"


def test_following_goes_on_over_a_rotation_and_ends_when_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    stop = threading.Event()
    new = logfile.follow(log, 4, stop)
    with log.open("a") as file:
        file.write("one\n")
    assert next(new) == ["one"]
    log.rename(tmp_path / "log.1")
    log.write_text("two\n")

    assert next(new) == ["two"]

    stop.set()
    assert list(new) == []


def test_the_rest_of_a_traceback_has_the_level_of_its_line() -> None:
    lines = LogLines()
    lines.add([f"{AT} INFO a: fine", f"{AT} ERROR a: failed", "Traceback", "  File", f"{AT} WARNING a: hm"])

    assert [line.text[-6:] for line in lines.chosen(level="ERROR")] == ["failed", "ceback", "  File"]
    assert [line.level for line in lines.chosen("TRACE")] == ["ERROR"]


def test_lines_and_their_length_are_bounded() -> None:
    lines = LogLines()

    for number in range(100_000):
        lines.add([f"{AT} INFO a: {number}"])
    lines.add(["x" * 10 * LONGEST])

    assert len(lines) == KEPT
    assert len(lines.chosen()[-1].text) < LONGEST + 10


def test_the_pane_shows_the_end_of_the_log_and_what_is_written_then(window: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{AT} INFO a: {number}\n" for number in range(2 * KEPT)))
    ui = BenchUi()
    tab = LogTab(ui)
    tab.build(window)
    try:
        tab.show(snapshot_of(log))
        ui.run_until(lambda: len(rows(window)) == KEPT, "the end of the log")
        with log.open("a") as file:
            file.write(f"{AT} ERROR a: new\n")
        ui.run_until(lambda: rows(window)[-1].endswith("ERROR a: new"), "the new line")
    finally:
        tab.close()

    assert len(rows(window)) == KEPT
    assert rows(window)[0].endswith(f"INFO a: {KEPT + 1}")


def test_the_pane_forgets_nothing_while_the_daemon_is_away_and_follows_the_next_one(
    window: int, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(f"{AT} INFO a: first\n")
    second.write_text(f"{AT} INFO a: second\n")
    ui = BenchUi()
    tab = LogTab(ui)
    tab.build(window)
    try:
        tab.show(snapshot_of(first))
        ui.run_until(lambda: len(rows(window)) == 1, "the first log")
        tab.show(None)
        assert rows(window)[0].endswith("first")
        tab.show(msgspec.structs.replace(snapshot_of(second), epoch="f"))
        ui.run_until(lambda: bool(rows(window)) and rows(window)[0].endswith("second"), "the second log")
    finally:
        tab.close()

    assert len(rows(window)) == 1


def test_closing_ends_the_thread(window: int, tmp_path: Path) -> None:
    before = threading.active_count()
    tab = LogTab(BenchUi())
    tab.build(window)
    tab.show(snapshot_of(tmp_path / "none"))
    assert threading.active_count() == before + 1

    tab.close()

    assert threading.active_count() == before


def rows(window: int) -> list[str]:
    """The lines in the tab; the first field is the filter."""
    return [dpg.get_value(item) for item in find(window, "mvInputText")[1:]]
