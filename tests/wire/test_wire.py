"""The wire as any language sees it: plain pyzmq and json, nothing of ours."""

import json
import os
import random
import stat
from collections.abc import Iterator

import pytest
import zmq

DEADLINE_MS = 30_000
FRAMES = int(os.environ.get("FUZZ_FRAMES", "100000"))


class Plain:
    """A program that knows the connection file and the documentation only."""

    def __init__(self, connection_file) -> None:
        self.connection = json.loads(connection_file.read_text())
        self.context = zmq.Context()
        self._sockets: list[zmq.Socket] = []

    def socket(self, kind: int, endpoint: str) -> zmq.Socket:
        made = self.context.socket(kind)
        made.linger = 0
        made.rcvtimeo = made.sndtimeo = DEADLINE_MS
        made.connect(self.connection[endpoint])
        self._sockets.append(made)
        return made

    def ask(self, socket: zmq.Socket, **request: object) -> dict:
        socket.send(json.dumps({"v": 1, "id": "1", **request}).encode())
        return json.loads(socket.recv())

    def close(self) -> None:
        for made in self._sockets:
            made.close()
        self.context.term()


@pytest.fixture
def plain(daemon) -> Iterator[Plain]:
    program = Plain(daemon.places.connection_file)
    yield program
    program.close()


def test_a_req_socket_gets_its_answer(plain: Plain):
    reply = plain.ask(plain.socket(zmq.REQ, "commands"), op="ping")
    assert reply["v"] == 1 and reply["id"] == "1" and reply["ok"] is True
    assert reply["result"]["type"] == "pong" and "error" not in reply


def test_a_dealer_is_understood_with_and_without_the_delimiter(plain: Plain):
    dealer = plain.socket(zmq.DEALER, "commands")
    dealer.send_multipart([b"", b'{"v":1,"id":"a","op":"ping"}'])
    delimiter, body = dealer.recv_multipart()
    assert delimiter == b"" and json.loads(body)["id"] == "a"
    dealer.send(b'{"v":1,"id":"b","op":"ping"}')
    (body,) = dealer.recv_multipart()
    assert json.loads(body)["id"] == "b"


@pytest.mark.parametrize(
    ("frame", "code", "word"),
    [
        (b"{", "bad_request", "truncated"),
        (b'{"v":1,"id":"x","op":"fly"}', "bad_request", "fly"),
        (b'{"v":1,"id":"x","op":"load"}', "bad_request", "model"),
        (b'{"v":1,"id":"x","op":"load","model":"m","colour":"red"}', "bad_request", "colour"),
        (b'{"v":1,"id":"x","op":"load","model":7}', "bad_request", "model"),
        (b'{"v":9,"id":"x","op":"fly"}', "unsupported_version", "9"),
        (b'{"v":9,"id":"x","op":"ping"}', "unsupported_version", "9"),
        (b'{"v":1,"id":"x","op":"chat","model":"smollm2","messages":[],"max_tokens":-1}', "bad_request", "max_tokens"),
        (b"[" * 100_000, "bad_request", ""),
        (b'{"v":1,"id":"x","op":"ping","key":"\xff"}', "bad_request", ""),
        (b'{"v":NaN,"id":"x","op":"ping"}', "bad_request", ""),
    ],
    ids=["json", "op", "missing", "unknown", "kind", "version-op", "version", "value", "nesting", "utf-8", "nan"],
)
def test_a_wrong_request_gets_an_error_that_names_what_is_wrong(plain: Plain, frame: bytes, code: str, word: str):
    socket = plain.socket(zmq.REQ, "commands")
    socket.send(frame)
    reply = json.loads(socket.recv())
    assert reply["ok"] is False and reply["error"]["code"] == code
    assert word in reply["error"]["message"]
    if b'"id":"x"' in frame and b"\xff" not in frame and b"NaN" not in frame:
        assert reply["id"] == "x"
    assert "Traceback" not in reply["error"]["message"]
    assert plain.ask(socket, op="ping")["ok"]


def test_a_late_joiner_subscribes_asks_for_a_snapshot_and_misses_nothing(plain: Plain, tiny_file):
    events = plain.socket(zmq.SUB, "events")
    events.subscribe(b"")
    events.recv_multipart()
    commands = plain.socket(zmq.REQ, "commands")
    snapshot = plain.ask(commands, op="snapshot")["result"]["snapshot"]
    plain.ask(commands, op="add", model="tiny", source=str(tiny_file))
    seq = snapshot["seq"]
    while True:
        topic, body = events.recv_multipart()
        event = json.loads(body)
        assert event["epoch"] == snapshot["epoch"] and event["v"] == 1
        if event["type"] == "heartbeat":
            assert event["seq"] == seq
            continue
        if event["seq"] <= seq:
            continue
        assert event["seq"] == seq + 1
        seq = event["seq"]
        if topic == b"model.tiny":
            assert event["type"] == "model_changed"
            if event["model"]["state"] == "on_disk":  # first it is new, then its file has been looked at
                return


