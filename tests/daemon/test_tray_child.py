"""The daemon starts its tray where there is a desktop, starts a failed one again, and leaves an ended one alone."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from modeld.adapters.tray_process import Tray, has_desktop
from support.waiting import until

DESKTOP = {"DISPLAY": ":0", "HF_TOKEN": "secret"}


def script(path: Path, *lines: str) -> list[str]:
    path.write_text("\n".join(["import os, sys, pathlib", *lines]))
    return [sys.executable, str(path)]


def keep(
    command: list[str], environment: dict[str, str], done: Callable[[], bool], caplog: pytest.LogCaptureFixture
) -> None:
    """Run a tray on a loop of its own until ``done``."""
    caplog.set_level(logging.INFO)

    async def run() -> None:
        tray = Tray(command, environment, first_pause_s=0.01, look_s=0.01)
        tray.start()
        await asyncio.to_thread(until, done, "what the test waits for")
        tray.close()

    asyncio.run(run())


def test_a_tray_that_fails_is_started_again_until_it_ends_well(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    marks = tmp_path / "marks"
    command = script(
        tmp_path / "tray.py",
        f"marks = pathlib.Path({str(marks)!r})",
        "count = len(marks.read_text()) if marks.exists() else 0",
        "marks.write_text('x' * (count + 1))",
        "if count < 2: sys.exit('no luck')",
    )
    keep(command, DESKTOP, lambda: "the tray was ended" in caplog.text, caplog)
    assert marks.read_text() == "xxx"
    assert caplog.text.count("no luck") == 2


def test_the_tray_is_not_given_the_hub_s_token(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    seen = tmp_path / "seen"
    command = script(tmp_path / "tray.py", f"pathlib.Path({str(seen)!r}).write_text(repr(sorted(os.environ)))")
    keep(command, DESKTOP, lambda: "the tray was ended" in caplog.text, caplog)
    assert "DISPLAY" in seen.read_text() and "HF_TOKEN" not in seen.read_text()


def test_without_a_desktop_it_is_said_once_and_a_bus_that_appears_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    looks = 0

    class Environment(dict[str, str]):
        def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
            nonlocal looks
            looks += name == "DISPLAY"
            if looks == 5:
                (tmp_path / "bus").touch()
            return super().get(name, default)

    command = script(tmp_path / "tray.py", "pass")
    environment = Environment(XDG_RUNTIME_DIR=str(tmp_path))
    keep(command, environment, lambda: "the tray was ended" in caplog.text, caplog)
    assert caplog.text.count("no tray and no notifications") == 1


def test_a_command_that_is_not_there_is_logged_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    keep([str(tmp_path / "nothing")], DESKTOP, lambda: "cannot be started" in caplog.text, caplog)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}, "linux", True),
        ({"XDG_RUNTIME_DIR": "/does/not/exist"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_where_a_tray_has_a_place(environment: dict[str, str], platform: str, expected: bool):
    assert has_desktop(environment, platform) is expected
