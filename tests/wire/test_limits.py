"""What one client may ask for: limits in pure arithmetic, and what a flood does to a real daemon and to others."""

import contextlib
import json
from collections.abc import Iterator

import psutil
import pytest
import zmq
from modelctl import Client
from modelctl.errors import ModeldError, Refused
from modeld.adapters.endpoint.limits import UNIT_BYTES, Allowance, Limits
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from support.real_daemon import DEADLINE_S, RealDaemon

A, B = b"a", b"b"


def test_a_burst_is_allowed_and_the_rate_after_it():
    allowance = Allowance(Limits(requests_per_s=10, burst_s=2))
    assert all(allowance.spend(A, 0.0) >= 0 for _ in range(20))
    assert allowance.spend(A, 0.0) < 0
    assert allowance.spend(A, 0.25) >= 0
    assert allowance.spend(A, 0.25) < 0


def test_one_clients_flood_takes_nothing_from_another():
    allowance = Allowance(Limits(requests_per_s=10))
    for _ in range(1000):
        allowance.spend(A, 0.0)
    assert allowance.spend(B, 0.0) >= 0


def test_the_first_refusals_are_said_and_the_rest_of_a_flood_gets_silence():
    allowance = Allowance(Limits(requests_per_s=10, burst_s=1))
    left = [allowance.spend(A, 0.0) for _ in range(100)]
    assert 5 <= sum(each < 0 and allowance.worth_a_word(each) for each in left) <= 10
    assert not allowance.worth_a_word(left[-1])


def test_a_flood_is_forgiven_within_seconds():
    allowance = Allowance(Limits(requests_per_s=10))
    for _ in range(100_000):
        allowance.spend(A, 0.0)
    assert allowance.spend(A, 2.0) >= 0


def test_large_answers_are_paid_for():
    allowance = Allowance(Limits(requests_per_s=10, burst_s=1))
    allowance.charge(A, 20 * UNIT_BYTES, 0.0)
    assert allowance.spend(A, 0.0) < 0
    allowance.charge(B, 100, 0.0)
    assert allowance.spend(B, 0.0) == 9


def test_large_requests_are_paid_for():
    allowance = Allowance(Limits(requests_per_s=10, burst_s=1))
    assert allowance.spend(A, 0.0, 3 * UNIT_BYTES) == 6
    assert allowance.spend(A, 0.0, UNIT_BYTES - 1) == 5


def test_open_requests_are_counted_for_each_and_for_all():
    allowance = Allowance(Limits(open_requests=2, open_requests_in_all=3))
    assert allowance.open(A) and allowance.open(A) and not allowance.open(A)
    assert allowance.open(B) and not allowance.open(B)
    allowance.answered(A)
    assert allowance.open(B)
    for client in (A, B, B, A, B):
        allowance.answered(client)
    assert allowance.open_of(A) == allowance.open_of(B) == 0
    assert allowance.open(A) and allowance.open(A) and allowance.open(B)


def test_a_key_has_its_open_requests_over_all_its_connections_and_gets_them_back():
    allowance = Allowance(Limits(open_requests=2))
    assert allowance.open(A, b"key") and allowance.open(B, b"key") and not allowance.open(b"c", b"key")
    assert allowance.open(b"d", b"other")
    allowance.answered(B)
    allowance.answered(B)
    assert allowance.open_of(b"key") == 1
    allowance.answered(A)
    allowance.answered(b"d")
    assert allowance.open_of(b"key") == allowance.open_of(b"other") == 0


def test_no_limit_is_none():
    allowance = Allowance(Limits(requests_per_s=0, open_requests=0, open_requests_in_all=0))
    assert all(allowance.spend(A, 0.0) > 0 and allowance.open(A) for _ in range(10_000))


@pytest.fixture
def flooder(daemon: RealDaemon) -> Iterator["zmq.Socket[bytes]"]:
    connection = json.loads(daemon.places.connection_file.read_text())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(connection["commands"])
    yield socket
    context.destroy(0)


PING = b'{"v":1,"id":"p","op":"ping"}'


def test_a_client_that_asks_too_fast_is_told_so_and_served_again_later(
    daemon: RealDaemon, client: Client, flooder: "zmq.Socket[bytes]"
):
    flooder.setsockopt(zmq.RCVHWM, 0)
    for _ in range(20_000):
        flooder.send(PING)
    codes: dict[str, int] = {}
    while not codes.get("busy"):
        assert flooder.poll(DEADLINE_S * 1000)
        reply = json.loads(flooder.recv())
        code = reply["error"]["code"] if "error" in reply else "ok"
        codes[code] = codes.get(code, 0) + 1
        assert reply["id"] == "p"
    assert codes["ok"] >= 1000
    assert client.ping().pid == daemon.process.pid
    served = False
    while not served:  # the flood has ended, so its sender is served again; asking on and on would be another flood
        flooder.send(PING)
        while flooder.poll(100):
            served = "result" in json.loads(flooder.recv())


def test_while_one_floods_and_never_reads_every_question_of_another_is_answered(
    daemon: RealDaemon, client: Client, flooder: "zmq.Socket[bytes]"
):
    process = psutil.Process(daemon.process.pid)
    client.ping()
    before = process.memory_info().rss
    flooder.setsockopt(zmq.SNDTIMEO, 0)
    snapshot = b'{"v":1,"id":"s","op":"snapshot"}'
    for _ in range(100):
        for _ in range(1000):
            try:
                flooder.send(snapshot)
            except zmq.Again:
                break
        assert client.ping().pid == daemon.process.pid
    assert process.memory_info().rss - before < 256 * 1024**2


