"""A bug in the daemon fails one request; the daemon and all other work go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq
from modelctl import Client, ModeldError
from modeld.protocol import events, replies, requests, wire
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from support.real_daemon import DEADLINE_S, RealDaemon

KINDS = ("good", "odd")

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

ANSWERS_CANNOT_BE_ENCODED = """
from modeld.adapters.endpoint import endpoint
encode = endpoint.encode
def raises(reply):
    if reply.ok and reply.id.startswith("odd"):
        raise OverflowError("planted")
    return encode(reply)
endpoint.encode = raises
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


def test_an_answer_that_cannot_be_sent_becomes_a_failure_and_delays_no_other(tmp_path: Path, tiny_file: Path) -> None:
    with faulty(tmp_path, tiny_file, ANSWERS_CANNOT_BE_ENCODED) as (_daemon, client):
        source = "https://example.org/m.gguf"
        asked = [
            requests.Add(id=f"{name}{at}", model=f"{name}{at}", source=source) for at in range(9) for name in KINDS
        ]
        connection = client.transport.connection()
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.connect(connection.commands)
            for request in [requests.Ping(id="odd"), *asked]:
                socket.send_multipart([b"", wire.encode(request)])
            answers = {}
            while len(answers) <= len(asked) and socket.poll(int(DEADLINE_S * 1000)):
                reply = msgspec.json.decode(socket.recv_multipart()[-1], type=replies.Reply)
                answers[reply.id] = reply
        failure = Reason.INTERNAL_ERROR.failure(error="OverflowError('planted')")
        assert answers.keys() == {"odd", *(request.id for request in asked)}
        for name, reply in answers.items():
            assert reply.error == failure if name.startswith("odd") else reply.ok