def test_a_topic_selects(plain: Plain, tiny_file):
    events = plain.socket(zmq.SUB, "events")
    events.subscribe(b"model.tiny")
    beats = plain.socket(zmq.SUB, "events")
    beats.subscribe(b"daemon.heartbeat")
    beats.recv_multipart()
    plain.ask(plain.socket(zmq.REQ, "commands"), op="add", model="tiny", source=str(tiny_file))
    topic, body = events.recv_multipart()
    assert topic == b"model.tiny" and json.loads(body)["model"]["key"] == "tiny"


def test_a_stream_is_many_chunks_and_one_result(plain: Plain, tiny_file):
    plain.ask(plain.socket(zmq.REQ, "commands"), op="add", model="tiny", source=str(tiny_file))
    dealer = plain.socket(zmq.DEALER, "commands")
    request = {
        "v": 1,
        "id": "s",
        "op": "generate",
        "model": "tiny",
        "prompt": "hello",
        "max_tokens": 30,
        "stream": True,
    }
    dealer.send_multipart([b"", json.dumps(request).encode()])
    text = ""
    while True:
        reply = json.loads(dealer.recv_multipart()[1])
        assert reply["ok"] and reply["id"] == "s"
        if "result" in reply:
            break
        text += reply["chunk"]["text"]
    assert reply["result"]["generation"]["text"] == text


def test_a_stream_whose_client_goes_away_is_cancelled(plain: Plain, client, tmp_path):
    from support import tiny_gguf

    slow = tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)
    commands = plain.socket(zmq.REQ, "commands")
    plain.ask(commands, op="add", model="slow", source=str(slow))
    plain.ask(commands, op="load", model="slow", context_size=100_000, wait=True)
    dealer = plain.socket(zmq.DEALER, "commands")
    request = {
        "v": 1,
        "id": "s",
        "op": "generate",
        "model": "slow",
        "prompt": "hi",
        "max_tokens": 90_000,
        "stream": True,
        "sampling": {"temperature": 0.0},
    }
    dealer.send_multipart([b"", json.dumps(request).encode()])
    dealer.recv_multipart()
    seen = client.events("model.slow")
    next(seen)  # a heartbeat: the subscription is there, so what follows is seen
    dealer.close()
    idle = next(event for event in seen if getattr(event, "model", None) and event.model.state == "loaded")
    seen.close()
    assert idle.model.loaded.context_used < 90_000


def test_the_sockets_and_the_connection_file_are_for_this_user_only(daemon):
    assert stat.S_IMODE(daemon.places.runtime_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(daemon.places.connection_file.stat().st_mode) == 0o600
    for name in ("commands.sock", "events.sock", "workers.sock"):
        assert stat.S_IMODE((daemon.places.runtime_dir / name).stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("settings", [{"MODELD_MAX_REQUESTS_PER_S": "0"}], ids=["unlimited"])
def test_a_hundred_thousand_broken_frames_leave_the_daemon_serving(plain: Plain):
    """Random and mutated frames; every one gets an error or is ignored. The seed makes a failure repeatable."""
    chance = random.Random(20261124)
    valid = [
        b'{"v":1,"id":"1","op":"ping"}',
        b'{"v":1,"id":"1","op":"show","model":"smollm2"}',
        b'{"v":1,"id":"1","op":"cancel","model":"smollm2"}',
        b'{"v":1,"id":"1","op":"results","model":"smollm2","limit":3}',
        b'{"v":1,"id":"1","op":"chat","model":"nothing","messages":[{"role":"user","content":"hi"}]}',
        b'{"v":1,"id":"1","op":"add","model":"x","source":"https://example.org/x.gguf"}',
    ]
    dealer = plain.socket(zmq.DEALER, "commands")
    dealer.setsockopt(zmq.RCVHWM, 0)
    commands = plain.socket(zmq.REQ, "commands")
    sent = 0
    while sent < FRAMES:
        for _ in range(1000):
            dealer.send_multipart(_frames(chance, valid))
            sent += 1
        assert plain.ask(commands, op="ping")["ok"]
        while dealer.poll(0):
            reply = json.loads(dealer.recv_multipart()[-1])
            assert reply["v"] == 1 and isinstance(reply["ok"], bool)


def _frames(chance: random.Random, valid: list[bytes]) -> list[bytes]:
    kind = chance.random()
    if kind < 0.2:
        return [chance.randbytes(chance.randrange(200)) for _ in range(chance.randrange(1, 5))]
    body = bytearray(chance.choice(valid))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(body) + 1)
        if chance.random() < 0.5:
            body[at:at] = chance.randbytes(chance.randrange(1, 4))
        else:
            del body[at : at + chance.randrange(1, 4)]
    return [b"", bytes(body)] if kind < 0.8 else [bytes(body)]
