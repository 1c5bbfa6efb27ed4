"""The feed of jobs: a caller that waits for a job stops waiting when the job can no longer end."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl.jarvis import feed as feeds
from modelctl.jarvis.feed import Feed
from modelctl.transport.transport import Transport
from modeld.places import find
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import JobView
from support.fake_daemon import FakeDaemon

RUNNING = JobView(id="j1", kind=JobKind.PULL, model="phi", state=JobState.RUNNING, created_at="")


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[Transport]:
    made = Transport(find({"MODELD_HOME": str(tmp_path)}))
    yield made
    made.close()


def heard(_job: JobView) -> None:
    """Somebody listens."""


def waiting(feed: Feed) -> tuple[threading.Thread, list[JobView | None]]:
    """Somebody who waits for a job without end."""
    ends: list[JobView | None] = []
    thread = threading.Thread(target=lambda: ends.append(feed.wait_for(RUNNING, grace_s=3600.0)), daemon=True)
    thread.start()
    return thread, ends


def test_who_waits_is_let_go_when_the_news_is_closed_though_the_daemon_is_there(transport: Transport):
    daemon = FakeDaemon(transport.places)
    try:
        daemon.jobs[RUNNING.id] = RUNNING
        feed = Feed(transport)
        feed.listen(heard)
        assert feed.wait_until_connected(10.0)
        thread, ends = waiting(feed)
        feed.close()
        thread.join(10.0)
        assert ends == [None]
    finally:
        daemon.close()


def test_who_waits_is_let_go_when_the_news_ends_by_a_bug(transport: Transport, monkeypatch: pytest.MonkeyPatch):
    broken = threading.Event()
    failures: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)

    def follow(*_arguments: object) -> None:
        broken.wait()
        raise TypeError("a bug")

    monkeypatch.setattr(feeds, "keep_following", follow)
    feed = Feed(transport)
    feed.listen(heard)
    thread, ends = waiting(feed)
    broken.set()
    thread.join(10.0)
    assert ends == [None] and len(failures) == 1
    assert feed.wait_until_connected(0.0) is False
