"""Two programs that start the daemon at the same moment: one daemon runs, and both programs have it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from modelctl import Client, starting
from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.transport.transport import Transport
from modeld.places import Places
from modeld.protocol import replies


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
def slow(places: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """The daemon that is started here ends at once."""

    def spawn(boot_log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        boot_log.parent.mkdir(parents=True, exist_ok=True)
        boot_log.write_text("error: A modeld runs for this home already.")
        child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
        child.wait()
        return child

    monkeypatch.setattr(starting, "_spawn", spawn)
    places.runtime_dir.mkdir(parents=True, exist_ok=True)
    made = Slow(places)
    yield cast(Client, made)
    made.transport.close()


def test_who_is_second_waits_for_the_daemon_of_who_was_first(slow: Client, places: Places):
    places.lock_file.write_text(str(os.getpid()))
    assert starting.start(slow).epoch == "e"


def test_a_lock_that_nobody_holds_any_more_is_not_waited_for(slow: Client, places: Places):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    places.lock_file.write_text(str(gone.pid))
    with pytest.raises(ModeldError, match="ended at once"):
        starting.start(slow)
