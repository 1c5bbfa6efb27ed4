"""A daemon that was killed: the next command or the tray starts it again; one that was stopped stays stopped."""

import os
import signal
from collections.abc import Iterator

import msgspec
import pytest
from modelctl import starting
from modelctl.client import Client
from modelctl.desktop.tray.reviver import LOOP_STARTS, Reviver
from modelctl.errors import DaemonDied, DaemonUnavailable
from modeld.protocol import wire
from modeld.protocol.connection import Connection
from support.commandline import modelctl
from support.real_daemon import RealDaemon
from support.waiting import until


@pytest.fixture
def killed(daemon: RealDaemon) -> Iterator[RealDaemon]:
    """A daemon after kill -9; the one that a test starts in its place is stopped afterwards."""
    daemon.stop(signal.SIGKILL)
    yield daemon
    modelctl("down", env=daemon.environment, timeout_s=60)


@pytest.fixture
def around(killed: RealDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client in this process, which starts daemons with the settings of the killed one."""
    for name in list(os.environ):
        if name not in killed.environment:
            monkeypatch.delenv(name)
    for name, value in killed.environment.items():
        monkeypatch.setenv(name, value)
    with Client(killed.places) as client:
        yield client


def test_the_next_command_starts_a_killed_daemon(killed: RealDaemon) -> None:
    listed = modelctl("ls", "--json", env=killed.environment, timeout_s=60)
    assert listed.returncode == 0 and listed.stdout.startswith("{")
    assert "started again" in listed.stderr
    assert modelctl("ls", env=killed.environment, timeout_s=60).stderr == ""


def test_status_and_down_leave_a_killed_daemon_dead(killed: RealDaemon) -> None:
    status = modelctl("status", env=killed.environment, timeout_s=60)
    assert status.returncode == 3 and "ended unexpectedly" in status.stderr
    assert "not running" in modelctl("down", env=killed.environment, timeout_s=60).stderr
    assert modelctl("status", env=killed.environment, timeout_s=60).returncode == 3
    assert modelctl("ls", env=killed.environment, timeout_s=60).returncode == 3  # after "down" it counts as stopped


def test_a_daemon_that_was_stopped_is_not_started_by_a_command(daemon: RealDaemon) -> None:
    assert modelctl("down", env=daemon.environment, timeout_s=60).returncode == 0
    listed = modelctl("ls", env=daemon.environment, timeout_s=60)
    assert listed.returncode == 3 and "modelctl up" in listed.stderr


def test_the_tray_starts_a_killed_daemon(around: Client) -> None:
    failures: list[str] = []
    Reviver(around, failures.append, grace_s=lambda: 0.0).look(0.0)
    assert around.ping().version and not failures


def test_the_tray_leaves_a_stopped_daemon_alone(around: Client) -> None:
    starting.start(around)
    around.shutdown()
    until(lambda: starting.answering(around) is None, "the daemon has stopped")
    started: list[Client] = []
    Reviver(around, lambda _text: None, start=started.append, grace_s=lambda: 0.0).look(0.0)
    assert not started


def test_the_tray_lets_a_service_start_it_first(around: Client) -> None:
    started: list[Client] = []
    reviver = Reviver(around, lambda _text: None, start=started.append, grace_s=lambda: 10.0)
    for now in (0.0, 5.0, 9.0):
        reviver.look(now)
    assert not started
    reviver.look(10.0)
    assert len(started) == 1


def test_the_tray_ends_a_crash_loop_and_says_so_once(around: Client) -> None:
    failures: list[str] = []
    started: list[Client] = []
    reviver = Reviver(around, failures.append, start=started.append, grace_s=lambda: 0.0)
    for second in range(300):
        reviver.look(float(second))
    assert len(started) == LOOP_STARTS
    assert len(failures) == 1 and "5 times within 120 s" in failures[0]
    starting.start(around)  # the user has started it
    reviver.look(301.0)
    os.kill(around.ping().pid, signal.SIGKILL)
    until(lambda: is_dead(around), "the daemon is dead")
    reviver.look(302.0)
    assert len(started) == LOOP_STARTS + 1


def is_dead(client: Client) -> bool:
    try:
        client.transport.connection()
    except DaemonDied:
        return True
    return False


def test_a_pid_that_another_process_has_now_does_not_keep_a_call_waiting(killed: RealDaemon) -> None:
    """Our own process stands for the one that got the pid."""
    path = killed.places.connection_file
    old = msgspec.json.decode(path.read_bytes(), type=Connection)
    path.write_bytes(wire.encode(msgspec.structs.replace(old, pid=os.getpid())))
    with Client(killed.places) as client, pytest.raises(DaemonUnavailable, match="ended unexpectedly"):
        client.shutdown()
    down = modelctl("down", env=killed.environment, timeout_s=60)
    assert down.returncode == 0 and "not running" in down.stderr and not path.exists()


def test_a_pid_in_the_lock_file_that_another_process_has_now_does_not_hide_why_the_start_failed(
    killed: RealDaemon,
) -> None:
    killed.places.lock_file.write_text(str(os.getpid()))
    killed.places.config_file.parent.mkdir(parents=True, exist_ok=True)
    killed.places.config_file.write_text("nonsense = 1\n")
    up = modelctl("up", env=killed.environment, timeout_s=60)
    assert "ended at once" in up.stderr and "nonsense" in up.stderr
    killed.places.config_file.unlink()
