"""Requests that once ended the daemon, or that it never answered."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from modelctl import Client
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import FINAL, JobState
from support import tiny_gguf
from support.range_server import Fault, RangeServer
from support.real_daemon import DEADLINE_S, RealDaemon
from support.waiting import until

ONE_MODEL = {"LLM_MAX_CACHED_MODELS": "1"}
MOST_OPEN = 512
"""How many unanswered requests one client may have (setting ``max_open_requests``)."""

Answer = dict[str, Any]


class Asker:
    """A client that sends many requests before it reads an answer."""

    def __init__(self, daemon: RealDaemon) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.connect(json.loads(daemon.places.connection_file.read_text())["commands"])

    def answers(self, requests: Sequence[Answer]) -> list[Answer]:
        """Send all of ``requests`` at once; their final answers, in the order of the requests."""
        self.send(requests)
        return self.receive(len(requests))

    def send(self, requests: Sequence[Answer]) -> None:
        for number, request in enumerate(requests):
            self._socket.send_multipart([b"", json.dumps({"id": str(number), **request}).encode()])

    def receive(self, count: int) -> list[Answer]:
        found: dict[int, Answer] = {}
        while len(found) < count:
            assert self._socket.poll(DEADLINE_S * 1000), f"{len(found)} of {count} are answered"
            answer = json.loads(self._socket.recv_multipart()[-1])
            if "chunk" not in answer:
                found[int(answer["id"])] = answer
        return [found[number] for number in range(count)]

    def close(self) -> None:
        self._context.destroy(0)


@pytest.fixture
def asker(daemon: RealDaemon) -> Iterator[Asker]:
    made = Asker(daemon)
    yield made
    made.close()


@pytest.fixture
def loaded(client: Client, tiny_file: Path) -> Client:
    """A client of a daemon with the models ``a`` and ``b``, of which ``a`` is loaded."""
    for key in "ab":
        client.add(key, str(tiny_file))
    client.load("a")
    return client


def load(model: str) -> Answer:
    return {"op": "load", "model": model, "wait": True}


def remove(model: str) -> Answer:
    return {"op": "remove", "model": model}


def generate(model: str) -> Answer:
    return {"op": "generate", "model": model, "prompt": "x", "max_tokens": 3}


def codes(answers: Sequence[Answer]) -> list[str]:
    return ["ok" if answer["ok"] else answer["error"]["code"] for answer in answers]


@pytest.mark.parametrize("settings", [ONE_MODEL, {}], ids=["one model", "default"])
def test_a_model_that_waits_for_another_one_to_leave_cannot_be_removed(loaded: Client, asker: Asker):
    answers = asker.answers([{"op": "unload", "model": "a"}, load("b"), remove("b")])
    assert codes(answers) == ["ok", "ok", ErrorCode.IN_USE]
    assert loaded.show("b").state == "loaded"


@pytest.mark.parametrize("settings", [ONE_MODEL])
def test_a_model_of_the_catalogue_that_waits_to_be_loaded_cannot_be_removed(loaded: Client, asker: Asker):
    assert codes(asker.answers([load("smollm2"), remove("smollm2")])) == ["ok", ErrorCode.IN_USE]


@pytest.mark.parametrize("settings", [ONE_MODEL])
def test_a_request_for_a_model_that_is_being_unloaded_for_another_one_is_answered(loaded: Client, asker: Asker):
    for _ in range(5):
        loaded.unload()
        loaded.load("a")
        assert codes(asker.answers([generate("b"), generate("a")]))[0] == "ok"


@pytest.mark.parametrize("settings", [ONE_MODEL])
def test_a_benchmark_of_a_model_that_is_being_unloaded_for_another_one_ends_and_lets_the_next_run(
    loaded: Client, asker: Asker
):
    bench = {"op": "benchmark", "repetitions": 1, "max_tokens": 4, "wait": True}
    asker.answers([generate("b"), bench | {"models": ["a"]}])
    assert all(job.state in FINAL for job in loaded.jobs())
    (job,) = loaded.benchmark(["b"], repetitions=1, max_tokens=4, wait=True)
    assert job.state is JobState.DONE


@pytest.mark.parametrize("place", [2**63 - 1, 2**64 - 1, -(2**63)])
def test_a_place_beyond_reason_is_answered(client: Client, served: RangeServer, asker: Asker, place: int):
    served.fault("big.gguf", Fault(stall_after=1000))
    client.add("d", served.url("big.gguf"))
    client.pull("d")
    asker.answers([{"op": "move", "model": "d", "place": place}])
    assert client.ping()


def test_pulls_of_nothing_are_answered_and_leave_room_for_other_requests(client: Client, asker: Asker):
    answers = asker.answers([{"op": "pull", "model": ""}] * (MOST_OPEN + 1) + [{"op": "ping"}])
    assert not {*codes(answers[:-1])} - {ErrorCode.NOT_FOUND, ErrorCode.BAD_REQUEST}
    assert answers[-1]["ok"]


def test_figures_beyond_reason_in_a_backup_end_no_daemon(daemon: RealDaemon, client: Client, asker: Asker):
    client.add("m", "https://example.org/m.gguf")
    result = {
        "model_key": "m",
        "tokens_per_second": 9.0,
        "inference_time": 1.0,
        "context_used": -(2**63),
        "context_available": 2**63 - 1,
        "prompt_tokens": 2**63 - 1,
        "completion_tokens": 1,
        "memory_usage_mb": 1.0,
    }
    extremes = [(1e308, 1e308, 3), (-1e308, 1e200, 3), (5e-324, 1e-300, -5), (0.0, 1e308, 2)]
    times = ["2026-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999+14:00", "2026-01-02"]
    runs = [
        {
            "id": f"r{number}",
            "result": result | {"timestamp": time},
            **{
                name: {"mean": mean, "stddev": stddev, "n": n}
                for name in ("prefill", "decode", "first_token_ms", "inference_ms")
            },
        }
        for number, ((mean, stddev, n), time) in enumerate(zip(extremes, times, strict=True))
    ]
    asker.answers([{"op": "restore", "runs": runs}])
    questions = [{"op": "results", "model": "m"}, {"op": "compare"}, {"op": "snapshot"}, {"op": "backup"}]
    assert codes(asker.answers(questions)) == ["ok"] * 4
    asker.close()
    daemon.stop()
    daemon.start()
    assert msgspec.json.encode(client.results("m")) and client.compare() and client.backup()


def test_all_who_wait_are_told_when_the_daemon_stops(tmp_path: Path, client: Client, daemon: RealDaemon, asker: Asker):
    client.add("long", str(tiny_gguf.write(tmp_path / "long.gguf", context=100_000)))
    client.load("long", context_size=100_000)
    asker.send([{"op": "generate", "model": "long", "prompt": "a", "sampling": {"temperature": 0.0}}] * 6)
    until(lambda: client.show("long").state == "busy", "the first one runs")
    client.shutdown()
    assert {*codes(asker.receive(6))} <= {ErrorCode.CANCELLED, ErrorCode.SHUTTING_DOWN}
    assert daemon.process.wait(DEADLINE_S) == 0
