"""Compare how fast two builds generate on a busy machine: alone, two models at once, and beside two busy loops.

    python bench/contention.py --base DIR            DIR is a checkout in which ``make setup`` has run
    python bench/contention.py --base-commit REV     makes such a checkout in a temporary folder first

Both builds run with their defaults, in turn in each round. The model is SmolLM2 of tests/support/sample_model.py. A
rate is what clients received in some seconds, with the short prompt's prefill.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import checkout
import psutil
import report
import zmq
from checkout import Checkout, Daemon
from support import sample_model

THIS = Checkout(Path(__file__).resolve().parent.parent)
ROUNDS = 5
SECONDS = 6.0
PROMPT = "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen,"
GREEDY = {"temperature": 0.0}
ALONE, BOTH, BUSY = "one model, idle machine", "two models at once, sum", "one model beside two busy loops"


def rate(daemon: Daemon, models: int) -> float:
    """Tokens a second that as many models generate at once, all together."""
    sockets = [daemon.dealer() for _ in range(models)]
    poller, counts, began = zmq.Poller(), dict.fromkeys(sockets, 0), time.monotonic()
    ended = 0
    for number, socket in enumerate(sockets):
        poller.register(socket, zmq.POLLIN)
        request = {"v": 1, "id": "g", "op": "generate", "model": f"m{number}", "prompt": PROMPT, "stream": True}
        socket.send(json.dumps({**request, "sampling": GREEDY}).encode())
    while (left := began + SECONDS - time.monotonic()) > 0 and ended < models:
        for socket, _ in poller.poll(int(left * 1000) + 1):
            reply = json.loads(socket.recv())
            if "chunk" in reply:
                counts[socket] = reply["chunk"]["completion_tokens"]
            else:
                ended += 1
    passed = time.monotonic() - began
    for socket in sockets:
        socket.send(b'{"v": 1, "id": "c", "op": "cancel", "request": "g"}')
    _until_loaded(daemon, models)
    for socket in sockets:
        socket.close()
    return sum(counts.values()) / passed


def _until_loaded(daemon: Daemon, models: int) -> None:
    """Wait until the workers have given up their tasks; polls, since the builds share no event for it."""
    while sum(model["state"] == "loaded" for model in daemon.ask("list")["models"]) < models:
        time.sleep(0.1)


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """As many processes that compute all the time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(build: Checkout) -> dict[str, float]:
    """The rates of one fresh daemon."""
    with checkout.running(build) as daemon:
        for key in ("m0", "m1"):
            daemon.ask("add", model=key, source=str(sample_model.q4()))
        daemon.ask("load", model="m0", wait=True)
        alone = rate(daemon, 1)
        with busy_loops(2):
            beside = rate(daemon, 1)
        daemon.ask("load", model="m1", wait=True)
        return {ALONE: alone, BOTH: rate(daemon, 2), BUSY: beside}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--base", type=Path, help="the other checkout")
    which.add_argument("--base-commit", metavar="REV", help="the other commit of this repository")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    load = psutil.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        if arguments.base_commit:
            base = stack.enter_context(checkout.of_commit(THIS.folder, arguments.base_commit))
        else:
            base = Checkout(arguments.base.resolve())
        rates = compare(THIS, base, arguments.rounds)
        conditions = report.conditions(
            f"load average {load:.1f} at the start",
            f"this is {THIS.description()}, base is {base.description()}",
            f"{arguments.rounds} rounds in turn, {SECONDS:.0f} s each, median (lowest to highest)",
        )
    rows = [[name, *map(report.spread, found), _ratio(*found)] for name, found in rates.items()]
    print(report.table(["tokens/s", "this", "base", "this / base"], rows))
    print(f"\n{conditions}")


def compare(this: Checkout, base: Checkout, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """For each situation the rates of both builds; who begins alternates."""
    rates: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in (ALONE, BOTH, BUSY)}
    for build in (this, base):
        build.check()
    for number in range(rounds):
        order = [(0, this), (1, base)]
        for index, build in order if number % 2 == 0 else order[::-1]:
            for name, found in measure(build).items():
                rates[name][index].append(found)
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return rates


def _ratio(this: list[float], base: list[float]) -> str:
    slow = statistics.median(base)
    return f"{statistics.median(this) / slow:.2f}" if slow else "no token of base"


if __name__ == "__main__":
    main()
