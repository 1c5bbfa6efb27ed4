"""Compare this checkout with another build of modeld: what each costs, measured in turn in the same run.

    python bench/builds.py --base DIR            DIR is a checkout in which ``make setup`` has run
    python bench/builds.py --base-commit REV     makes such a checkout in a temporary folder first
    ... --only ping --models 10000               only some measures; both daemons know so many models

Each round starts a fresh daemon of both builds and measures them in turn, short measures in many short turns, so that
whatever else the machine does hits both. The daemons' homes are on disk, the served file is in memory.

Needs nginx and openssl (Debian: ``apt-get install nginx-light openssl``) and Linux.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import checkout
import model_file
import nginx
import psutil
import report
from checkout import Checkout, Daemon
from model_file import ModelFile

THIS = Checkout(Path(__file__).resolve().parent.parent)
ROUNDS = 5
IDLE_S = 5.0
COMMANDS = 21
TURNS, REQUESTS = 60, 50
JOIN_MS, JOIN_ATTEMPTS = 50, 200
RESTORED = 1000
"""Models in one request, which has at most 1 MiB."""

MIB = 2**20


@dataclass(frozen=True)
class Download:
    """The file that every download fetches, at 20 MiB/s for each connection."""

    file: ModelFile
    url: str


Sample = tuple[float, ...]


def memory(daemon: Daemon, _: Download) -> list[Sample]:
    """Resident memory in MiB: all of it, and without the pages of files.

    The second number leaves out what processes can share. Whether they do share it differs between the builds here,
    since this process has the libraries of one of them open.
    """
    found = psutil.Process(daemon.pid).memory_info()
    return [(found.rss / MIB, (found.rss - found.shared) / MIB)]


def idle(daemon: Daemon, _: Download) -> list[Sample]:
    """Milliseconds of processor time for each second in which nobody asks anything (heartbeats continue)."""
    before, began = daemon.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)  # the measurement itself
    return [(1000 * (daemon.cpu_s() - before) / (time.monotonic() - began),)]


def ps(daemon: Daemon, _: Download) -> list[Sample]:
    """Milliseconds of ``modelctl ps`` from start to end."""
    return [(1000 * _timed(lambda: daemon.modelctl("ps")),)]


def ping(daemon: Daemon, _: Download) -> list[Sample]:
    """Microseconds from a request to its answer, for the request that needs the least work."""
    return [(1e6 * _timed(lambda: daemon.ask("ping")),) for _ in range(REQUESTS)]


def event(daemon: Daemon, _: Download) -> list[Sample]:
    """Microseconds from a request to the event that it causes, by the clock of this process alone.

    An event's own ``at`` is in milliseconds, too coarse for a path of some hundred microseconds. So the clock starts
    when a new limit for downloads is sent, which the daemon publishes at once and writes nowhere, and stops when the
    subscriber has the event with that limit. The time includes reading the request, deciding, and encoding.
    """
    with daemon.subscribed("daemon.state") as subscriber:
        for _attempt in range(JOIN_ATTEMPTS):  # until the subscription has arrived
            daemon.ask("limit", bytes_per_s=1)
            if subscriber.poll(JOIN_MS):
                break
        else:
            raise SystemExit("no event came for a request that makes one")
        samples: list[Sample] = []
        for number in range(2, REQUESTS + 2):
            began = time.perf_counter()
            daemon.send("limit", bytes_per_s=number)
            while True:
                body = subscriber.recv_multipart()[1]
                passed = time.perf_counter() - began
                if json.loads(body).get("daemon", {}).get("download_limit") == number:
                    break
            samples.append((1e6 * passed,))
            daemon.answer()
        daemon.ask("limit", bytes_per_s=0)
    return samples


def download(daemon: Daemon, what: Download) -> list[Sample]:
    """Seconds of one verified download by 8 connections, and the daemon's processor seconds in them."""
    os.sync()
    daemon.ask("add", model="bench", source=what.url, sha256=what.file.sha256)
    before, began = daemon.cpu_s(), time.perf_counter()
    job = daemon.ask("pull", model="bench", wait=True)["jobs"][-1]
    passed, busy = time.perf_counter() - began, daemon.cpu_s() - before
    if job["state"] != "done" or job["already_there"] or not daemon.ask("show", model="bench")["model"]["verified"]:
        raise SystemExit(f"this was no verified download: {job}")
    daemon.ask("remove", model="bench")
    return [(passed, busy)]


@dataclass(frozen=True)
class Row:
    """A row of the table: ``part`` (0.5: the median) of one ``column`` of a round's samples."""

    name: str
    digits: int
    column: int = 0
    part: float = 0.5

    def number(self, samples: Sequence[Sample]) -> float:
        ordered = sorted(sample[self.column] for sample in samples)
        return ordered[int(len(ordered) * self.part)]


