"""Downloads with faults: killed daemons, stalls, pauses, limits; and how soon the daemon answers meanwhile.

Writes a section of docs/performance.md. A row has a limit that it must keep, and no peer. Needs nginx and openssl.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import fresh_daemon
import model_file
import nginx
import psutil
import report
from model_file import ModelFile
from modelctl.client import Client
from modelctl.errors import DaemonUnavailable
from modeld import places
from modeld.protocol import events
from modeld.protocol.states import JobState
from support.range_server import Fault, RangeServer

MIB = 2**20
CONNECTIONS = 8
KEY = "bench"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--queued", type=int, default=50)
    parser.add_argument("--only", choices=["kills", "stall", "pause", "limit", "status", "queue"])
    arguments = parser.parse_args()
    shared_memory = Path("/dev/shm")
    where = shared_memory if shared_memory.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="modeld-served-", dir=where) as served,
        tempfile.TemporaryDirectory(prefix="modeld-nginx-") as own,
    ):
        half, whole = (model_file.make(Path(served), size * MIB) for size in (512, 1024))
        with nginx.running(Path(served), Path(own)) as server:
            parts: dict[str, Callable[[], list[list[str]]]] = {
                "status": lambda: answers(server, whole),
                "pause": lambda: pauses(server, whole),
                "limit": lambda: limits(server, whole),
                "stall": lambda: stalls(Path(served), half),
                "kills": lambda: kills(Path(served), whole, arguments.kills),
                "queue": lambda: queue(arguments.queued),
            }
            rows = [row for name, part in parts.items() if arguments.only in (None, name) for row in part()]
    table = report.table(["", "median", "99 %", "worst", "bound", ""], rows)
    text = "\n\n".join(["## Downloads with faults", table, report.conditions()])
    if arguments.only is None:
        report.write("download_faults", text)
    else:
        print(text)


class Watcher:
    """What the events said of the download: (moment, bytes), oldest first."""

    def __init__(self, client: Client) -> None:
        self.seen: list[tuple[float, int]] = []
        self._moved = threading.Condition()
        self._ended = False
        self._events = client.events(f"download.{KEY}", "daemon.heartbeat")
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(DaemonUnavailable):  # it is killed on purpose
            for event in self._events:
                if self._ended:
                    break
                if isinstance(event, events.JobProgress):
                    with self._moved:
                        self.seen.append((time.monotonic(), event.progress.done))
                        self._moved.notify_all()
        self._events.close()

    def until(self, least: int, deadline_s: float = 60.0) -> None:
        """Wait for this many bytes."""
        with self._moved:
            if not self._moved.wait_for(lambda: bool(self.seen) and self.seen[-1][1] >= least, deadline_s):
                raise SystemExit(f"no {least} bytes in {deadline_s} s")


def answers(server: nginx.WebServer, file: ModelFile) -> list[list[str]]:
    """How soon the daemon answers while it downloads as fast as it can, and what memory that takes."""
    latencies: list[float] = []
    settings = _settings(server)
    with fresh_daemon.running(settings) as (client, _):
        process = psutil.Process(client.ping().pid)
        before, peak = process.memory_info().rss, 0
        for _ in range(3):
            client.add(KEY, f"{server.https}/fast/{file.name}", sha256=file.sha256)
            job = client.pull(KEY)
            while client.jobs(KEY)[-1].state in (JobState.QUEUED, JobState.RUNNING):
                began = time.perf_counter()
                client.status()
                latencies.append(1000 * (time.perf_counter() - began))
                peak = max(peak, process.memory_info().rss)
                time.sleep(0.005)  # the load of a few clients, not of a flood
            if next(one for one in client.jobs(KEY) if one.id == job.id).state is not JobState.DONE:
                raise SystemExit("a download failed")
            client.remove(KEY)
    row = _row("status while 1 GiB comes over TLS by 8 connections, ms", latencies, "99 %: 50", 1)
    return [row, ["memory that adds to the daemon, MiB", "", "", f"{(peak - before) / MIB:.1f}", "40", ""]]


def pauses(server: nginx.WebServer, file: ModelFile) -> list[list[str]]:
    """From a pause to its answer: no connection is open then, and the state is on disk."""
    taken: list[float] = []
    with fresh_daemon.running(_settings(server)) as (client, environment):
        process = psutil.Process(client.ping().pid)
        state = places.find(environment).models_dir / f"{file.name}.part.json"
        client.add(KEY, f"{server.https}/each/{file.name}", sha256=file.sha256)
        chance = random.Random(1)
        for _ in range(20):
            with Watcher(client) as watcher:
                client.pull(KEY)
                watcher.until(watcher.seen[-1][1] + 1 if watcher.seen else 1)
                time.sleep(chance.uniform(0.05, 0.3))  # a random moment is what is measured
                began = time.perf_counter()
                client.pause(model=KEY)
                taken.append(1000 * (time.perf_counter() - began))
                remote = [one for one in process.net_connections("tcp") if one.status == "ESTABLISHED"]
                claimed = _claimed(state)
                if remote or claimed < watcher.seen[-1][1]:
                    raise SystemExit(f"a pause left {remote}, or claims {claimed} of {watcher.seen[-1][1]}")
        client.cancel(model=KEY, keep=False)
    return [_row("pause with 8 connections until none is open and the state is on disk, ms", taken, "250", 0)]


def _claimed(state: Path) -> int:
    """The bytes that the state beside a partial file says are on disk; 0 where there is none yet."""
    if not state.exists():
        return 0
    return sum(end - start for start, end in json.loads(state.read_text(encoding="utf-8"))["done"])


def limits(server: nginx.WebServer, file: ModelFile) -> list[list[str]]:
    """Ten seconds under each of several limits, set one after another while it runs."""
    rows = []
    with fresh_daemon.running(_settings(server)) as (client, _):
        client.add(KEY, f"{server.http}/fast/{file.name}", sha256=file.sha256)
        client.limit(MIB)
        with Watcher(client) as watcher:
            client.pull(KEY)
            watcher.until(MIB // 2)
            for rate in (1, 5, 20, 50):
                client.limit(rate * MIB)
                time.sleep(1.0)  # what was under way
                first = watcher.seen[-1]
                time.sleep(10.0)  # the measurement itself
                last = watcher.seen[-1]
                error = (last[1] - first[1]) / (last[0] - first[0]) / (rate * MIB) - 1
                rows.append([f"limit of {rate} MiB/s over 10 s, off by %", f"{100 * error:+.1f}", "", "", "5", ""])
        client.cancel(model=KEY, keep=False)
    return rows


def stalls(served: Path, file: ModelFile) -> list[list[str]]:
    """One of eight connections stalls: how long until all together are back at 85 % of their speed."""
    with RangeServer(served, bytes_per_second=4.0 * MIB) as server:
        settings = {"MODELD_DOWNLOAD_CONNECTIONS": str(CONNECTIONS), "MODELD_ALLOW_HTTP": "1"}
        with fresh_daemon.running(settings) as (client, _):
            client.add(KEY, server.url(file.name))
            server.fault(file.name, Fault(times=2), Fault(stall_after=8 * MIB, times=1), Fault())
            with Watcher(client) as watcher:
                client.pull(KEY)
                watcher.until(400 * MIB)
            client.cancel(model=KEY, keep=False)
    speeds = _speeds(watcher.seen, 0.5)
    full = statistics.median(speed for _, speed in speeds)
    low = [moment for moment, speed in speeds[2:] if speed < 0.85 * full]
    back = low[-1] - low[0] + 0.5 if low else 0.0
    return [["one of 8 connections stalls: seconds below 85 % of the speed", f"{back:.1f}", "", "", "12", ""]]


def _speeds(seen: list[tuple[float, int]], step: float) -> list[tuple[float, float]]:
    """Bytes per second in steps of so many seconds."""
    found, (since, count) = [], seen[0]
    for moment, done in seen:
        if moment - since >= step:
            found.append((moment, (done - count) / (moment - since)))
            since, count = moment, done
    return found


def kills(served: Path, file: ModelFile, times: int) -> list[list[str]]:
    """kill -9 at random moments of one download: what is fetched again, in seconds of the rate."""
    chance = random.Random(2)
    lost: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="modeld-bench-") as folder,
        RangeServer(served, bytes_per_second=CALM_BYTES_PER_S) as server,
    ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(fresh_daemon.NOT_OURS)}
        environment |= {"MODELD_HOME": folder, "MODELD_TRAY": "0", "MODELD_DOWNLOAD_CONNECTIONS": str(CONNECTIONS)}
        process, client = _start(environment)
        client.add(KEY, server.url(file.name), sha256=file.sha256)
        client.pull(KEY)
        state = places.find(environment).models_dir / f"{file.name}.part.json"
        for _ in range(times):
            with Watcher(client) as watcher:
                watcher.until(_claimed(state) + 1)
                time.sleep(chance.uniform(0.0, 1.2))  # a random moment is what is measured
                process.send_signal(signal.SIGKILL)
                process.wait()
            lost.append(watcher.seen[-1][1] - _claimed(state))
            client.close()
            process, client = _start(environment)
        server.bytes_per_second = 0.0
        client.pause()
        client.resume()
        done = client.pull(KEY, wait=True).state is JobState.DONE and client.show(KEY).verified
        client.shutdown()
        process.wait()
        if not done:
            raise SystemExit("the hash is wrong")
    allowed = 1.5 * CALM_BYTES_PER_S * CONNECTIONS + CONNECTIONS * 256 * 1024
    name = f"killed {times} times in one download: MiB fetched again each time"
    return [_row(name, [count / MIB for count in lost], f"{allowed / MIB:.0f}", 1)]


CALM_BYTES_PER_S = 1 * MIB


def _start(environment: dict[str, str]) -> tuple["subprocess.Popen[bytes]", Client]:
    """A daemon as our own child, so that it can be killed; ready."""
    found = places.find(environment)
    found.connection_file.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, "-m", "modeld"], env=environment)
    deadline = time.monotonic() + 30.0
    while not found.connection_file.exists():
        if time.monotonic() > deadline or process.poll() is not None:
            raise SystemExit("the daemon does not start")
        time.sleep(0.01)
    return process, Client(found, timeout_s=600.0)


def queue(number: int) -> list[list[str]]:
    """Many downloads, four at a time, with faults: all end right, and nothing is left over."""
    size = 8 * MIB
    with tempfile.TemporaryDirectory(prefix="modeld-served-") as folder, RangeServer(Path(folder)) as server:
        settings = {"MODELD_MAX_DOWNLOADS": "4", "MODELD_ALLOW_HTTP": "1"}
        with fresh_daemon.running(settings) as (client, _):
            process = psutil.Process(client.ping().pid)
            before = (process.num_threads(), process.num_fds())
            file = model_file.make(Path(folder), 128 * MIB)
            faults = [Fault(cut_after=size, times=2), Fault(status=503, headers={"Retry-After": "0"}, times=1)]
            faults += [Fault(reset_after=size, times=1), Fault(content_range="bytes 0-1/2", times=1)]
            for one in range(number):
                (Path(folder) / f"m{one}.gguf").symlink_to(Path(folder) / file.name)
                server.fault(f"m{one}.gguf", faults[one % len(faults)])
                client.add(f"m{one}", server.url(f"m{one}.gguf"), sha256=file.sha256)
            began = time.perf_counter()
            for one in range(number):
                client.pull(f"m{one}")
            ended = [client.pull(f"m{one}", wait=True).state for one in range(number)]
            taken = time.perf_counter() - began
            time.sleep(6.0)  # idle threads of the daemon's own pools stay, those of downloads must not
            after = (process.num_threads(), process.num_fds())
    good = sum(state is JobState.DONE for state in ended)
    what = f"{number} downloads of 128 MiB with faults, 4 at a time, in {taken:.0f} s: ended right"
    left = f"threads {before[0]} to {after[0]}, descriptors {before[1]} to {after[1]}"
    return [[what, f"{good}", "", "", f"{number}", left]]


def _settings(server: nginx.WebServer) -> dict[str, str]:
    return {
        "MODELD_DOWNLOAD_CONNECTIONS": str(CONNECTIONS),
        "MODELD_ALLOW_HTTP": "1",
        "SSL_CERT_FILE": str(server.certificate),
    }


def _row(name: str, samples: list[float], bound: str, digits: int) -> list[str]:
    ordered = sorted(samples)
    most = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    numbers = (statistics.median(ordered), most, ordered[-1])
    return [name, *(f"{number:.{digits}f}" for number in numbers), bound, f"{len(samples)} samples"]


if __name__ == "__main__":
    main()
