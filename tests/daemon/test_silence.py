"""A daemon that is stopped (SIGSTOP) and goes on: what is shown is marked, waiting commands give up, nothing hangs."""

import contextlib
import itertools
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from modelctl.client import Client
from modelctl.desktop.tray.appearance import appearance, not_responding
from modelctl.desktop.tray.unseen import UnseenNews
from modelctl.follow import Mirror, keep_following
from modeld.protocol.events import AnyEvent
from modeld.protocol.states import JobState, ModelState
from modelicons import IconState
from support.real_daemon import RealDaemon
from support.waiting import until


@contextlib.contextmanager
def stopped(daemon: RealDaemon) -> Iterator[None]:
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)


class Follower:
    """What ``keep_following`` reports, as (reachable, stale)."""

    def __init__(self, client: Client) -> None:
        self.mirror: Mirror | None = None
        self.states: list[tuple[bool, bool]] = []
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=keep_following, args=(client.transport, self._changed, self._stop))

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def state_of(self, key: str) -> ModelState | None:
        model = self.mirror.model(key) if self.mirror is not None else None
        return model.state if model is not None else None

    def wait_for(self, reachable: bool, stale: bool) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.states[-1:] == [(reachable, stale)], 15), self.states

    def _changed(self, mirror: Mirror | None, _event: AnyEvent | None) -> None:
        with self._news:
            self.mirror = mirror or self.mirror
            self.states.append((mirror is not None, mirror is not None and mirror.stale))
            self._news.notify_all()


def test_a_stopped_daemon_is_stale_until_it_goes_on(daemon: RealDaemon, client: Client, tiny_file: Path) -> None:
    client.add("tiny", str(tiny_file))
    with Follower(client) as follower:
        follower.wait_for(True, False)
        with stopped(daemon):
            started = time.monotonic()
            follower.wait_for(True, True)
            assert time.monotonic() - started < 9
            assert follower.mirror is not None
            asked = time.monotonic()
            assert follower.mirror.model("tiny") is not None  # read while the daemon cannot answer
            assert time.monotonic() - asked < 1
            shown = appearance(follower.mirror.snapshot, UnseenNews(), follower.mirror.stale)
            assert shown.state is IconState.OFFLINE and shown.title == not_responding()
        follower.wait_for(True, False)
        client.load("tiny")
        until(lambda: follower.state_of("tiny") is ModelState.LOADED, "the mirror follows again")


def test_a_follower_that_is_stopped_ends_while_the_daemon_is_silent(daemon: RealDaemon, client: Client) -> None:
    with Follower(client) as follower:
        follower.wait_for(True, False)
        with stopped(daemon):
            follower.wait_for(True, True)
            follower.__exit__()


@contextlib.contextmanager
def start(daemon: RealDaemon, *words: str) -> "Iterator[subprocess.Popen[str]]":
    """A command; it is killed at the end, so that a failed test does not wait for it."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "modelctl", *words],
        env=daemon.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_watching_command_tells_of_silence_and_of_its_end(daemon: RealDaemon, client: Client) -> None:
    with start(daemon, "watch") as watching:
        assert watching.stdout is not None and watching.stderr is not None
        limits = itertools.count(1)
        while not select.select([watching.stdout], [], [], 0.2)[0]:
            client.limit(next(limits))  # an event, again until it is watched
        with stopped(daemon):
            assert "does not respond" in watching.stderr.readline()
        assert "responds again" in watching.stderr.readline()
        watching.terminate()


def test_a_waiting_command_gives_up_and_the_work_goes_on(daemon: RealDaemon, client: Client, tiny_file: Path) -> None:
    client.add("tiny", str(tiny_file))
    with start(daemon, "bench", "tiny", "-r", "100") as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline() and waiting.stderr.readline()  # its progress
        with stopped(daemon):
            started = time.monotonic()
            code = waiting.wait(60)
            assert time.monotonic() - started > 15
        told = waiting.stderr.read()
    assert code == 6
    assert "does not respond" in told and "has not responded for 20 s" in told
    assert "continues" in told and "modelctl jobs" in told
    (job,) = client.jobs("tiny")
    assert job.state in (JobState.RUNNING, JobState.DONE)
