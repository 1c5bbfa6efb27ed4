"""The homes that the examples run in: of a real daemon, or of a fake one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_gguf
from fake_daemon import FakeDaemon
from modelctl import Client
from modeld.places import find
from real_daemon import DEADLINE_S, RealDaemon


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def settings() -> dict[str, str]:
    return {}


@pytest.fixture
def daemon(tmp_path: Path, settings: dict[str, str]) -> Iterator[RealDaemon]:
    home = tmp_path / "home"
    home.mkdir()
    running = RealDaemon(home, settings)
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def client(daemon: RealDaemon) -> Iterator[Client]:
    with Client(daemon.places, timeout_s=DEADLINE_S) as found:
        yield found


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDaemon]:
    running = FakeDaemon(find({"MODELD_HOME": str(tmp_path)}))
    yield running
    running.close()
