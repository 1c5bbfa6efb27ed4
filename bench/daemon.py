"""The daemon and its client beside the least that could do the same, in turn.

Writes a section of docs/performance.md.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import events
import fresh_daemon
import psutil
import report
import zmq
from modelctl.client import Client
from modeld.protocol.states import JobState
from support import sample_model
from support.range_server import RangeServer

IDLE_S = 30.0
STARTS = 15
EVENTS = 2000
PULLS = 5
DEADLINE_MS = 10_000
MIB = 2**20

ECHO = """
import sys, zmq
context = zmq.Context()
router, pub = context.socket(zmq.ROUTER), context.socket(zmq.PUB)
router.bind(sys.argv[1])
pub.bind(sys.argv[2])
print("ready", flush=True)
while True:
    client, _, request = router.recv_multipart()
    if request == b"end":
        break
    topic, body, reply = request.split(b"\\0")
    pub.send_multipart([topic, body])
    router.send_multipart([client, b"", reply])
context.destroy(0)
"""
"""The least that could do it: a ROUTER that publishes what it receives, and answers."""


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory(prefix="modeld-served-") as folder:
        served = Path(folder)
        shutil.copyfile(sample_model.q8(), served / "model.gguf")
        with RangeServer(served) as server, fresh_daemon.running({"MODELD_ALLOW_HTTP": "1"}) as (client, environment):
            rows = [
                *_idle(client),
                _start(environment),
                *events.rows(),
                *_events(client),
                *_pull(client, server, served),
            ]
    text = [
        "## The daemon and its client",
        report.table(["", "modeld", "peer", "ratio", "the peer"], rows),
        report.conditions(f"{STARTS} starts, {EVENTS} events, {PULLS} pulls, median (lowest to highest)"),
    ]
    report.write("daemon", "\n\n".join(text))


def _idle(client: Client) -> list[list[str]]:
    """Memory and processor time of a daemon without requests (heartbeats continue)."""
    process = psutil.Process(client.ping().pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(IDLE_S)  # the measurement itself: nothing is waited for
    share = 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    return [
        ["idle: resident memory, MiB", f"{process.memory_info().rss / MIB:.1f}", "", "", ""],
        [f"idle: processor over {IDLE_S:.0f} s, % of one core", f"{share:.2f}", "", "", ""],
    ]


def _start(environment: Mapping[str, str]) -> list[str]:
    """A whole command, beside a Python that only imports the libraries that the command needs."""
    ours = [str(fresh_daemon.MODELCTL), "ps"]
    peer = [sys.executable, "-c", "import zmq, msgspec, click"]

    def run(command: list[str]) -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    ours_ms, peer_ms = _in_turn(STARTS, lambda: run(ours), lambda: run(peer))
    return _row("modelctl ps, ms", ours_ms, peer_ms, "python -c 'import zmq, msgspec, click'")


def _events(client: Client) -> list[list[str]]:
    """From a request to its event at a subscriber, beside a bare ROUTER and PUB with the same frames."""
    found = client.transport.connection()
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        endpoints = (f"ipc://{folder}/commands.sock", f"ipc://{folder}/events.sock")
        echo = subprocess.Popen([sys.executable, "-c", ECHO, *endpoints], stdout=subprocess.PIPE)
        assert echo.stdout is not None
        echo.stdout.readline()
        ours = _Pair(context, found.commands, found.events, "model.")
        peer = _Pair(context, *endpoints, "model.")
        requests = [
            json.dumps({"v": 1, "id": "1", "op": "pin", "model": "smollm2", "pinned": pinned}).encode()
            for pinned in (True, False)
        ]
        topic, body, reply = ours.joined(requests[0])
        same = b"\0".join([topic, body, reply])
        peer.joined(same)
        count = iter(range(1, 10 * EVENTS))
        ours_ms, peer_ms = _in_turn(EVENTS, lambda: ours.once(requests[next(count) % 2]), lambda: peer.once(same))
        peer.commands.send(b"end")
        ours.close()
        peer.close()
        echo.wait(timeout=10)
        echo.stdout.close()
    peer_name = "pyzmq ROUTER and PUB, same frames"
    ours_us, peer_us = ([1000 * sample for sample in samples] for samples in (ours_ms, peer_ms))
    half, most = (sorted(ours_us)[int(len(ours_us) * part)] for part in (0.5, 0.99))
    peer_half, peer_most = (sorted(peer_us)[int(len(peer_us) * part)] for part in (0.5, 0.99))
    return [
        ["request to event, µs, p50", f"{half:.0f}", f"{peer_half:.0f}", f"{half / peer_half:.2f}", peer_name],
        ["request to event, µs, p99", f"{most:.0f}", f"{peer_most:.0f}", f"{most / peer_most:.2f}", peer_name],
    ]


class _Pair:
    """A client's two sockets."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", commands: str, events: str, topic: str) -> None:
        self.commands = context.socket(zmq.REQ)
        self.events = context.socket(zmq.SUB)
        self.events.subscribe(topic)
        for socket, endpoint in ((self.commands, commands), (self.events, events)):
            socket.rcvtimeo = DEADLINE_MS
            socket.linger = 0
            socket.connect(endpoint)

    def joined(self, request: bytes) -> list[bytes]:
        """Ask until the subscription has reached the publisher; the first event's frames, and the reply."""
        deadline = time.monotonic() + DEADLINE_MS / 1000
        while time.monotonic() < deadline:
            self.commands.send(request)
            reply = self.commands.recv()
            if self.events.poll(50):
                topic, body = self.events.recv_multipart()
                while self.events.poll(50):
                    self.events.recv_multipart()
                return [topic, body, reply]
        raise SystemExit("no event came for a request that makes one")

    def once(self, request: bytes) -> float:
        """Milliseconds from a request to its event."""
        began = time.perf_counter()
        self.commands.send(request)
        self.events.recv_multipart()
        passed = time.perf_counter() - began
        self.commands.recv()
        return 1000 * passed

    def close(self) -> None:
        self.commands.close()
        self.events.close()