@dataclass(frozen=True)
class Measure:
    """``take`` is called ``turns`` times a round for each build, in turn."""

    take: Callable[[Daemon, Download], list[Sample]]
    turns: int
    rows: tuple[Row, ...]


MEASURES = (
    Measure(memory, 1, (Row("idle: resident memory, MiB", 2), Row("idle: without pages of files, MiB", 2, column=1))),
    Measure(idle, 1, (Row("idle: processor, ms per s", 2),)),
    Measure(ps, COMMANDS, (Row("modelctl ps, ms", 0),)),
    Measure(ping, TURNS, (Row("ping to answer, µs, p50", 0), Row("ping to answer, µs, p99", 0, part=0.99))),
    Measure(event, TURNS, (Row("request to event, µs, p50", 0), Row("request to event, µs, p99", 0, part=0.99))),
    Measure(
        download,
        1,
        (Row("download of 512 MiB, 8 x 20 MiB/s, verified, s", 2), Row("the same: processor, s", 2, column=1)),
    ),
)

NAMES = [measure.take.__name__ for measure in MEASURES]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--base", type=Path, help="the other checkout")
    which.add_argument("--base-commit", metavar="REV", help="the other commit of this repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=NAMES, action="append")
    parser.add_argument("--models", type=int, default=0, help="models that both daemons know")
    arguments = parser.parse_args()
    load = psutil.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        if arguments.base_commit:
            other = stack.enter_context(checkout.of_commit(THIS.folder, arguments.base_commit))
        else:
            other = Checkout(arguments.base.resolve())
        for build in (THIS, other):
            build.check()
        what = _served(stack)
        measures = [measure for measure in MEASURES if measure.take.__name__ in (arguments.only or NAMES)]
        this, base = compare((THIS, other), what, measures, arguments.rounds, arguments.models)
        conditions = report.conditions(
            f"load average {load:.1f} at the start",
            f"this is {THIS.description()}, base is {other.description()}",
            *([f"{arguments.models} models"] if arguments.models else []),
            f"{arguments.rounds} rounds in turn, median (lowest to highest)",
        )
    lines = [_line(row, this[row], base[row]) for row in this]
    print(report.table(["", "this", "base", "this / base", "this / base, by round"], lines))
    print(f"\n{conditions}")


def compare(
    builds: tuple[Checkout, Checkout], what: Download, measures: Sequence[Measure], rounds: int, models: int
) -> list[dict[Row, list[float]]]:
    """For each build, for each row, the number of each round."""
    numbers: list[dict[Row, list[float]]] = [{row: [] for measure in measures for row in measure.rows} for _ in builds]
    for build in builds:  # the first start of a build compiles its modules
        with checkout.running(build) as daemon:
            daemon.modelctl("ps")
    for number in range(rounds):
        with contextlib.ExitStack() as stack:
            daemons = [stack.enter_context(checkout.running(build)) for build in builds]
            for daemon in daemons:
                _know(daemon, models)
            time.sleep(IDLE_S)  # until starting has ended: the memory is that of a daemon at rest
            for measure in measures:
                for into, samples in zip(numbers, _in_turn(measure, daemons, what, number), strict=True):
                    for row in measure.rows:
                        into[row].append(row.number(samples))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return numbers


def _in_turn(measure: Measure, daemons: list[Daemon], what: Download, first: int) -> list[list[Sample]]:
    """The samples of each daemon; who begins alternates."""
    samples: list[list[Sample]] = [[] for _ in daemons]
    for turn in range(first, first + measure.turns):
        order = list(enumerate(daemons))
        for index, daemon in order if turn % 2 == 0 else order[::-1]:
            samples[index].extend(measure.take(daemon, what))
    return samples


def _know(daemon: Daemon, models: int) -> None:
    """Let the daemon know so many models, none of which is on disk."""
    added = [{"key": f"m{number}", "source": f"https://127.0.0.1/m{number}.gguf"} for number in range(models)]
    for first in range(0, models, RESTORED):
        daemon.ask("restore", models=added[first : first + RESTORED])


def _served(stack: contextlib.ExitStack) -> Download:
    """A file behind a server that gives each connection 20 MiB/s, until the stack is closed."""
    memory = Path("/dev/shm")
    where = memory if memory.is_dir() else None
    served = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modeld-served-", dir=where)))
    own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modeld-nginx-")))
    file = model_file.make(served, 512 * MIB)
    server = stack.enter_context(nginx.running(served, own))
    return Download(file, f"{server.http}/each/{file.name}")


def _line(row: Row, this: list[float], base: list[float]) -> list[str]:
    by_round = [our / their for our, their in zip(this, base, strict=True)]
    spreads = [report.spread(this, row.digits), report.spread(base, row.digits)]
    return [row.name, *spreads, report.ratio(this, base), report.spread(by_round, 2)]


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
