"""The transport of Windows, run here: tcp on 127.0.0.1 with CURVE, for clients and workers."""

import json
from pathlib import Path

import pytest
import zmq
from modelctl import Client
from modelctl.errors import DaemonUnavailable
from modeld.protocol.states import ModelState
from support.real_daemon import DEADLINE_S, RealDaemon


@pytest.fixture
def settings() -> dict[str, str]:
    return {"MODELD_TRANSPORT": "tcp"}


def test_a_model_is_loaded_and_answers_without_any_socket_file(daemon: RealDaemon, client: Client, tiny_file: Path):
    events = client.events("model.tiny")
    next(events)
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    with client.stream_generate("tiny", "hello", max_tokens=20) as stream:
        text = "".join(chunk.text for chunk in stream)
        assert stream.generation.text == text
    assert next(event for event in events if getattr(event, "model", None)).model.key == "tiny"
    events.close()
    client.unload("tiny")
    assert client.show("tiny").state is ModelState.ON_DISK
    assert not list(daemon.places.runtime_dir.glob("*.sock"))


def test_the_endpoints_are_of_this_machine_and_have_keys(daemon: RealDaemon):
    connection = json.loads(daemon.places.connection_file.read_text())
    for name in ("commands", "events"):
        assert connection[name].startswith("tcp://127.0.0.1:")
    assert connection["server_key"] and connection["client_key"] and connection["client_secret"]


def test_who_has_not_read_the_connection_file_gets_nothing(daemon: RealDaemon):
    connection = json.loads(daemon.places.connection_file.read_text())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    stranger = context.socket(zmq.DEALER)
    stranger.curve_serverkey = connection["server_key"].encode()
    stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
    stranger.connect(connection["commands"])
    stranger.send(b'{"v":1,"id":"1","op":"ping"}')
    assert stranger.poll(500) == 0
    context.destroy(0)


def test_a_daemon_that_starts_again_has_new_keys_and_is_found(daemon: RealDaemon, client: Client):
    before = client.transport.connection()
    client.ping()
    daemon.stop()
    with pytest.raises(DaemonUnavailable):
        client.ping()
    daemon.start()
    assert client.ping().pid == daemon.process.pid
    assert client.transport.connection().client_secret != before.client_secret


def test_a_client_that_waits_notices_that_the_daemon_was_killed(daemon: RealDaemon, client: Client, tiny_file: Path):
    import signal

    client.add("tiny", str(tiny_file))
    stream = client.stream_generate("tiny", "hello", max_tokens=0)
    next(iter(stream))
    daemon.stop(signal.SIGKILL)
    with Client(daemon.places, timeout_s=DEADLINE_S) as other, pytest.raises(DaemonUnavailable):
        other.ping()
    stream.close()
