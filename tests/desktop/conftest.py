"""One desktop for all tests of this folder, and a real daemon whose clients are on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from real_daemon import DEADLINE_S, RealDaemon
from virtual_desktop import VirtualDesktop


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDesktop]:
    """The desktop."""
    made = VirtualDesktop(tmp_path_factory.mktemp("desktop"))
    yield made
    made.close()


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
