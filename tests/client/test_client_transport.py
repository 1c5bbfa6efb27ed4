"""The transport against a real socket: answers, failures, daemons that are away, die or keep silent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from modelctl import BadRequest, Client, DaemonUnavailable, ModeldError, NotFound, Refused
from modelctl.client import Message
from modelctl.errors import DaemonSilent
from modelctl.transport import transport as transports
from modelctl.transport.transport import Transport, new_id
from modeld.places import Places
from modeld.protocol import events, replies, requests, wire
from modeld.protocol.connection import Connection
from modeld.protocol.errors import ErrorCode
from support.fake_daemon import FakeDaemon


def wait_for(path: Path, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        threading.Event().wait(0.01)


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_without_a_connection_file_the_daemon_is_away_and_the_hint_says_up(places: Places) -> None:
    with Client(places) as client, pytest.raises(DaemonUnavailable) as caught:
        client.ping()
    assert "modelctl up" in caught.value.hint


def test_a_connection_file_of_a_dead_process_means_away_at_once(places: Places) -> None:
    places.runtime_dir.mkdir(parents=True)
    left = Connection(pid=ended_pid(), version="0", commands="ipc:///none", events="ipc:///none")
    places.connection_file.write_bytes(wire.encode(left))
    started = time.monotonic()
    with Client(places) as client, pytest.raises(DaemonUnavailable, match="ended unexpectedly"):
        client.ping()
    assert time.monotonic() - started < 1


def test_a_damaged_connection_file_is_an_error_that_names_it(places: Places) -> None:
    places.runtime_dir.mkdir(parents=True)
    places.connection_file.write_text("{")
    with Client(places) as client, pytest.raises(DaemonUnavailable, match=r"connection\.json"):
        client.ping()


def test_another_protocol_version_is_refused_with_a_hint(places: Places) -> None:
    places.runtime_dir.mkdir(parents=True)
    other = Connection(v=2, pid=os.getpid(), version="9", commands="ipc:///none", events="ipc:///none")
    places.connection_file.write_bytes(wire.encode(other))
    with Client(places) as client, pytest.raises(ModeldError) as caught:
        client.ping()
    assert caught.value.code is ErrorCode.UNSUPPORTED_VERSION


def test_a_network_endpoint_without_keys_is_not_used(places: Places) -> None:
    places.runtime_dir.mkdir(parents=True)
    bare = Connection(pid=os.getpid(), version="0", commands="tcp://127.0.0.1:1", events="tcp://127.0.0.1:2")
    places.connection_file.write_bytes(wire.encode(bare))
    with Client(places) as client, pytest.raises(DaemonUnavailable, match="nor encrypted"):
        client.ping()


def test_a_failure_is_raised_as_the_class_of_its_code(fake_client: Client) -> None:
    with pytest.raises(NotFound) as missing:
        fake_client.show("nobody")
    with pytest.raises(Refused) as refused:
        fake_client.load("absent")
    assert (missing.value.code, missing.value.hint) == (ErrorCode.NOT_FOUND, "modelctl ls")
    assert refused.value.code is ErrorCode.NOT_ON_DISK


def test_a_request_over_the_limit_is_refused_before_it_is_sent(fake_client: Client) -> None:
    with pytest.raises(BadRequest) as caught:
        fake_client.generate("mistral", "x" * wire.MAX_REQUEST_BYTES)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert fake_client.ping().version == "0.1.0"


def test_a_daemon_that_does_not_answer_is_given_up_after_the_timeout(fake_daemon: FakeDaemon) -> None:
    fake_daemon.silent = True
    transport = Transport(fake_daemon.places)
    with pytest.raises(DaemonUnavailable, match="has not responded for"):
        transport.request(requests.Ping(id=new_id()), timeout_s=0.2)
    transport.close()


def test_a_late_answer_does_not_meet_the_next_call(fake_daemon: FakeDaemon) -> None:
    fake_daemon.silent = True
    transport = Transport(fake_daemon.places)
    with pytest.raises(DaemonUnavailable):
        transport.request(requests.List(id="late"), timeout_s=0.1)
    fake_daemon.silent = False
    assert isinstance(transport.request(requests.Ping(id=new_id())), replies.Pong)
    transport.close()


def test_a_daemon_killed_while_a_call_waits_is_noticed(places: Places) -> None:
    child = subprocess.Popen([sys.executable, "-m", "support.fake_daemon"])
    try:
        wait_for(places.connection_file)
        with Client(places) as client:
            stream = client.stream_chat("mistral", [])
            assert stream.generation.finish == "stop"
            listening = client.events("model.")
            child.send_signal(signal.SIGKILL)
            started = time.monotonic()
            with pytest.raises(DaemonUnavailable, match="ended"):
                for _ in listening:
                    continue
            with pytest.raises(DaemonUnavailable):
                client.load("mistral")
            assert time.monotonic() - started < 4
    finally:
        child.kill()
        child.wait()


def test_a_waiting_request_ends_when_the_daemon_withdraws(fake_daemon: FakeDaemon) -> None:
    transport = Transport(fake_daemon.places)
    transport.request(requests.Ping(id=new_id()))
    fake_daemon.silent = True
    fake_daemon.arrived.clear()
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            transport.request(requests.Load(id=new_id(), model="mistral", wait=True), timeout_s=60)
        except DaemonUnavailable as error:
            caught.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert fake_daemon.arrived.wait(5)
    fake_daemon.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert "ended before it answered" in str(caught[0])
    transport.close()


def test_three_seconds_of_silence_are_told_and_the_caller_gives_up_later(fake_daemon: FakeDaemon) -> None:
    fake_daemon.mute_heartbeats = True
    transport = Transport(fake_daemon.places)
    listening = transport.events(give_up_s=5)
    started = time.monotonic()
    assert listening.receive() is None
    assert 2.5 < time.monotonic() - started < 5
    with pytest.raises(DaemonSilent, match="not responded") as caught:
        for _ in listening:
            continue
    assert 4.5 < time.monotonic() - started < 15
    assert caught.value.exit_code == 6
    transport.close()


def test_a_waiting_call_gives_up_when_the_daemon_shows_no_sign_of_life(
    fake_daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "ANSWER_S", 2.0)
    with Client(fake_daemon.places) as client:
        fake_daemon.hold_generation = True
        stream = client.stream_chat("mistral", [Message(role="user", content="hi")])
        next(iter(stream))
        fake_daemon.silent = True
        with pytest.raises(DaemonSilent) as lost:
            _ = stream.generation
        fake_daemon.silent, fake_daemon.hangs_at = False, requests.Load
        with pytest.raises(DaemonSilent) as waited:
            client.load("phi")
    assert "answer is lost" in lost.value.hint
    assert "continues" in waited.value.hint and "modelctl jobs" in waited.value.hint


def test_a_waiting_call_waits_as_long_as_the_daemon_responds(
    fake_daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "ANSWER_S", 1.5)
    with Client(fake_daemon.places) as client:
        fake_daemon.load_s = 5.0
        assert client.load("phi").model.key == "phi"


def test_only_the_topics_asked_for_and_heartbeats_come(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    listening = fake_client.events("model.phi")
    next(listening)  # a heartbeat: the subscription is in place
    fake_daemon.do(lambda: fake_daemon.change(fake_daemon.models["mistral"]))
    fake_daemon.do(lambda: fake_daemon.change(fake_daemon.models["phi"]))
    heard = next(event for event in listening if not isinstance(event, events.Heartbeat))
    assert isinstance(heard, events.ModelChanged)
    assert heard.model.key == "phi"
    listening.close()


def test_many_threads_on_one_client_get_their_own_answers(fake_client: Client) -> None:
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(30):
            prompt = f"{number}/{turn}"
            if fake_client.generate("mistral", prompt).text != prompt:
                wrong.append(prompt)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_requests_and_two_streams_may_interleave_in_one_thread(fake_client: Client) -> None:
    first, second = fake_client.stream_chat("mistral", []), fake_client.stream_chat("mistral", [])
    pairs = [(a.text, fake_client.ping().version, b.text) for a, b in zip(first, second, strict=True)]
    assert [pair[0] for pair in pairs] == [pair[2] for pair in pairs] == ["w1 ", "w2 ", "w3 ", "w4 ", "w5 "]


def test_leaving_a_stream_cancels_its_generation(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_generation = True
    with fake_client.stream_chat("mistral", []) as stream:
        next(iter(stream))
        fake_daemon.arrived.clear()
    assert fake_daemon.arrived.wait(5)
    asked = next(request for request in fake_daemon.seen if isinstance(request, requests.Chat))
    cancelled = next(request for request in fake_daemon.seen if isinstance(request, requests.Cancel))
    assert cancelled.request == asked.id


def test_a_cancelled_stream_still_gives_its_generation(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    fake_daemon.hold_generation = True
    stream = fake_client.stream_chat("mistral", [])
    next(iter(stream))
    stream.cancel()
    assert stream.generation.finish == "cancelled"


def test_a_stream_of_an_unknown_model_raises(fake_client: Client) -> None:
    with pytest.raises(NotFound):
        list(fake_client.stream_chat("nobody", []))


def test_keys_are_sent_in_lower_case(fake_client: Client, fake_daemon: FakeDaemon) -> None:
    assert fake_client.show("MISTRAL").key == "mistral"


def test_importing_the_package_imports_no_zmq() -> None:
    code = "import sys, modelctl; assert 'zmq' not in sys.modules; modelctl.Client; assert 'zmq' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
