"""Our worker and llama-bench with the same library, file and threads, in turn.

Writes a section of docs/performance.md.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fresh_daemon
import llama_bench
import msgspec
import psutil
import report
import zmq
from modelctl.client import Client
from modeld.protocol.requests import Sampling
from modeld.protocol.views import BenchmarkRun
from modeld.protocol.wire import encode
from modeld.protocol.workers import (
    Alive,
    AnyNews,
    AnyOrder,
    Exit,
    Hello,
    LoadFile,
    Measure,
    Measured,
    MeasureProgress,
    Ready,
)
from support import sample_model

ROUNDS = 7
PP, TG = 512, 128
CONTEXT = 1024
DEADLINE_S = 120.0
PROMPT = "Why is the sky blue?"
STORY = "Once upon a time there was a small robot who wanted to see the sea."


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a GGUF file (default: the SmolLM2 sample)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    model = options.model or sample_model.q4()
    threads = psutil.cpu_count(logical=False) or 1
    llama_bench.binary()

    peer: dict[str, list[float]] = {"pp": [], "tg": []}
    ours: dict[str, list[float]] = {"pp": [], "tg": []}
    streamed: list[float] = []
    with (
        worker(model, threads) as child,
        fresh_daemon.running({"LLM_CPU_THREADS": str(threads), "LLAMA_USE_GPU": "0"}) as (client, _),
    ):
        client.add("bench", str(model.resolve()))
        client.load("bench", context_size=CONTEXT)
        for number in range(options.rounds):
            turns: list[Callable[[], None]] = [
                lambda: _peer(model, threads, peer),
                lambda: _ours(child, ours),
                lambda: _streamed(client, streamed),
            ]
            for turn in turns if number % 2 == 0 else turns[::-1]:
                turn()
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        our_peak = _peak_bytes(child.process.pid)
    peer_peak = llama_bench.run(
        model, threads, "-p", "0", "-n", "0", "-pg", f"{CONTEXT - TG},{TG}", "-r", "1"
    ).peak_bytes
    report.write("engine", _text(model, threads, options.rounds, peer, ours, streamed, our_peak, peer_peak))


class Worker:
    """A worker process that gets its orders from this script, without a daemon."""

    def __init__(self, process: subprocess.Popen[bytes], socket: "zmq.Socket[bytes]") -> None:
        self.process = process
        self._socket = socket
        self._decoder = msgspec.json.Decoder(AnyNews)
        self._tasks = 0

    def tell(self, order: AnyOrder) -> None:
        """Send an order."""
        self._socket.send_multipart([b"1", encode(order)])

    def news(self) -> AnyNews:
        """The next thing the worker says."""
        if not self._socket.poll(int(DEADLINE_S * 1000)):
            raise SystemExit(f"the worker said nothing for {DEADLINE_S:.0f} s (exit code {self.process.poll()})")
        news: AnyNews = self._decoder.decode(self._socket.recv_multipart()[-1])
        return self.news() if isinstance(news, Alive) else news

    def measure(self) -> BenchmarkRun:
        """One benchmark with one repetition."""
        self._tasks += 1
        order = Measure(task=self._tasks, prompt=PROMPT, max_tokens=8, repetitions=1, pp_tokens=PP, tg_tokens=TG)
        self.tell(order)
        while isinstance(news := self.news(), MeasureProgress):
            continue
        if not isinstance(news, Measured):
            raise SystemExit(f"the worker could not measure: {news}")
        return news.run


@contextlib.contextmanager
def worker(model: Path, threads: int) -> Iterator[Worker]:
    """A worker that has loaded ``model``, on the CPU."""
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        endpoint = f"ipc://{folder}/workers.sock"
        socket.linger = 0
        socket.bind(endpoint)
        command = [sys.executable, "-m", "modeld.worker", endpoint, "1", str(os.getpid())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child = Worker(process, socket)
        try:
            if not isinstance(news := child.news(), Hello):
                raise SystemExit(f"the worker began with {news}")
            child.tell(LoadFile(model="bench", path=str(model), context_size=CONTEXT, threads=threads))
            if not isinstance(news := child.news(), Ready):
                raise SystemExit(f"the worker could not load: {news}")
            yield child
            child.tell(Exit())
            process.wait(timeout=10)
        finally:
            process.kill()
            process.wait()


def _peer(model: Path, threads: int, into: dict[str, list[float]]) -> None:
    rates = llama_bench.run(model, threads, "-p", str(PP), "-n", str(TG), "-r", "1").rates
    into["pp"].append(rates[f"pp{PP}"])
    into["tg"].append(rates[f"tg{TG}"])


def _ours(child: Worker, into: dict[str, list[float]]) -> None:
    run = child.measure()
    if run.pp is None or run.tg is None:
        raise SystemExit("the worker measured no pp or tg")
    into["pp"].append(run.pp.mean)
    into["tg"].append(run.tg.mean)


def _streamed(client: Client, into: list[float]) -> None:
    """Tokens/s as a client sees them arrive, from the first chunk to the last."""
    arrived: list[tuple[float, int]] = []
    with client.stream_generate("bench", STORY, max_tokens=TG, sampling=Sampling(temperature=0.0)) as stream:
        for chunk in stream:
            arrived.append((time.perf_counter(), chunk.completion_tokens))
    (first_s, first), (last_s, last) = arrived[0], arrived[-1]
    into.append((last - first) / (last_s - first_s))


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise SystemExit("this system does not tell peak memory in /proc")
    return int(found[1]) * 1024


def _text(
    model: Path,
    threads: int,
    rounds: int,
    peer: dict[str, list[float]],
    ours: dict[str, list[float]],
    streamed: list[float],
    our_peak: int,
    peer_peak: int,
) -> str:
    mib = 2**20
    rows = [
        [
            f"prefill, pp{PP}, tokens/s",
            report.spread(ours["pp"]),
            report.spread(peer["pp"]),
            report.ratio(ours["pp"], peer["pp"]),
        ],
        [
            f"decode, tg{TG}, tokens/s",
            report.spread(ours["tg"]),
            report.spread(peer["tg"]),
            report.ratio(ours["tg"], peer["tg"]),
        ],
        [
            "decode, streamed to a client of the daemon",
            report.spread(streamed),
            report.spread(peer["tg"]),
            report.ratio(streamed, peer["tg"]),
        ],
        [
            f"peak resident memory, context {CONTEXT}, MiB",
            f"{our_peak / mib:.0f}",
            f"{peer_peak / mib:.0f}",
            f"{our_peak / peer_peak:.2f}",
        ],
    ]
    conditions = report.conditions(
        f"{model.name}, {threads} threads, CPU", f"{rounds} rounds in turn, median (lowest to highest)"
    )
    noise = statistics.stdev(peer["tg"]) / statistics.mean(peer["tg"]) if rounds > 1 else 0.0
    return "\n\n".join(
        [
            "## The engine",
            report.table(["", "modeld's worker", "llama-bench", "ratio"], rows),
            "llama-bench is built from the same release against the same libraries. Its own decode rate varied by "
            f"{noise:.0%} (standard deviation) in this run: smaller differences mean nothing. The client's rate has "
            "sampling and text in it, which llama-bench leaves out; the worker's memory has Python in it.",
            conditions,
        ]
    )


if __name__ == "__main__":
    main()
