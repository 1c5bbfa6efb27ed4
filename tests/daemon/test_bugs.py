"""A bug in the daemon fails one request; the daemon and all other work go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from modelctl import Client, ModeldError
from modeld.protocol import events
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from support.real_daemon import DEADLINE_S, RealDaemon

PIN_RAISES = """
from modeld.core.models.library import Library
def pin(self, ticket, request):
    self._state.models["tiny"].pin(True)
    self._state.wanted.append("tiny")
    raise ZeroDivisionError("planted")
Library.pin = pin
"""
WORKER_CANNOT_START = """
from modeld.adapters.workers import Workers
def start(self, effect):
    raise ZeroDivisionError("planted")
Workers.start = start
"""
ENDED_WORKER_RAISES = """
from modeld.core.serving.loading import Loader
def worker_exited(self, fact):
    raise ZeroDivisionError("planted")
Loader.worker_exited = worker_exited
"""


@contextmanager
def faulty(tmp_path: Path, tiny_file: Path, patch: str) -> Iterator[tuple[RealDaemon, Client]]:
    """A daemon with a bug and the model ``tiny``."""
    daemon = RealDaemon(tmp_path, {}, patch)
    try:
        with Client(daemon.places, timeout_s=DEADLINE_S) as client:
            client.add("tiny", str(tiny_file))
            yield daemon, client
    finally:
        daemon.stop()


def test_a_bug_fails_its_request_is_published_and_changes_nothing(tmp_path: Path, tiny_file: Path) -> None:
    with faulty(tmp_path, tiny_file, PIN_RAISES) as (daemon, client):
        heard = client.events("daemon.error")
        before = client.snapshot()
        for _ in range(2):
            with pytest.raises(ModeldError) as caught:
                client.pin("tiny")
            assert caught.value.failure == Reason.INTERNAL_ERROR.failure(error="ZeroDivisionError: planted")
        event = next(event for event in heard if isinstance(event, events.InternalError))
        assert (event.fact, event.error) == ("Asked pin", "ZeroDivisionError: planted")
        after = client.snapshot()
        assert (after.models, after.jobs) == (before.models, before.jobs)
        assert client.load("tiny").model.state is ModelState.LOADED
        assert daemon.log().count("ZeroDivisionError: planted") == 1  # the second time says nothing new


def test_an_adapter_that_raises_fails_what_it_was_asked_for(tmp_path: Path, tiny_file: Path) -> None:
    with faulty(tmp_path, tiny_file, WORKER_CANNOT_START) as (daemon, client):
        for _ in range(2):
            with pytest.raises(ModeldError, match="planted"):
                client.load("tiny")
        assert client.show("tiny").state is ModelState.ON_DISK
        assert "Traceback" in daemon.log()


def test_a_worker_whose_end_cannot_be_handled_leaves_nobody_waiting(tmp_path: Path, tiny_file: Path) -> None:
    with faulty(tmp_path, tiny_file, ENDED_WORKER_RAISES) as (_daemon, client):
        assert client.load("tiny").model.state is ModelState.LOADED
        client.unload("tiny")
        assert client.show("tiny").state is ModelState.ON_DISK
        assert client.load("tiny").model.state is ModelState.LOADED
