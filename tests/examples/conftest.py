"""A home with a fake daemon, for what a real one does not do on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modeld.places import find
from support.fake_daemon import FakeDaemon


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDaemon]:
    running = FakeDaemon(find({"MODELD_HOME": str(tmp_path)}))
    yield running
    running.close()
