"""Choices as the daemon gets them, and what is told when they fail."""

import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import filelock
from modelctl.client import Client
from modelctl.desktop import viewer_process
from modelctl.desktop.tray import choices
from modelctl.desktop.tray.actions import Actions
from modelctl.desktop.tray.choices import Choice
from modeld.places import Places
from modeld.protocol import requests
from support.fake_daemon import FakeDaemon

DEADLINE_S = 30.0


class Harness:
    """Actions on a home, with what they tell."""

    def __init__(self, places: Places) -> None:
        self.failures: queue.Queue[str] = queue.Queue()
        self.quits: list[bool] = []
        self.client = Client(places)
        self.actions = Actions(places, self.client, failed=self.failures.put, quit_tray=lambda: self.quits.append(True))

    def failure(self) -> str:
        return self.failures.get(timeout=DEADLINE_S)

    def close(self) -> None:
        self.actions.close()
        self.client.close()


@pytest.fixture
def harness(places: Places) -> Iterator[Harness]:
    made = Harness(places)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("choice", "request_type", "fields"),
    [
        (choices.Load("phi"), requests.Load, {"model": "phi", "wait": False}),
        (choices.Unload("mistral"), requests.Unload, {"model": "mistral", "wait": False}),
        (choices.Unload(), requests.Unload, {"model": "", "wait": False}),
        (choices.Pin("phi", True), requests.Pin, {"model": "phi", "pinned": True}),
        (choices.Pull("absent"), requests.Pull, {"model": "absent", "wait": False}),
        (choices.Pause(), requests.Pause, {"job": "", "model": ""}),
        (choices.Resume(), requests.Resume, {"job": "", "model": ""}),
        (choices.Benchmark("phi"), requests.Benchmark, {"models": ["phi"], "all": False}),
        (choices.Benchmark(), requests.Benchmark, {"models": [], "all": True}),
    ],
)
def test_a_choice_is_a_request(
    fake_daemon: FakeDaemon,
    harness: Harness,
    choice: Choice,
    request_type: type[requests.Request],
    fields: dict[str, object],
) -> None:
    harness.actions.start(choice)
    assert fake_daemon.arrived.wait(DEADLINE_S)
    (seen,) = fake_daemon.seen
    assert isinstance(seen, request_type)
    assert {name: getattr(seen, name) for name in fields} == fields
    harness.actions.close()
    assert harness.failures.empty()


def test_a_refusal_is_told_with_what_to_do(fake_daemon: FakeDaemon, harness: Harness) -> None:
    harness.actions.start(choices.Load("absent"))
    assert harness.failure() == "absent is not on disk. modelctl pull absent"


def test_without_a_daemon_a_choice_tells_that_it_is_away(harness: Harness) -> None:
    harness.actions.start(choices.Load("phi"))
    assert "modeld is not running" in harness.failure()


def test_quitting_asks_the_daemon_nothing(fake_daemon: FakeDaemon, harness: Harness) -> None:
    harness.actions.start(choices.QuitTray())
    harness.actions.close()
    assert (harness.quits, fake_daemon.seen) == ([True], [])


def test_a_viewer_that_ends_badly_is_told_with_its_reason(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; sys.exit('error: there is no display\\nhint: get one')"
    monkeypatch.setattr(viewer_process, "COMMAND", (sys.executable, "-c", script))
    harness.actions.start(choices.OpenViewer())
    assert harness.failure() == "The viewer ended with code 1: there is no display"


def test_a_viewer_that_cannot_be_started_is_told(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_process, "COMMAND", ("/nowhere/python",))
    harness.actions.start(choices.OpenViewer())
    assert "/nowhere/python" in harness.failure()


def test_a_log_that_nothing_opens_is_told_with_its_path(
    harness: Harness, places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    harness.actions.start(choices.OpenLogs())
    assert str(places.state_dir) in harness.failure()


def test_a_bug_in_a_choice_is_logged_and_the_next_one_is_done(
    fake_daemon: FakeDaemon, harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(viewer_process, "start", None)
    harness.actions.start(choices.OpenViewer())
    assert "tray's log" in harness.failure()
    assert "TypeError" in caplog.text
    harness.actions.start(choices.Unload())
    assert fake_daemon.arrived.wait(DEADLINE_S)


def test_a_home_has_one_tray_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "tray.lock"
    first = filelock.hold(lock)
    assert first is not None
    assert filelock.hold(lock) is None
    first.close()
    again = filelock.hold(lock)
    assert again is not None
    again.close()