@pytest.mark.parametrize("settings", [{"MODELD_MAX_OPEN_REQUESTS": "5"}])
def test_a_client_with_too_many_open_requests_is_refused_one_more(
    client: Client, daemon: RealDaemon, flooder: "zmq.Socket[bytes]", tmp_path
):
    from support import tiny_gguf

    client.add("slow", str(tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)))
    client.load("slow", context_size=100_000)
    for number in range(6):
        request = {"v": 1, "id": str(number), "op": "generate", "model": "slow", "prompt": "hi", "max_tokens": 90_000}
        flooder.send(json.dumps(request).encode())
    assert flooder.poll(DEADLINE_S * 1000)
    refused = json.loads(flooder.recv())
    assert refused["id"] == "5" and refused["error"]["code"] == "busy"
    assert refused["error"]["reason"] == Reason.CLIENT_TOO_MANY_OPEN.id and refused["error"]["fields"] == {"count": 5}
    assert client.ping().pid == daemon.process.pid
    client.unload("slow")


@pytest.mark.parametrize("settings", [{"MODELD_MAX_REQUESTS_PER_S": "1"}])
def test_the_python_client_raises_a_refusal_for_a_limit(client: Client):
    with pytest.raises(Refused) as refused:
        for _ in range(10):
            client.ping()
    assert refused.value.code is ErrorCode.BUSY
    assert isinstance(refused.value, ModeldError)


@pytest.mark.parametrize(
    ("field", "size", "limit", "told_to"),
    [("id", 257, 256, ""), ("key", 900_000, 256, "1"), ("model", 5_000, 4_096, "1")],
)
def test_a_long_text_is_refused_and_not_repeated(
    daemon: RealDaemon, flooder: "zmq.Socket[bytes]", field: str, size: int, limit: int, told_to: str
):
    request = {"id": "1", "op": "unload", "model": "m"} | {field: "x" * size}
    flooder.send(json.dumps(request).encode())
    assert flooder.poll(DEADLINE_S * 1000)
    reply = flooder.recv()
    assert len(reply) < 500
    refused = json.loads(reply)
    assert refused["id"] == told_to and refused["error"]["code"] == "too_large"
    assert refused["error"]["fields"] == {"field": field, "size": size, "limit": limit}


def test_large_requests_wait_with_their_clients_and_not_in_the_daemon(
    daemon: RealDaemon, client: Client, flooder: "zmq.Socket[bytes]"
):
    process = psutil.Process(daemon.process.pid)
    client.ping()
    before = process.memory_info().rss
    endpoint = json.loads(daemon.places.connection_file.read_text())["commands"]
    flooders = [flooder, *(flooder.context.socket(zmq.DEALER) for _ in range(2))]
    for socket in flooders[1:]:
        socket.connect(endpoint)
    large = json.dumps({"id": "x" * 1_000_000, "op": "ping"}).encode()
    highest = 0
    for _ in range(1_000):
        for socket in flooders:
            with contextlib.suppress(zmq.Again):  # its queue is full
                socket.send(large, zmq.NOBLOCK)
        highest = max(highest, process.memory_info().rss - before)
    for socket in flooders[1:]:
        socket.close(0)
    assert highest < 64 * 1024**2


@pytest.mark.parametrize("settings", [{"MODELD_MAX_REQUESTS_PER_S": "0"}])
def test_events_that_a_subscriber_does_not_read_take_limited_memory(
    daemon: RealDaemon, client: Client, flooder: "zmq.Socket[bytes]"
):
    process = psutil.Process(daemon.process.pid)
    client.add("m", "https://example.invalid/x.gguf", description="\N{GRINNING FACE}" * 4_096)
    subscriber = flooder.context.socket(zmq.SUB)
    subscriber.setsockopt(zmq.RCVHWM, 1)
    subscriber.subscribe("")
    subscriber.connect(json.loads(daemon.places.connection_file.read_text())["events"])
    subscriber.poll(DEADLINE_S * 1000)
    before = process.memory_info().rss
    for number in range(6_000):
        client.pin("m", bool(number % 2))
    assert process.memory_info().rss - before < 64 * 1024**2
    subscriber.close(0)


@pytest.mark.parametrize("settings", [{"MODELD_MAX_REQUESTS_PER_S": "0"}])
def test_large_answers_that_a_client_does_not_read_take_limited_memory(
    daemon: RealDaemon, client: Client, flooder: "zmq.Socket[bytes]"
):
    for number in range(60):
        client.add(f"m{number}", "https://example.invalid/x.gguf", description="\N{GRINNING FACE}" * 4_096)
    process = psutil.Process(daemon.process.pid)
    before = process.memory_info().rss
    endpoint = json.loads(daemon.places.connection_file.read_text())["commands"]
    lazy = flooder.context.socket(zmq.DEALER)
    lazy.setsockopt(zmq.RCVHWM, 1)
    lazy.connect(endpoint)
    for _ in range(200):  # 200 MB of answers
        lazy.send(b'{"id":"s","op":"snapshot"}')
        client.ping()
    assert process.memory_info().rss - before < 64 * 1024**2
    lazy.close(0)
    assert len(client.snapshot().models) >= 60
