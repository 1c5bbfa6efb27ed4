"""Many clients at once, for a while, with faults: no answer is wrong or mixed up, and the daemon stays as it is.

``make soak`` runs the long one for an hour; SOAK_S says for how many seconds.
"""

import contextlib
import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import zmq
from modelctl.client import Client, Sampling
from modelctl.errors import ModeldError, NotFound
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import ModelState
from support.real_daemon import DEADLINE_S, RealDaemon

SOAK_S = float(os.environ.get("SOAK_S", "20"))
CLIENTS = 20
STREAMS = 100
GREEDY = Sampling(temperature=0.0)
PROMPTS = ["hello", "a", "what is it", "one two three", "zzz"]
EXPECTED_FAULTS = {ErrorCode.WORKER_CRASHED, ErrorCode.CANCELLED, ErrorCode.BUSY, ErrorCode.INTERRUPTED}
"""What a client may be told while workers are killed under it."""

GROWTH_BYTES = 24 * 1024**2
SPARE_DESCRIPTORS = 40


def test_a_hundred_clients_stream_at_once_and_no_token_is_lost_or_mixed(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    # Each its own seed: greedy answers of so small a model are often alike, and could be mixed up unseen.
    samplings = [Sampling(temperature=1.5, seed=number) for number in range(STREAMS)]
    together = threading.Barrier(STREAMS)

    def stream(sampling: Sampling) -> tuple[str, str]:
        together.wait(DEADLINE_S)
        with client.stream_generate("tiny", "hello", max_tokens=24, sampling=sampling) as answer:
            text = "".join(chunk.text for chunk in answer)
            return text, answer.generation.text

    with ThreadPoolExecutor(STREAMS) as pool:
        answers = list(pool.map(stream, samplings))
    for sampling, (pieces, whole) in zip(samplings, answers, strict=True):
        assert pieces == whole == client.generate("tiny", "hello", max_tokens=24, sampling=sampling).text
    assert len({whole for _pieces, whole in answers}) > STREAMS * 9 // 10


class Visitor:
    """One client that does a bit of everything, and counts what came of it."""

    def __init__(self, daemon: RealDaemon, right: dict[str, str], seed: int) -> None:
        self._daemon = daemon
        self._right = right
        self._chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def visit(self, until: float) -> None:
        actions = [self._ask, self._look, self._look, self._stream, self._leave, self._miss, self._send_rubbish]
        with Client(self._daemon.places, timeout_s=DEADLINE_S) as client:
            while time.monotonic() < until:
                action = self._chance.choice(actions)
                try:
                    action(client)
                    self.counts[action.__name__] += 1
                except ModeldError as error:
                    self.counts[error.code] += 1
                    if error.code not in EXPECTED_FAULTS:
                        self.wrong.append(f"{action.__name__}: {error.code}: {error}")

    def _compare(self, what: str, got: str, wanted: str) -> None:
        if got != wanted:
            self.wrong.append(f"{what}: {got!r} instead of {wanted!r}")

    def _ask(self, client: Client) -> None:
        prompt = self._chance.choice(PROMPTS)
        got = client.generate("tiny", prompt, max_tokens=8, sampling=GREEDY)
        self._compare(prompt, got.text, self._right[prompt])

    def _stream(self, client: Client) -> None:
        prompt = self._chance.choice(PROMPTS)
        with client.stream_generate("tiny", prompt, max_tokens=8, sampling=GREEDY) as stream:
            pieces = "".join(chunk.text for chunk in stream)
            self._compare(f"stream of {prompt}", pieces, self._right[prompt])

    def _leave(self, client: Client) -> None:
        """Go away in the middle of an answer."""
        stream = client.stream_generate("tiny", "leave", max_tokens=200)
        next(iter(stream), None)
        stream.close()

    def _look(self, client: Client) -> None:
        self._compare("pid", str(client.ping().pid), str(self._daemon.process.pid))
        self._compare("show", client.show("tiny").key, "tiny")
        client.status()
        client.snapshot()

    def _miss(self, client: Client) -> None:
        try:
            client.show("nothing")
        except NotFound:
            return
        self.wrong.append("a model that is not there was shown")

    def _send_rubbish(self, _client: Client) -> None:
        connection = json.loads(self._daemon.places.connection_file.read_text())
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.connect(connection["commands"])
        for _ in range(20):
            socket.send_multipart([self._chance.randbytes(self._chance.randrange(1, 100)) for _ in range(3)])
        socket.poll(1000)
        context.destroy(0)


def kill_workers(daemon: RealDaemon, until: threading.Event) -> int:
    """Kill the worker every few seconds; how often that was."""
    killed = 0
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        while not until.wait(3.0):
            loaded = client.show("tiny").loaded
            if loaded is not None and loaded.pid:  # 0 until the worker has said hello
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(loaded.pid).kill()
                    killed += 1
    return killed


@pytest.mark.timeout(SOAK_S * 2 + 120)
def test_twenty_clients_with_faults_get_no_wrong_answer_and_leave_nothing_behind(
    daemon: RealDaemon, client: Client, tiny_file: Path
):
    client.add("tiny", str(tiny_file))
    right = {p: client.generate("tiny", p, max_tokens=8, sampling=GREEDY).text for p in PROMPTS}
    visitors = [Visitor(daemon, right, seed) for seed in range(CLIENTS)]
    process = psutil.Process(daemon.process.pid)
    over = threading.Event()
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        killing = pool.submit(kill_workers, daemon, over)
        visits = lambda seconds: [pool.submit(each.visit, time.monotonic() + seconds) for each in visitors]  # noqa: E731
        for each in visits(SOAK_S / 3):
            each.result()
        before = (process.memory_info().rss, process.num_fds())
        for each in visits(SOAK_S * 2 / 3):
            each.result()
        over.set()
        killed = killing.result()
    counts: Counter[str] = sum((each.counts for each in visitors), Counter())
    after = (process.memory_info().rss, process.num_fds())
    print(f"{SOAK_S:.0f} s, {killed} workers killed, {dict(counts)}, memory and descriptors {before} -> {after}")
    assert [wrong for each in visitors for wrong in each.wrong] == []
    assert killed and counts["_ask"] and counts["_stream"] and counts["_leave"] and counts["_send_rubbish"]
    assert after[0] - before[0] < GROWTH_BYTES
    assert after[1] - before[1] < SPARE_DESCRIPTORS
    assert client.show("tiny").state in (ModelState.LOADED, ModelState.BUSY, ModelState.LOADING, ModelState.ON_DISK)
