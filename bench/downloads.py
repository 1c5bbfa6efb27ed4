"""Downloads by modeld, aria2c and curl from the same server, in turn. Writes a section of docs/performance.md.

modeld always verifies, keeps its state and syncs the file at the end. Processor time is measured too. Needs
aria2c, curl, nginx and openssl (Debian: ``apt-get install aria2 curl nginx-light openssl``).
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fresh_daemon
import model_file
import nginx
import psutil
import report
from model_file import ModelFile
from modelctl.client import Client
from modeld.protocol.states import JobState

MIB = 2**20
CONNECTIONS = 8
ROUNDS = 5


@dataclass
class Taken:
    """What a download took."""

    seconds: float
    cpu: float


Fetch = Callable[[], Taken]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=["each", "mixed", "tls"])
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    missing = [tool for tool in ("aria2c", "curl", "openssl") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    shared_memory = Path("/dev/shm")
    where = shared_memory if shared_memory.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="modeld-served-", dir=where) as served,
        tempfile.TemporaryDirectory(prefix="modeld-nginx-") as own,
        tempfile.TemporaryDirectory(prefix="modeld-peer-") as target,
    ):
        half, whole = (model_file.make(Path(served), size * MIB) for size in (512, 1024))
        with nginx.running(Path(served), Path(own)) as server:
            settings = {"MODELD_DOWNLOAD_CONNECTIONS": str(CONNECTIONS), "SSL_CERT_FILE": str(server.certificate)}
            with fresh_daemon.running(settings) as (client, _):
                bench = Bench(client, server, Path(target), arguments.rounds)
                rows: list[list[str]] = []
                if arguments.only in (None, "each"):
                    rows += bench.each(half)
                if arguments.only in (None, "mixed"):
                    rows += bench.mixed(half)
                if arguments.only in (None, "tls"):
                    rows += bench.tls(whole)
    table = report.table(["", "modeld, s", "peer, s", "ratio", "bound", "the peer"], rows)
    conditions = report.conditions(f"{arguments.rounds} rounds in turn, median (lowest to highest)")
    text = "\n\n".join(["## Downloads", table, conditions])
    if arguments.write and arguments.only is None:
        report.write("pulls", text)
    else:
        print(text)


class Bench:
    """The measurements, each of them some clients in turn."""

    def __init__(self, client: Client, server: nginx.WebServer, target: Path, rounds: int) -> None:
        self._client = client
        self._server = server
        self._target = target
        self._rounds = rounds
        self._daemon = psutil.Process(client.ping().pid)

    def each(self, file: ModelFile) -> list[list[str]]:
        """20 MiB/s a connection: what parallel connections bring."""
        url = f"{self._server.http}/each/{file.name}"
        ours, verified, plain, curl = self._in_turn(
            lambda: self._ours(url, file),
            lambda: self._aria2c(url, file, verify=True),
            lambda: self._aria2c(url, file, verify=False),
            lambda: self._curl(url),
        )
        what = f"{file.size // MIB} MiB, 20 MiB/s a connection, {CONNECTIONS} connections"
        return [
            _row(what, ours, verified, "0.70", "aria2c -x8 -s8 -k1M --checksum"),
            _row("the same", ours, plain, "1.00", "aria2c -x8 -s8 -k1M"),
            _row("the same", ours, curl, "0.16", "curl"),
        ]

    def mixed(self, file: ModelFile) -> list[list[str]]:
        """Two connections in ten are ten times slower: whether they decide the end."""
        url = f"{self._server.http}/mixed/{file.name}"
        ours, plain = self._in_turn(lambda: self._ours(url, file), lambda: self._aria2c(url, file, verify=False))
        what = f"{file.size // MIB} MiB, two connections in ten at 2 MiB/s"
        return [_row(what, ours, plain, "0.95", "aria2c -x8 -s8 -k1M")]

    def tls(self, file: ModelFile) -> list[list[str]]:
        """TLS as fast as it goes: what the client itself costs."""
        url = f"{self._server.https}/fast/{file.name}"
        ours, verified, plain, curl = self._in_turn(
            lambda: self._ours(url, file),
            lambda: self._aria2c(url, file, verify=True),
            lambda: self._aria2c(url, file, verify=False),
            lambda: self._curl(url),
        )
        what = f"{file.size // MIB} MiB over TLS, unhindered"
        scale = 2**30 / file.size
        cpu = ([taken.cpu * scale for taken in samples] for samples in (ours, verified, curl))
        ours_cpu, verified_cpu, curl_cpu = cpu
        return [
            _row(what, ours, verified, "0.80", "aria2c -x8 -s8 -k1M --checksum"),
            _row("the same", ours, plain, "", "aria2c -x8 -s8 -k1M"),
            _row("the same", ours, curl, "1.50", "curl"),
            _numbers("processor seconds per GiB of it", ours_cpu, verified_cpu, "1.10", "aria2c with --checksum"),
            _numbers("the same", ours_cpu, curl_cpu, "", "curl"),
        ]

    def _ours(self, url: str, file: ModelFile) -> Taken:
        client = self._client
        client.add("bench", url, sha256=file.sha256)
        before, began = sum(self._daemon.cpu_times()[:2]), time.perf_counter()
        job = client.pull("bench", wait=True)
        taken = Taken(time.perf_counter() - began, sum(self._daemon.cpu_times()[:2]) - before)
        if job.state is not JobState.DONE or job.already_there or not client.show("bench").verified:
            raise SystemExit(f"this was no verified download: {job}")
        client.remove("bench")
        return taken

    def _aria2c(self, url: str, file: ModelFile, *, verify: bool) -> Taken:
        command = ["aria2c", "-q", f"-x{CONNECTIONS}", f"-s{CONNECTIONS}", "-k1M", "--file-allocation=falloc"]
        command += ["--allow-overwrite=true", "--auto-file-renaming=false", f"--dir={self._target}", "--out=peer"]
        command += [f"--ca-certificate={self._server.certificate}"]
        command += [f"--checksum=sha-256={file.sha256}"] if verify else []
        return self._run([*command, url])

    def _curl(self, url: str) -> Taken:
        command = ["curl", "-sS", "--fail", "--cacert", str(self._server.certificate)]
        return self._run([*command, "--output", str(self._target / "peer"), url])

    def _run(self, command: list[str]) -> Taken:
        before, began = _children_cpu(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken = Taken(time.perf_counter() - began, _children_cpu() - before)
        (self._target / "peer").unlink()
        return taken

    def _in_turn(self, *fetches: Fetch) -> list[list[Taken]]:
        """Each once a round, in alternating order; every one begins with nothing left to write to the disk."""
        samples: list[list[Taken]] = [[] for _ in fetches]
        for number in range(self._rounds):
            order = list(enumerate(fetches))
            for index, fetch in order if number % 2 == 0 else order[::-1]:
                os.sync()
                samples[index].append(fetch())
        return samples


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _row(name: str, ours: list[Taken], peer: list[Taken], bound: str, peer_name: str) -> list[str]:
    return _numbers(name, [taken.seconds for taken in ours], [taken.seconds for taken in peer], bound, peer_name)


def _numbers(name: str, ours: list[float], peer: list[float], bound: str, peer_name: str) -> list[str]:
    return [name, report.spread(ours, 2), report.spread(peer, 2), report.ratio(ours, peer), bound, peer_name]


if __name__ == "__main__":
    main()
