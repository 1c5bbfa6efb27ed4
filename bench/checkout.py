"""A checkout of modeld with a ``.venv`` of its own, and a daemon that runs from it.

Only stable surfaces are used: the command ``modelctl``, the file ``connection.json``, and version 1 of the protocol.
Nothing of the checkout is imported, so any commit can be measured.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fresh_daemon
import zmq

ANSWER_MS = 60_000
SETTINGS = {
    "MODELD_TRAY": "0",
    "MODELD_ALLOW_HTTP": "1",  # the benchmark's own server has no TLS
    "MODELD_DOWNLOAD_CONNECTIONS": "8",
}


@dataclass(frozen=True)
class Checkout:
    """A folder in which ``make setup`` has run."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / ".venv" / "bin"

    def check(self) -> None:
        """Refuse a folder that ``make setup`` has not prepared."""
        if not (self.bin / "modelctl").exists():
            raise SystemExit(f"{self.folder} has no .venv with modelctl: run make setup there")

    def description(self) -> str:
        """Its commit, whether files differ from it, and its Python."""
        commit = self._output("git", "-C", str(self.folder), "rev-parse", "--short", "HEAD")
        changed = self._output("git", "-C", str(self.folder), "status", "--porcelain", "--untracked-files=no")
        python = self._output(str(self.bin / "python"), "--version")
        return f"{commit}{' with changes' if changed else ''} ({python})"

    def _output(self, *command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Daemon:
    """A daemon of one checkout, seen from outside: its process, its command line, its sockets."""

    def __init__(self, checkout: Checkout, home: Path, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self.checkout = checkout
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(fresh_daemon.NOT_OURS)}
        self._environment = {**inherited, "MODELD_HOME": str(home), **SETTINGS}
        self._context = context
        self.modelctl("up")
        found = json.loads((home / "run" / "connection.json").read_text(encoding="utf-8"))
        self.pid: int = found["pid"]
        self._events_endpoint: str = found["events"]
        self._commands_endpoint: str = found["commands"]
        self._commands = self._socket(zmq.REQ, self._commands_endpoint)

    def modelctl(self, *arguments: str) -> None:
        """Run one command of the checkout's own modelctl."""
        command = [str(self.checkout.bin / "modelctl"), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed with exit code {done.returncode}: {done.stderr}")

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """The result of one request."""
        self.send(op, **fields)
        return self.answer()

    def send(self, op: str, **fields: object) -> None:
        """Send a request; ``answer`` must be called before the next one."""
        self._commands.send(json.dumps({"v": 1, "id": "1", "op": op, **fields}).encode())

    def answer(self) -> dict[str, Any]:
        """The result of the request that was sent last."""
        reply = json.loads(self._commands.recv())
        if not reply["ok"]:
            raise SystemExit(f"{self.checkout.folder}: {reply['error']['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    def client(self) -> "zmq.Socket[bytes]":
        """The socket of one more client."""
        return self._socket(zmq.REQ, self._commands_endpoint)

    @contextlib.contextmanager
    def subscribed(self, topic: str) -> Iterator["zmq.Socket[bytes]"]:
        """A subscriber to the daemon's events."""
        socket = self._socket(zmq.SUB)
        socket.subscribe(topic)
        socket.connect(self._events_endpoint)
        try:
            yield socket
        finally:
            socket.close()

    def dealer(self) -> "zmq.Socket[bytes]":
        """One more connection for requests, on which replies need not alternate with them."""
        return self._socket(zmq.DEALER, self._commands_endpoint)

    def cpu_s(self) -> float:
        """The processor time of all its threads so far, to the nanosecond (the clock of ``clock_getcpuclockid(3)``)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def stop(self) -> None:
        self._commands.close()
        self.modelctl("down")

    def _socket(self, kind: int, endpoint: str = "") -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.rcvtimeo = ANSWER_MS
        if endpoint:
            socket.connect(endpoint)
        return socket


@contextlib.contextmanager
def running(checkout: Checkout) -> Iterator[Daemon]:
    """A daemon of ``checkout`` in a fresh home; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="modeld-bench-") as home, zmq.Context() as context:
        daemon = Daemon(checkout, Path(home), context)
        try:
            yield daemon
        finally:
            daemon.stop()


@contextlib.contextmanager
def of_commit(repository: Path, commit: str) -> Iterator[Checkout]:
    """``commit`` in a temporary git worktree, with an environment of its own (about a minute)."""
    git = ["git", "-C", str(repository), "worktree"]
    with tempfile.TemporaryDirectory(prefix="modeld-base-") as folder:
        path = Path(folder) / "checkout"
        subprocess.run([*git, "add", "--quiet", "--detach", str(path), commit], check=True)
        try:
            subprocess.run(["make", "--directory", str(path), "setup"], check=True, stdout=sys.stderr)
            yield Checkout(path)
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)
