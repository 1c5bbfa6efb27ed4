"""What it costs that an answer leaves after the commit, and whether the answer is true after a ``kill -9``.

    python bench/durability.py --base DIR        DIR is a checkout in which ``make setup`` has run

Prints a table and writes nothing. The daemons' homes are on disk. Both builds are measured in turn, with fresh daemons.
"""

import argparse
import json
import os
import signal
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import checkout
import psutil
import report
import zmq
from checkout import Checkout, Daemon
from support import tiny_gguf

THIS = Checkout(Path(__file__).resolve().parent.parent)
ADDS, CLIENTS, ADDS_OF_ALL = 300, 20, 2000
RESTORED, LINGER_S, PAUSE_S = 10_000, 2.0, 0.002
STORED_RUNS, BENCHMARKED = 1_000_000, 100
URL = "https://example.invalid/{}.gguf"

Samples = list[float]


def add_ms(daemon: Daemon, name: str) -> Samples:
    """Milliseconds from ``add`` to its answer, one client."""
    samples = []
    for number in range(ADDS):
        began = time.perf_counter()
        daemon.ask("add", model=f"{name}{number}", source=URL.format(f"{name}{number}"))
        samples.append(1000 * (time.perf_counter() - began))
    return samples


def adds_per_s(daemon: Daemon, name: str) -> float:
    """Answered ``add`` a second of clients that each wait for their answer."""
    poller, left, open_ = zmq.Poller(), iter(range(ADDS_OF_ALL)), 0
    clients = [daemon.client() for _ in range(CLIENTS)]

    def next_of(client: "zmq.Socket[bytes]") -> int:
        number = next(left, None)
        if number is None:
            return 0
        key = f"{name}{number}"
        client.send_json({"v": 1, "id": key, "op": "add", "model": key, "source": URL.format(key)})
        return 1

    began = time.perf_counter()
    for client in clients:
        poller.register(client, zmq.POLLIN)
        open_ += next_of(client)
    while open_:
        for client, _ in poller.poll(checkout.ANSWER_MS):
            assert _reply(client)["ok"]
            open_ += next_of(client) - 1
    took = time.perf_counter() - began
    for client in clients:
        client.close()
    return ADDS_OF_ALL / took


def pings_during_restore_ms(daemon: Daemon) -> tuple[Samples, float]:
    """Milliseconds of another client's pings while thousands of models are restored, and the seconds of the restore."""
    restoring, pinging = daemon.client(), daemon.client()
    models = [{"key": f"r{number}", "source": URL.format(f"r{number}")} for number in range(RESTORED)]
    restoring.send_json({"v": 1, "id": "1", "op": "restore", "models": models})
    samples, began, took = [], time.perf_counter(), 0.0
    while not took or time.perf_counter() < began + took + LINGER_S:
        asked = time.perf_counter()
        pinging.send_json({"v": 1, "id": "1", "op": "ping"})
        pinging.recv()
        samples.append(1000 * (time.perf_counter() - asked))
        time.sleep(PAUSE_S)  # below the limit of requests a second
        if not took and restoring.poll(0):
            assert len(_reply(restoring)["result"]["models"]) == RESTORED
            took = time.perf_counter() - began
    restoring.close()
    pinging.close()
    return samples, took


def _reply(client: "zmq.Socket[bytes]") -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(client.recv())
    return reply


def start_s(build: Checkout, context: "zmq.Context[zmq.Socket[bytes]]", folder: Path) -> Samples:
    """Seconds of ``modelctl up`` with a long history, the second time: the first one may migrate the database."""
    samples = []
    for _ in range(3):
        began = time.perf_counter()
        daemon = Daemon(build, folder, context)
        samples.append(time.perf_counter() - began)
        daemon.stop()
    return samples[1:]


def fill_with_runs(database: Path) -> None:
    """Insert stored benchmark runs of several models by copies of one."""
    result = (
        '{"model_key":"%s","tokens_per_second":10.0,"inference_time":1000.0,"context_used":10,"context_available":100,'
        '"timestamp":"%s","prompt_tokens":4,"completion_tokens":12,"memory_usage_mb":100.0}'
    )
    figure = '{"mean":10.0,"stddev":0.1,"n":3}'
    run = '{"id":"%s","result":%s,"prefill":%s,"decode":%s,"first_token_ms":%s,"inference_ms":%s}'

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(STORED_RUNS):
            key = f"b{number % BENCHMARKED}"
            at = time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime(1_700_000_000 + number))
            text = run % (number, result % (key, at), figure, figure, figure, figure)
            yield str(number), key, at, 10.0, 1000.0, 100.0, text

    with closing(sqlite3.connect(database)) as sql, sql:
        sql.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", rows())


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="modeld-bench-") as folder:
        yield Path(folder)


Kept = Callable[[Daemon], bool]


