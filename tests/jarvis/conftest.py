"""The ways in which the drop-in classes reach a daemon, or none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.jarvis.reach import Reach
from modeld.places import find


@pytest.fixture
def client(client: Client, tiny_file: Path) -> Client:
    """A client of a daemon that knows a tiny model."""
    client.add("tiny", str(tiny_file), display_name="Tiny")
    return client


@pytest.fixture
def reach(client: Client) -> Iterator[Reach]:
    made = Reach(client, start_daemon=False)
    yield made
    made.close()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Reach]:
    """A way to a home where no daemon runs."""
    with Client(find({"MODELD_HOME": str(tmp_path / "nobody")}), timeout_s=1) as found:
        made = Reach(found, start_daemon=False)
        yield made
        made.close()
