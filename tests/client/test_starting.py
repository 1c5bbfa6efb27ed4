"""Two programs that start the daemon at the same moment: one daemon runs, and both programs have it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from modelctl import Client, starting
from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.transport.transport import Transport
from modeld.places import Places
from modeld.protocol import replies
from modeld.protocol.connection import ALREADY_RUNNING_EXIT


class Slow:
    """A client whose daemon answers from the third question on."""

    def __init__(self, places: Places) -> None:
        self.transport = Transport(places)
        self.asked = 0

    def ping(self) -> replies.Pong:
        self.asked += 1
        if self.asked < 3:
            raise DaemonUnavailable("Nobody there.")
        return replies.Pong(version="0", protocol=1, pid=1, epoch="e")


@pytest.fixture
def slow(places: Places) -> Iterator[Client]:
    """A client of a daemon that another process has just started."""
    made = Slow(places)
    yield cast(Client, made)
    made.transport.close()


def ends_with(code: int) -> Callable[[Path, dict[str, str]], "subprocess.Popen[bytes]"]:
    """The start of a daemon that ends at once with this exit code."""

    def spawn(boot_log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        boot_log.parent.mkdir(parents=True, exist_ok=True)
        boot_log.write_text("error: words of the daemon")
        child = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
        child.wait()
        return child

    return spawn


def test_who_is_second_waits_for_the_daemon_of_who_was_first(slow: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(starting, "_spawn", ends_with(ALREADY_RUNNING_EXIT))
    assert starting.start(slow).epoch == "e"


@pytest.mark.parametrize("code", [1, 2])
def test_a_daemon_that_fails_to_start_is_not_waited_for(slow: Client, monkeypatch: pytest.MonkeyPatch, code: int):
    monkeypatch.setattr(starting, "_spawn", ends_with(code))
    with pytest.raises(ModeldError, match=rf"ended at once \(exit code {code}\)(.|\n)*words of the daemon"):
        starting.start(slow)