class Killed:
    """A daemon that is killed right after each answer."""

    def __init__(self, build: Checkout, home: Path, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._build, self._home, self._context = build, home, context
        self._file = str(tiny_gguf.write(home / "tiny.gguf"))
        self._daemon = Daemon(build, home, context)
        self._daemon.ask("add", model="keep", source=self._file)

    def rounds(self, count: int) -> Iterator[tuple[str, bool]]:
        """What was asked, and whether the next daemon still knows it."""
        kinds = (self._add, self._pin, self._remove, self._pull, self._restore, self._benchmark)
        for number in range(count):
            ask = kinds[number % len(kinds)]
            kept = ask(number)
            os.kill(self._daemon.pid, signal.SIGKILL)
            psutil.wait_procs([psutil.Process(self._daemon.pid)] if psutil.pid_exists(self._daemon.pid) else [], 10)
            (self._home / "logs" / "starts.json").unlink(missing_ok=True)  # these ends are no crash loop
            self._daemon = Daemon(self._build, self._home, self._context)
            yield ask.__name__.strip("_"), kept(self._daemon)

    def stop(self) -> None:
        self._daemon.stop()

    def _add(self, number: int) -> Kept:
        self._daemon.ask("add", model=f"a{number}", source=URL.format(number))
        return lambda daemon: f"a{number}" in _models(daemon)

    def _pin(self, _: int) -> Kept:
        wanted = not _models(self._daemon)["keep"]["pinned"]
        self._daemon.ask("pin", model="keep", pinned=wanted)
        return lambda daemon: _models(daemon)["keep"]["pinned"] == wanted

    def _remove(self, number: int) -> Kept:
        self._daemon.ask("add", model=f"g{number}", source=URL.format(number))
        self._daemon.ask("remove", model=f"g{number}")
        return lambda daemon: f"g{number}" not in _models(daemon)

    def _pull(self, number: int) -> Kept:
        return self._job(self._daemon.ask("pull", model=URL.format(f"p{number}")))

    def _restore(self, number: int) -> Kept:
        models = [{"key": f"r{number}", "source": URL.format(f"r{number}")}]
        self._daemon.ask("restore", models=models, settings=f"# {number}\n")
        return lambda daemon: f"r{number}" in _models(daemon)

    def _benchmark(self, _: int) -> Kept:
        return self._job(self._daemon.ask("benchmark", models=["keep"], repetitions=1, max_tokens=4))

    def _job(self, answer: dict[str, Any]) -> Kept:
        job = answer["jobs"][0]["id"]
        return lambda daemon: job in [known["id"] for known in daemon.ask("jobs")["jobs"]]


def _models(daemon: Daemon) -> dict[str, dict[str, Any]]:
    return {model["key"]: model for model in daemon.ask("list")["models"]}


def compare(builds: tuple[Checkout, Checkout], rounds: int) -> dict[str, tuple[Samples, Samples]]:
    """Every measure of both builds."""
    found: dict[str, tuple[Samples, Samples]] = {}

    def note(name: str, place: int, value: float) -> None:
        found.setdefault(name, ([], []))[place].append(value)

    for number in range(rounds):
        for place, build in enumerate(builds):
            with checkout.running(build) as daemon:
                note("add, one client, p50, ms", place, statistics.median(add_ms(daemon, "one")))
                note(f"add, {CLIENTS} clients, answers/s", place, adds_per_s(daemon, "many"))
            with checkout.running(build) as daemon:
                pings, took = pings_during_restore_ms(daemon)
                note("ping during a restore, p99, ms", place, sorted(pings)[len(pings) * 99 // 100])
                note("ping during a restore, longest, ms", place, max(pings))
                note(f"restore of {RESTORED:,} models, s", place, took)
        print(f"round {number + 1} of {rounds} is done", flush=True)
    return found


def long_history(builds: tuple[Checkout, Checkout]) -> dict[str, tuple[Samples, Samples]]:
    """The start with a million runs."""
    samples: list[Samples] = []
    with zmq.Context() as context:
        for build in builds:
            with _home() as home:
                Daemon(build, home, context).stop()
                fill_with_runs(home / "modeld.sqlite3")
                samples.append(start_s(build, context, home))
    return {f"modelctl up with {STORED_RUNS:,} runs, s": (samples[0], samples[1])}


def kept_after_kill(build: Checkout, count: int) -> str:
    """How many of the answers were true in the next daemon, and what was lost."""
    lost: dict[str, int] = {}
    kept = 0
    with _home() as home, zmq.Context() as context:
        killed = Killed(build, home, context)
        for what, is_kept in killed.rounds(count):
            kept += is_kept
            if not is_kept:
                lost[what] = lost.get(what, 0) + 1
        killed.stop()
    found = f"{kept} of {count} {lost or ''}".strip()
    print(f"{build.folder}: {found} kept after kill -9", flush=True)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=200, help="of this build; the base gets a quarter")
    parser.add_argument("--no-history", action="store_true", help="skip the start with a million runs")
    arguments = parser.parse_args()
    builds = THIS, Checkout(arguments.base.resolve())
    for build in builds:
        build.check()
    found = compare(builds, arguments.rounds) if arguments.rounds else {}
    if not arguments.no_history:
        found |= long_history(builds)
    lines = [
        [name, report.spread(this, 2), report.spread(base, 2), report.ratio(this, base)]
        for name, (this, base) in found.items()
    ]
    if arguments.kills:
        kept = kept_after_kill(THIS, arguments.kills), kept_after_kill(builds[1], arguments.kills // 4)
        lines.append(["kept after kill -9 right behind the answer", *kept, ""])
    print(report.table(["", "this", "base", "this / base"], lines))
    which = f"this is {THIS.description()}, base is {builds[1].description()}"
    print(f"\n{report.conditions(which)}")


if __name__ == "__main__":
    main()
