"""Hostile messages to a real daemon: each gets a typed error or silence, and the daemon goes on as if nothing was."""

import json
from collections.abc import Iterator

import psutil
import pytest
import zmq
from modelctl import Client
from modelctl.errors import BadRequest, ModeldError
from modeld.protocol.requests import Sampling
from support.real_daemon import DEADLINE_S, RealDaemon

DEADLINE_MS = int(DEADLINE_S * 1000)
NOTHING_MS = 1000


@pytest.fixture
def socket(daemon: RealDaemon) -> Iterator["zmq.Socket[bytes]"]:
    connection = json.loads(daemon.places.connection_file.read_text())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = context.socket(zmq.DEALER)
    made.connect(connection["commands"])
    yield made
    context.destroy(0)


HUGE = b"9" * 5000

REFUSED = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "two documents": b'{"v":1,"id":"1","op":"ping"} {"v":1,"id":"1","op":"ping"}',
    "a byte order mark": b'\xef\xbb\xbf{"v":1,"id":"1","op":"ping"}',
    "UTF-16": '{"v":1,"id":"1","op":"ping"}'.encode("utf-16"),
    "half a sign": b'{"v":1,"id":"\xc3","op":"ping"}',
    "an overlong sign": b'{"v":1,"id":"\xc0\xaf","op":"ping"}',
    "half a surrogate pair in an id": b'{"v":1,"id":"\\ud800","op":"ping"}',
    "half a surrogate pair in a prompt": b'{"v":1,"id":"1","op":"generate","model":"m","prompt":"\\udfff!"}',
    "deep lists": b"[" * 500_000,
    "deep objects": b'{"v":1,"id":"1","op":"ping","key":' + b'{"a":' * 100_000,
    "deep lists where a text belongs": b'{"v":1,"id":"1","op":"ping","key":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NaN": b'{"v":1,"id":"1","op":"chat","model":"m","messages":[],"sampling":{"temperature":NaN}}',
    "Infinity": b'{"v":1,"id":"1","op":"chat","model":"m","messages":[],"sampling":{"temperature":Infinity}}',
    "a float beyond all": b'{"v":1,"id":"1","op":"chat","model":"m","messages":[],"sampling":{"temperature":1e999}}',
    "5000 digits": b'{"v":1,"id":"1","op":"results","model":"smollm2","limit":' + HUGE + b"}",
    "a number above 64 bits": b'{"v":1,"id":"1","op":"results","model":"smollm2","limit":18446744073709551616}',
    "a version of 5000 digits": b'{"v":' + HUGE + b',"id":"1","op":"ping"}',
    "a number for a text": b'{"v":1,"id":1,"op":"ping"}',
    "a truth for a number": b'{"v":true,"id":"1","op":"ping"}',
    "the op twice, the second unknown": b'{"v":1,"id":"1","op":"ping","op":"fly"}',
    "a path for a key": b'{"v":1,"id":"1","op":"add","model":"../x","source":"/tmp/x.gguf"}',
    "a device": b'{"v":1,"id":"1","op":"add","model":"x","source":"/dev/zero"}',
    "a NUL in a path": b'{"v":1,"id":"1","op":"add","model":"x","source":"/tmp/\\u0000.gguf"}',
    "a path without end": b'{"v":1,"id":"1","op":"add","model":"x","source":"/' + b"x" * 5000 + b'"}',
    "a file URL": b'{"v":1,"id":"1","op":"add","model":"x","source":"file:///etc/passwd"}',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_gets_a_typed_error(daemon: RealDaemon, socket: "zmq.Socket[bytes]", name: str):
    socket.send_multipart([b"", REFUSED[name]])
    assert socket.poll(DEADLINE_MS)
    reply = json.loads(socket.recv_multipart()[-1])
    assert reply["ok"] is False and "result" not in reply
    assert reply["error"]["code"] in ("bad_request", "unsupported_version", "not_found", "bad_model_file", "too_large")
    assert "Traceback" not in reply["error"]["message"]
    assert ping(socket)["ok"]


def ping(socket: "zmq.Socket[bytes]") -> dict[str, object]:
    socket.send_multipart([b"", b'{"v":1,"id":"after","op":"ping"}'])
    assert socket.poll(DEADLINE_MS)
    reply: dict[str, object] = json.loads(socket.recv_multipart()[-1])
    assert reply["id"] == "after"
    return reply


def test_of_a_key_that_comes_twice_the_last_counts(daemon: RealDaemon, socket: "zmq.Socket[bytes]"):
    socket.send_multipart([b"", b'{"v":1,"id":"first","op":"ping","id":"last"}'])
    assert socket.poll(DEADLINE_MS)
    assert json.loads(socket.recv_multipart()[-1])["id"] == "last"


@pytest.mark.parametrize("frames", [1, 2, 3, 50, 10_000])
def test_a_wrong_number_of_frames_is_one_error(daemon: RealDaemon, socket: "zmq.Socket[bytes]", frames: int):
    socket.send_multipart([b""] * frames)
    assert socket.poll(DEADLINE_MS)
    assert json.loads(socket.recv_multipart()[-1])["error"]["code"] == "bad_request"
    assert ping(socket)["ok"]


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 100_000_000])
def test_a_message_that_is_too_large_gets_silence_and_takes_no_memory(
    daemon: RealDaemon, client: Client, socket: "zmq.Socket[bytes]", size: int
):
    process = psutil.Process(daemon.process.pid)
    client.ping()
    before = process.memory_info().rss
    socket.send_multipart([b"", b"x" * size])
    assert socket.poll(NOTHING_MS) == 0
    assert process.memory_info().rss - before < 16 * 1024**2
    assert client.ping().pid == daemon.process.pid


def test_a_file_in_a_folder_that_cannot_be_looked_into_leaves_downloads_going(client: Client, served):
    """A path that the system refuses to look at was never answered, and held up every download after it."""
    with pytest.raises(ModeldError):
        client.add("lost", "/" + "x" * 5000)
    client.add("tiny", served.url("tiny.gguf"))
    client.pull("tiny", wait=True)
    assert client.show("tiny").state == "on_disk"


@pytest.mark.parametrize(
    "limits",
    [{"context_size": 2**62}, {"context_size": -1}, {"threads": -3}, {"threads": 100_000}, {"gpu_layers": -(2**40)}],
    ids=["context", "negative context", "threads", "too many threads", "layers"],
)
def test_a_load_beyond_reason_is_refused(client: Client, tiny_file, limits: dict[str, int]):
    client.add("tiny", str(tiny_file))
    with pytest.raises(ModeldError) as refused:
        client.load("tiny", **limits)
    assert refused.value.code in ("bad_request", "not_enough_memory")


def test_the_seed_that_llama_cpp_takes_for_random_is_refused(client: Client, tiny_file):
    client.add("tiny", str(tiny_file))
    with pytest.raises(BadRequest):
        client.generate("tiny", "a", max_tokens=1, sampling=Sampling(seed=2**32 - 1))
    assert client.generate("tiny", "a", max_tokens=1, sampling=Sampling(seed=2**32 - 2)).completion_tokens == 1


def test_a_request_of_more_than_a_mebibyte_is_not_even_sent(client: Client):
    with pytest.raises(BadRequest, match="bytes; the daemon takes"):
        client.generate("smollm2", "x" * 2_000_000)
