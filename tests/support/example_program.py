"""Runs the examples as separate processes, in the home of a daemon."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUN_S = 280.0
"""A benchmark of a real model takes minutes where other programs want the cores."""

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

CLIENTS = {
    "pyzmq": [sys.executable, str(EXAMPLES / "python" / "plain.py")],
    "library": [sys.executable, str(EXAMPLES / "python" / "library.py")],
    "node": ["node", str(EXAMPLES / "node" / "client.mjs")],
}
"""The same program in three languages; their output is the same."""


class Example:
    """One program of ``examples/``, in one home."""

    def __init__(self, command: list[str], home: Path) -> None:
        self._command = command
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**os.environ, "MODELD_HOME": str(home), "PATH": path}

    def run(self, *words: str, code: int = 0) -> str:
        """Run it and return its output; it must end with ``code``."""
        done = subprocess.run(
            [*self._command, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_S,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start it and leave it running; its output is read line by line."""
        return subprocess.Popen(
            [*self._command, *words], env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )


@contextmanager
def following(example: Example) -> Iterator["subprocess.Popen[str]"]:
    running = example.start("follow")
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def read_until(running: "subprocess.Popen[str]", wanted: str) -> list[str]:
    """The lines up to one that ends with ``wanted``; the test's own deadline ends an endless wait."""
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line.rstrip())
        if lines[-1].endswith(wanted):
            return lines
    raise AssertionError(f"it ended without {wanted!r}: {lines}")
