"""A real daemon with two tiny models, and the way the drop-in classes reach it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_gguf
from modelctl import Client
from modelctl.jarvis.reach import Reach
from real_daemon import DEADLINE_S, RealDaemon


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    home = tmp_path / "home"
    home.mkdir()
    running = RealDaemon(home, {"MODELD_ALLOW_HTTP": "1"})
    yield running
    running.stop()
    assert "Traceback" not in running.log(), running.log()


@pytest.fixture
def client(daemon: RealDaemon, tiny_file: Path) -> Iterator[Client]:
    with Client(daemon.places, timeout_s=DEADLINE_S) as found:
        found.add("tiny", str(tiny_file), display_name="Tiny")
        yield found


@pytest.fixture
def reach(client: Client) -> Iterator[Reach]:
    made = Reach(client, start_daemon=False)
    yield made
    made.close()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Reach]:
    """A way to a home where no daemon runs."""
    from modeld.places import find

    with Client(find({"MODELD_HOME": str(tmp_path / "nobody")}), timeout_s=1) as found:
        made = Reach(found, start_daemon=False)
        yield made
        made.close()
