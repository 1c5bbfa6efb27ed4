"""Runs modelctl as a separate process, with its exit code and both outputs."""

import subprocess
import sys
from collections.abc import Sequence

COMMAND = [sys.executable, "-m", "modelctl"]


def modelctl(
    *words: str, stdin: str | None = None, timeout_s: float = 30, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run one verb to its end; standard input is closed unless given."""
    return subprocess.run(
        [*COMMAND, *words],
        **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=env,
    )


def start(words: Sequence[str]) -> "subprocess.Popen[str]":
    """Start one verb and leave it running."""
    return subprocess.Popen(
        [*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