def _pull(client: Client, server: RangeServer, served: Path) -> list[list[str]]:
    """A download over one connection, verified, beside curl on the same server."""
    curl = shutil.which("curl")
    if curl is None:
        return [["pull", "", "", "", "curl is not installed"]]
    url = server.url("model.gguf")
    size = (served / "model.gguf").stat().st_size
    sha256 = hashlib.sha256((served / "model.gguf").read_bytes()).hexdigest()
    target = served / "by-curl"

    def ours() -> float:
        client.add("bench", url, sha256=sha256)
        began = time.perf_counter()
        job = client.pull("bench", wait=True)
        passed = time.perf_counter() - began
        if job.state is not JobState.DONE or job.already_there or not client.show("bench").verified:
            raise SystemExit(f"this was no verified download: {job}")
        client.remove("bench")
        return passed

    def fetch() -> float:
        began = time.perf_counter()
        subprocess.run([curl, "--silent", "--fail", "--output", target, url], check=True)
        passed = time.perf_counter() - began
        target.unlink()
        return passed

    def verified() -> float:
        began = time.perf_counter()
        subprocess.run([curl, "--silent", "--fail", "--output", target, url], check=True)
        subprocess.run(["sync", "--data", target], check=True)
        with target.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        passed = time.perf_counter() - began
        if found != sha256:
            raise SystemExit("curl fetched another file")
        target.unlink()
        return passed

    ours_rates, curl_rates, verified_rates = (
        [size / MIB / seconds for seconds in samples] for samples in _in_turn_all(PULLS, ours, fetch, verified)
    )
    name = f"pull of {size / MIB:.0f} MiB with SHA-256 and fsync, MiB/s"
    return [
        _row(name, ours_rates, curl_rates, "curl, without SHA-256 and fsync", 0),
        _row("the same", ours_rates, verified_rates, "curl, then fsync, then SHA-256 by hashlib", 0),
    ]


def _in_turn(rounds: int, ours: Callable[[], float | None], peer: Callable[[], float | None]) -> list[list[float]]:
    return _in_turn_all(rounds, ours, peer)


def _in_turn_all(rounds: int, *calls: Callable[[], float | None]) -> list[list[float]]:
    """Call each once a round, in alternating order; what each returns, or the milliseconds it took."""
    samples: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        order = list(enumerate(calls))
        for index, call in order if number % 2 == 0 else order[::-1]:
            began = time.perf_counter()
            measured = call()
            passed = 1000 * (time.perf_counter() - began)
            if number:  # the first round warms up
                samples[index].append(passed if measured is None else measured)
    return samples


def _row(name: str, ours: list[float], peer: list[float], peer_name: str, digits: int = 0) -> list[str]:
    return [name, report.spread(ours, digits), report.spread(peer, digits), report.ratio(ours, peer), peer_name]


if __name__ == "__main__":
    main()
