"""News in, notifications out: against a fake daemon, with a way that only remembers."""

import threading
from collections.abc import Callable, Iterator

import pytest
from modelctl import Client
from modelctl.desktop.notices.desktop import DesktopNotices
from modelctl.desktop.notices.notice import Notice, NoticeAction, NoticeKind
from modelctl.follow import Mirror
from modelctl.preferences import Notifications
from modeld.protocol import requests
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import JobView
from support.fake_daemon import AT, FakeDaemon
from support.views.notices import failure, notice

DEADLINE_S = 30.0


class Screen:
    """A way that remembers what it was given."""

    name = "screen"
    replaces = True

    def __init__(self) -> None:
        self.shown: list[Notice] = []
        self.arrived = threading.Semaphore(0)

    def send(self, notice: Notice) -> str:
        self.shown.append(notice)
        self.arrived.release()
        return self.name

    def close(self) -> None:
        pass


@pytest.fixture
def screen() -> Screen:
    return Screen()


Make = Callable[..., DesktopNotices]


@pytest.fixture
def make(fake_client: Client) -> Iterator[Make]:
    made: list[DesktopNotices] = []

    def _make(screen: Screen, wanted: Notifications | None = None, **more: Callable[[], object]) -> DesktopNotices:
        made.append(DesktopNotices(fake_client, wanted or Notifications(), backends=[screen], **more))  # type: ignore[arg-type]
        return made[-1]

    yield _make
    for notices in made:
        notices.close()


def end_of(key: str, state: JobState = JobState.DONE, kind: JobKind = JobKind.PULL) -> JobView:
    wrong = failure() if state is JobState.FAILED else None
    return JobView(id=f"job-{key}", kind=kind, model=key, state=state, created_at=AT, ended_at=AT, failure=wrong)


def told(daemon: FakeDaemon, client: Client, notices: DesktopNotices, *ends: JobView) -> None:
    """Let the jobs end, and the notices follow until they have seen the last."""
    mirror = Mirror(client.transport)
    notices.on_change(mirror, None)
    for end in ends:
        daemon.do(lambda end=end: daemon.change_job(end))  # type: ignore[misc]  # bound now
    for event in mirror:
        notices.on_change(mirror, event)
        if mirror.job(ends[-1].id) is not None:
            break
    mirror.close()


def test_a_benchmark_is_told_with_the_change_the_daemon_knows(
    fake_daemon: FakeDaemon, fake_client: Client, screen: Screen, make: Make
) -> None:
    notices = make(screen)
    mirror = Mirror(fake_client.transport)
    notices.on_change(mirror, None)
    fake_client.benchmark(["mistral"])
    for event in mirror:
        notices.on_change(mirror, event)
        job = mirror.job("b-mistral")
        if job is not None and job.state is JobState.DONE:
            break
    mirror.close()

    assert screen.arrived.acquire(timeout=DEADLINE_S)
    assert screen.shown[0].body.startswith("45.3 tokens/s, 12.5% faster than the previous run")


def test_a_daemon_that_does_not_answer_leaves_the_change_out(fake_daemon: FakeDaemon, screen: Screen) -> None:
    with Client(fake_daemon.places, timeout_s=0.1) as client:
        notices = DesktopNotices(client, Notifications(), backends=[screen])
        mirror = Mirror(client.transport)
        notices.on_change(mirror, None)
        followed = iter(mirror)
        next(followed)  # an event: from here on none is missed, so no new snapshot is asked for
        client.benchmark(["mistral"])
        fake_daemon.silent = True
        for event in followed:
            notices.on_change(mirror, event)
            job = mirror.job("b-mistral")
            if job is not None and job.state is JobState.DONE:
                break
        mirror.close()

        assert screen.arrived.acquire(timeout=DEADLINE_S)
        assert screen.shown[0].body.splitlines()[0] == "45.3 tokens/s"
        notices.close()


def test_two_programs_of_one_home_tell_an_end_once(
    fake_daemon: FakeDaemon, fake_client: Client, screen: Screen, make: Make
) -> None:
    other = Screen()
    first, second = make(screen), make(other)

    told(fake_daemon, fake_client, first, end_of("phi"))
    assert screen.arrived.acquire(timeout=DEADLINE_S)
    told(fake_daemon, fake_client, second, end_of("mistral"))
    second.close()
    assert other.shown == []


def test_the_other_program_tells_once_the_first_has_ended(
    fake_daemon: FakeDaemon, fake_client: Client, screen: Screen, make: Make
) -> None:
    other = Screen()
    first, second = make(screen), make(other)
    told(fake_daemon, fake_client, first, end_of("phi"))
    assert screen.arrived.acquire(timeout=DEADLINE_S)
    first.close()

    told(fake_daemon, fake_client, second, end_of("mistral"))

    assert other.arrived.acquire(timeout=DEADLINE_S)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [(NoticeKind.DOWNLOAD_FAILED, requests.Pull), (NoticeKind.BENCHMARK_FAILED, requests.Benchmark)],
)
def test_retry_asks_the_daemon_again(
    fake_daemon: FakeDaemon, screen: Screen, make: Make, kind: NoticeKind, asked: type[requests.Request]
) -> None:
    fake_daemon.arrived.clear()
    make(screen).clicked(notice("pull:mistral", kind), NoticeAction.RETRY)

    assert fake_daemon.arrived.wait(DEADLINE_S)
    assert isinstance(fake_daemon.seen[-1], asked)


def test_a_retry_that_is_refused_is_answered_on_the_screen(fake_daemon: FakeDaemon, screen: Screen, make: Make) -> None:
    make(screen).clicked(notice("pull:gone", NoticeKind.DOWNLOAD_FAILED), NoticeAction.RETRY)

    assert screen.arrived.acquire(timeout=DEADLINE_S)
    assert screen.shown[0].title == "That did not work"
    assert screen.shown[0].body == "There is no model gone.\nmodelctl ls"


def test_a_click_opens_the_viewer_even_while_it_is_looked_at(
    fake_daemon: FakeDaemon, screen: Screen, make: Make
) -> None:
    opened = threading.Event()
    make(screen, viewer_focused=lambda: True, viewer=opened.set).clicked(notice(), NoticeAction.OPEN)

    assert opened.wait(DEADLINE_S)


def test_a_viewer_that_cannot_be_started_is_said(fake_daemon: FakeDaemon, screen: Screen, make: Make) -> None:
    def unable() -> None:
        raise OSError("no such program")

    make(screen, viewer=unable).clicked(notice(), NoticeAction.OPEN)

    assert screen.arrived.acquire(timeout=DEADLINE_S)
    assert screen.shown[0].body == "no such program"


def test_a_daemon_that_is_away_is_nothing_to_tell(screen: Screen, make: Make) -> None:
    notices = make(screen)
    notices.on_change(None, None)
    notices.close()

    assert screen.shown == []
