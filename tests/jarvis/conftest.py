"""Access to a daemon for the drop-in classes, or to none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.jarvis.daemon_access import DaemonAccess
from modeld.places import find


@pytest.fixture
def client(client: Client, tiny_file: Path) -> Client:
    """A client of a daemon that knows a tiny model."""
    client.add("tiny", str(tiny_file), display_name="Tiny")
    return client


@pytest.fixture
def access(client: Client) -> Iterator[DaemonAccess]:
    made = DaemonAccess(client, start_daemon=False)
    yield made
    made.close()


@pytest.fixture
def away(tmp_path: Path) -> Iterator[DaemonAccess]:
    """Access to a home where no daemon runs."""
    with Client(find({"MODELD_HOME": str(tmp_path / "nobody")}), timeout_s=1) as found:
        made = DaemonAccess(found, start_daemon=False)
        yield made
        made.close()
