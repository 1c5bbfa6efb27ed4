"""A tour of modeld with a real model, in a home of its own that is gone afterwards: ``make demo``.

Two quantizations of a small model are served from this machine, slowly enough to watch. Everything shown is the
installed ``modelctl``, run as anyone would run it; the first command that fails ends the demo with its exit code.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from support import sample_model
from support.range_server import RangeServer

MODELCTL = Path(sys.executable).with_name("modelctl")
LINK_BYTES_PER_SECOND = 60e6
COMMAND_S = 300
BOLD, DIM, RED, PLAIN = ("\033[1m", "\033[2m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 4


class Stopped(Exception):  # noqa: N818  (what happened, not a kind of bug)
    """A command failed; its exit code is the demo's."""

    def __init__(self, code: int) -> None:
        self.code = code


def main() -> int:
    """Run the tour; 0 when every command did what it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="modeld-demo-") as scratch:
        served = Path(scratch, "served")
        served.mkdir()
        (served / "smollm2-q4.gguf").symlink_to(sample_model.q4())
        (served / "smollm2-q8.gguf").symlink_to(sample_model.q8())
        home = Path(scratch, "home")
        with RangeServer(served, bytes_per_second=LINK_BYTES_PER_SECOND) as server:
            code = tour(Tour(home), server)
    seconds = time.monotonic() - began
    print(
        f"\n{DIM}{seconds:.0f} s. The demo's home is gone again; your own was not touched.{PLAIN}" if code == 0 else ""
    )
    return code


def tour(here: "Tour", server: RangeServer) -> int:
    """The commands in their order; the daemon is stopped whatever happens."""
    try:
        here.say("One daemon owns the models. It starts in the background, and knows a catalogue.")
        here.run("up")
        here.say("Two quantizations of SmolLM2 135M, from a server on this machine that sends 60 MB/s.")
        here.run("add", "smollm2-q8", server.url("smollm2-q8.gguf"), "--name", "SmolLM2 135M (Q8_0)")
        here.run("add", "smollm2-q4", server.url("smollm2-q4.gguf"), "--name", "SmolLM2 135M (Q4_1)")
        here.run("pull", "smollm2-q8")
        here.run("pull", "smollm2-q4")
        here.run("ls")
        here.say("A loaded model is a process of its own; the answer comes as it is made.")
        here.run("load", "smollm2-q8")
        here.run("run", "smollm2-q8", "Why is the sky blue? Answer briefly.", "--max-tokens", "60", "--seed", "7")
        here.run("ps")
        here.run("show", "smollm2-q8")
        here.say("The benchmark measures the standard prompt, and what llama-bench measures.")
        here.run("bench", "smollm2-q8", "smollm2-q4", "-r", "2")
        here.say("Once more for one of them: every run is kept, and a change is told from the noise.")
        here.run("bench", "smollm2-q4", "-r", "2")
        here.run("ls", "--long")
        here.run("results", "smollm2-q4")
        here.run("compare")
    except Stopped as stopped:
        here.down()
        return stopped.code
    except BaseException:
        here.down()
        raise
    return here.down()


class Tour:
    """Runs modelctl in one home and echoes what it runs."""

    def __init__(self, home: Path) -> None:
        # The server speaks plain http, which modeld accepts only when told to.
        self._environment = {
            **os.environ,
            "MODELD_HOME": str(home),
            "MODELD_TRAY": "0",
            "MODELD_ALLOW_HTTP": "1",
            "LLM_CONTEXT_SIZE": "2048",
        }

    def say(self, text: str) -> None:
        """A line for the person watching."""
        print(f"\n{DIM}# {text}{PLAIN}", flush=True)

    def run(self, *arguments: str) -> None:
        """Echo and run one command.

        Raises:
            Stopped: it failed or took too long.
        """
        code = self._call(arguments)
        if code:
            print(f"{RED}exit code {code}{PLAIN}", flush=True)
            raise Stopped(code)

    def down(self) -> int:
        """Stop the daemon; its exit code."""
        return self._call(["down"])

    def _call(self, arguments: Sequence[str]) -> int:
        shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        print(f"\n{BOLD}$ modelctl {shown}{PLAIN}", flush=True)
        try:
            return subprocess.run([MODELCTL, *arguments], env=self._environment, timeout=COMMAND_S).returncode
        except subprocess.TimeoutExpired:
            print(f"{RED}no end after {COMMAND_S} s{PLAIN}", flush=True)
            return 1


if __name__ == "__main__":
    sys.exit(main())
