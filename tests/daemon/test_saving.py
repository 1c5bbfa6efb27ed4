"""What a real daemon says of its disk: an answer holds after a kill, and a change that is not saved is no ok."""

import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq
from modelctl import Client, ModeldError
from modeld.protocol import requests, views, wire
from modeld.protocol.connection import Connection
from modeld.protocol.events import DaemonChanged
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from support.commandline import modelctl
from support.real_daemon import DEADLINE_S, RealDaemon

SOURCE = "https://example.org/m.gguf"


@contextmanager
def held(daemon: RealDaemon) -> Iterator[None]:
    """The database, held by another program."""
    with closing(sqlite3.connect(daemon.places.database, isolation_level=None)) as sql:
        sql.execute("BEGIN IMMEDIATE")
        yield
        sql.execute("ROLLBACK")


def refusal(of: Callable[[], object]) -> str:
    """The reason for which a request is refused."""
    with pytest.raises(ModeldError) as refused:
        of()
    return refused.value.failure.reason


def test_what_was_answered_is_there_after_a_kill(daemon: RealDaemon, client: Client):
    for number in range(5):
        client.add(f"m{number}", SOURCE)
        client.pin(f"m{number}")
        daemon.stop(signal.SIGKILL)
        daemon.start()
        assert client.show(f"m{number}").pinned


def test_a_change_that_cannot_be_saved_says_so_and_is_saved_when_it_can_be(daemon: RealDaemon, client: Client):
    client.add("before", SOURCE)
    changes = client.events("daemon.state")
    with held(daemon):
        assert refusal(lambda: client.add("new", SOURCE)) == Reason.NOT_SAVED.id
        assert client.show("new").key == "new", "the change is in effect"
        assert client.results("before").runs == [], "reads go on"
        shown = client.status().daemon.not_saving
        assert "not saving" in modelctl("status", env={**daemon.environment, "MODELCTL_LANGUAGE": "en"}).stdout
        assert shown is not None and shown.reason == Reason.NOT_SAVING.id and "locked" in shown.message
    told = []
    for event in changes:
        if isinstance(event, DaemonChanged):
            told.append(event.daemon.not_saving)
            if event.daemon.not_saving is None:
                break
    changes.close()
    assert told == [shown, None] and client.status().daemon.not_saving is None
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert client.show("new").key == "new"


def test_a_full_disk_is_the_answer_of_every_kind_of_change(daemon: RealDaemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    size = daemon.places.database.with_name(daemon.places.database.name + "-wal").stat().st_size
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    assert refusal(lambda: client.pin("tiny")) == Reason.NOT_SAVED.id
    assert refusal(lambda: client.add("new", SOURCE)) == Reason.NOT_SAVED.id
    backup = views.Backup(format=1, at="", daemon_version="", models=[views.AddedModel(key="r", source=SOURCE)])
    assert refusal(lambda: client.restore(backup)) == Reason.NOT_SAVED.id
    assert refusal(lambda: client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)) == Reason.NOT_SAVED.id
    assert len(client.results("tiny").runs) == 1, "a run that is not saved is in the history"
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    client.add("after", SOURCE)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert {model.key for model in client.list()} >= {"tiny", "new", "r", "after"}
    assert client.show("tiny").pinned and len(client.results("tiny").runs) == 1


def test_a_database_that_is_moved_or_deleted_takes_no_changes_until_it_is_back(daemon: RealDaemon, client: Client):
    client.add("before", SOURCE)
    database = daemon.places.database
    aside = database.rename(database.with_name("aside"))
    assert refusal(lambda: client.pin("before")) == Reason.NOT_SAVED.id
    assert refusal(lambda: client.results("before")) == Reason.DATABASE_NOT_USABLE.id
    assert not database.exists(), "a read makes no empty one"
    shown = client.status().daemon.not_saving
    assert shown is not None and "deleted or replaced" in shown.message
    aside.rename(database)
    client.add("after", SOURCE)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert client.show("before").pinned and client.show("after").key == "after"


def test_a_repetition_of_a_change_that_is_not_saved_is_no_ok(daemon: RealDaemon, client: Client):
    add = requests.Add(id="1", key="once", model="new", source=SOURCE)
    with held(daemon):
        for name in ("1", "2"):
            again = requests.Add(id=name, key="once", model="new", source=SOURCE)
            assert refusal(lambda request=again: client.transport.request(request, DEADLINE_S)) == Reason.NOT_SAVED.id
    client.transport.request(add, DEADLINE_S)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert client.show("new").key == "new"


def test_an_orderly_stop_saves_what_was_refused(daemon: RealDaemon, client: Client):
    with held(daemon):
        assert refusal(lambda: client.add("new", SOURCE)) == Reason.NOT_SAVED.id
    daemon.stop()
    daemon.start()
    assert client.show("new").key == "new"


def test_a_stop_without_a_disk_logs_what_is_lost(daemon: RealDaemon, client: Client):
    with held(daemon):
        assert refusal(lambda: client.add("new", SOURCE)) == Reason.NOT_SAVED.id
        assert daemon.stop() == 0
    assert "the model new is lost" in daemon.log()


def test_requests_of_others_come_between_the_steps_of_a_long_restore(daemon: RealDaemon, client: Client):
    connection = msgspec.json.decode(daemon.places.connection_file.read_bytes(), type=Connection)
    models = [views.AddedModel(key=f"m{number}", source=SOURCE) for number in range(3000)]
    known = len(client.list())
    seen = set()
    with zmq.Context() as context, context.socket(zmq.DEALER) as restoring:
        restoring.linger = 0
        restoring.connect(connection.commands)
        restoring.send(wire.encode(requests.Restore(id="r", models=models)))
        while not restoring.poll(0):
            seen.add(len(client.list()) - known)
    assert seen - {0, len(models)}, "others are served while the models appear"


def test_a_model_is_loaded_although_that_cannot_be_remembered(daemon: RealDaemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    with held(daemon):
        assert client.load("tiny").model.state is ModelState.LOADED
        assert refusal(lambda: client.pin("tiny")) == Reason.NOT_SAVED.id
