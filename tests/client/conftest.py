"""A home of its own for each test, with a fake daemon in it where the test wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modeld.places import Places, find
from support.fake_daemon import FakeDaemon


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("MODELD_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return find()


@pytest.fixture
def daemon(places: Places) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(places)
    yield fake
    fake.close()


@pytest.fixture
def client(daemon: FakeDaemon) -> Iterator[Client]:
    with Client(daemon.places, timeout_s=5) as found:
        yield found
