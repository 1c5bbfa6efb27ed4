"""What wild clients cost the daemon and another client: memory before, at its peak and 10 s later; the other's ping.

Each flood gets a fresh daemon with the default limits. Prints a table and writes nothing.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator

import fresh_daemon
import psutil
import report
import zmq
from modelctl.client import Client

MIB = 1024**2
AFTER_S = 10.0
DEADLINE_MS = 60_000
PAUSE_S = 0.005
"""Between two pings of the other client."""

DESCRIPTION = "x" * 4_096
URL = "https://example.invalid/x.gguf"

FLOODS = {
    "ids of 1 MB, 3 clients": (3, True),
    "keys of 1 MB": (1, True),
    "snapshots, 20 clients": (20, True),
    "snapshots that are not read": (1, False),
    "pings, 20 clients": (20, True),
    "a subscriber that does not read, 6,000 events": (1, True),
    "200 models with long descriptions, snapshots": (1, True),
}


def main() -> None:
    """Flood one daemon after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each flood lasts")
    parser.add_argument("only", nargs="*", help="words in the name of the floods to run")
    options = parser.parse_args()
    names = [name for name in FLOODS if all(word in name for word in options.only)]
    rows = [_measured(name, options.seconds) for name in names]
    header = ["flood", "before, MiB", "peak, MiB", f"{AFTER_S:.0f} s later, MiB", "ping p50, ms", "p99", "max"]
    print(report.table(header, rows))
    print(report.conditions(f"{options.seconds:.0f} s each"))


def _measured(name: str, seconds: float) -> list[str]:
    clients, reads = FLOODS[name]
    with fresh_daemon.running({}) as (client, _):
        process = psutil.Process(client.ping().pid)
        found = client.transport.connection()
        before = peak = process.memory_info().rss
        flood = multiprocessing.Process(
            target=_flood, args=(name, found.commands, found.events, seconds, clients, reads), daemon=True
        )
        flood.start()
        pings: list[float] = []
        while flood.is_alive():
            pings.append(_ping_ms(client))
            peak = max(peak, process.memory_info().rss)
            time.sleep(PAUSE_S)  # the rate of the measurement
        time.sleep(AFTER_S)  # the measurement itself: nothing is waited for
        after = process.memory_info().rss
    pings.sort()
    memory = [f"{size / MIB:.0f}" for size in (before, peak, after)]
    return [name, *memory, *(f"{pings[int(len(pings) * part)]:.1f}" for part in (0.5, 0.99)), f"{pings[-1]:.0f}"]


def _ping_ms(client: Client) -> float:
    began = time.perf_counter()
    client.ping()
    return 1000 * (time.perf_counter() - began)


def _flood(name: str, commands: str, events: str, seconds: float, clients: int, reads: bool) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sockets = [context.socket(zmq.DEALER) for _ in range(clients)]
    for socket in sockets:
        socket.connect(commands)
    if name.startswith("a subscriber"):
        _ask(sockets[0], op="add", model="m", source=URL, description=DESCRIPTION)
        subscriber = context.socket(zmq.SUB)
        subscriber.setsockopt(zmq.RCVHWM, 1)
        subscriber.subscribe("")
        subscriber.connect(events)
        for number in range(6_000):
            while not _ask(sockets[0], op="pin", model="m", pinned=bool(number % 2))["ok"]:
                time.sleep(0.2)  # "busy": within the limits, so slower
    else:
        if name.startswith("200 models"):
            for number in range(200):
                _ask(sockets[0], op="add", model=f"m{number}", source=URL, description=DESCRIPTION)
        _send_all(sockets, _bodies(name), seconds, reads)
    context.destroy(0)


def _bodies(name: str) -> Iterator[bytes]:
    """The requests of a flood, without end."""
    number = 0
    same = {"ids": {"op": "ping", "id": "x" * 1_000_000}, "pings": {"op": "ping"}}.get(
        name.split(",")[0].split()[0], {"op": "snapshot"}
    )
    body = json.dumps({"id": "1"} | same).encode()
    while True:
        number += 1
        if name.startswith("keys"):
            body = json.dumps({"id": "1", "op": "unload", "key": f"{number}" + "k" * 1_000_000}).encode()
        yield body


def _send_all(sockets: "list[zmq.Socket[bytes]]", bodies: Iterator[bytes], seconds: float, reads: bool) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for socket in sockets:
            try:
                socket.send_multipart([b"", next(bodies)], zmq.NOBLOCK)
            except zmq.Again:
                time.sleep(0.001)  # its queue is full: this is the daemon's limit at work
            while reads and socket.poll(0):
                socket.recv_multipart()


def _ask(socket: "zmq.Socket[bytes]", **fields: object) -> dict[str, object]:
    socket.send_multipart([b"", json.dumps({"id": "1", **fields}).encode()])
    if not socket.poll(DEADLINE_MS):
        raise SystemExit("the daemon does not answer")
    answer: dict[str, object] = json.loads(socket.recv_multipart()[-1])
    return answer


if __name__ == "__main__":
    main()
