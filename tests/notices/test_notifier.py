"""The notifier's thread and its ways, with hand-written ones that answer, are away, or do not come back."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from modelctl.desktop.notices.backend import NoAnswerError, NotShownError, UnavailableError
from modelctl.desktop.notices.backend_chain import OFF_S, BackendChain, found
from modelctl.desktop.notices.log import LogBackend
from modelctl.desktop.notices.notice import Notice, NoticeKind
from modelctl.desktop.notices.notifier import QUEUE, Notifier
from modelctl.desktop.notices.plyer import BODY_LENGTH, TITLE_LENGTH, PlyerBackend
from support.views.notices import notice

DEADLINE_S = 30.0


class Way:
    """A way that remembers what it was given; ``wrong`` is raised instead."""

    def __init__(self, name: str = "way", *, replaces: bool = True) -> None:
        self.name = name
        self.replaces = replaces
        self.wrong: NotShownError | None = None
        self.asked = 0
        self.shown: list[Notice] = []
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.closed = False

    def send(self, notice: Notice) -> str:
        self.asked += 1
        assert self.open.wait(DEADLINE_S)
        if self.wrong is not None:
            raise self.wrong
        self.shown.append(notice)
        self.arrived.release()
        return self.name

    def close(self) -> None:
        self.closed = True


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def low(number: int = 0) -> Notice:
    """A notice that is never grouped."""
    return notice(f"disk{number}", NoticeKind.DISK_LOW)


def shown(found: Notice | None) -> Callable[[], Notice | None]:
    return lambda: found


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def notifier(way: Way) -> Iterator[Notifier]:
    made = Notifier(BackendChain([way]))
    yield made
    way.open.set()
    made.close(DEADLINE_S)


def test_what_is_posted_is_shown(notifier: Notifier, way: Way) -> None:
    notifier.post(shown(low()))

    assert way.arrived.acquire(timeout=DEADLINE_S)
    assert way.shown == [low()]


def test_ends_that_are_posted_together_are_shown_as_one(notifier: Notifier, way: Way) -> None:
    for key in ("pull:a", "pull:b", "pull:c"):
        notifier.post(shown(notice(key)))

    assert notifier.close(DEADLINE_S)
    assert [told.body for told in way.shown] == ["3 downloads finished: A, B, C"]
    assert way.closed


def test_a_single_end_is_shown_without_another_coming(notifier: Notifier, way: Way) -> None:
    notifier.post(shown(notice()))

    assert way.arrived.acquire(timeout=DEADLINE_S)
    assert way.shown == [notice()]


def test_work_that_makes_nothing_shows_nothing(notifier: Notifier, way: Way) -> None:
    notifier.post(shown(None))
    notifier.close(DEADLINE_S)

    assert way.asked == 0


def test_a_fault_in_one_notice_is_logged_and_the_next_is_shown(
    notifier: Notifier, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Notice:
        raise ValueError("broken")

    notifier.post(broken)
    notifier.post(shown(low()))

    assert way.arrived.acquire(timeout=DEADLINE_S)
    assert "broken" in caplog.text


def test_a_queue_that_is_full_drops_its_oldest(notifier: Notifier, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    way.open.clear()
    begun = threading.Event()

    def first() -> Notice:
        begun.set()
        return low()

    notifier.post(first)
    assert begun.wait(DEADLINE_S)
    for number in range(QUEUE + 2):
        notifier.post(shown(low(number)))
    way.open.set()
    notifier.close(DEADLINE_S)

    assert [told.key for told in way.shown] == ["disk0", *(f"disk{number}" for number in range(2, QUEUE + 2))]
    assert caplog.text.count("the oldest is dropped") == 2


def test_posting_after_the_end_is_nothing(notifier: Notifier, way: Way) -> None:
    notifier.close(DEADLINE_S)
    notifier.post(shown(low()))

    assert way.asked == 0


def test_a_notifier_whose_way_hangs_can_be_closed_all_the_same(notifier: Notifier, way: Way) -> None:
    way.open.clear()
    notifier.post(shown(low()))

    assert not notifier.close(0.01)


@pytest.mark.parametrize(("platform", "best"), [("linux", "D-Bus"), ("win32", "plyer"), ("darwin", "plyer")])
def test_each_platform_has_its_best_way_and_the_log(platform: str, best: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelctl.desktop.notices.backend_chain.sys.platform", platform)

    assert [way.name for way in found(lambda _notice, _action: None)] == [best, "log"]


def test_a_linux_without_the_library_of_d_bus_uses_plyer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelctl.desktop.notices.dbus", None)

    assert [way.name for way in found(lambda _notice, _action: None)] == ["plyer", "log"]


def test_the_first_way_that_works_is_used() -> None:
    first, second = Way("first"), Way("second")

    assert BackendChain([first, second]).show(low()) == "first"
    assert second.asked == 0


def test_a_way_that_is_not_there_is_said_once_tried_each_time_and_used_when_it_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = Way("first"), Way("second")
    ways = BackendChain([first, second])
    first.wrong = UnavailableError("no bus")

    assert [ways.show(low()), ways.show(low())] == ["second", "second"]
    assert caplog.text.count("no bus") == 1
    first.wrong = None
    assert ways.show(low()) == "first"


def test_a_way_that_does_not_answer_is_left_alone_for_a_minute_and_then_tried_again() -> None:
    clock, first, second = Clock(), Way("first"), Way("second", replaces=False)
    ways = BackendChain([first, second], clock)
    first.wrong = NoAnswerError("no answer")

    ways.show(low())
    assert not ways.replaces
    ways.show(low())
    assert first.asked == 1
    clock.now += OFF_S + 1
    first.wrong = None

    assert ways.show(low()) == "first"
    assert ways.replaces


def test_when_no_way_works_the_reason_is_that_of_the_last() -> None:
    way = Way()
    way.wrong = UnavailableError("no server")

    with pytest.raises(NotShownError, match="no server"):
        BackendChain([way]).show(low())


def test_the_last_way_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert BackendChain([LogBackend()]).show(notice(body="two\nlines")) == "log"

    assert caplog.messages == ["Download finished: two lines"]


def test_plyer_is_given_texts_that_fit_and_are_no_options() -> None:
    given: list[tuple[str, str]] = []
    backend = PlyerBackend(lambda title, body: given.append((title, body)))

    assert backend.send(notice(title="-rf " + "x" * 200, body="y" * 900)) == "plyer"
    backend.send(notice(body=""))

    (title, body), (_, empty) = given
    assert title.startswith(" -rf x")
    assert len(title) <= TITLE_LENGTH
    assert len(body) <= BODY_LENGTH
    assert empty == " "


def test_a_plyer_call_that_does_not_come_back_is_left_behind_and_none_is_added() -> None:
    release, calls = threading.Event(), threading.Semaphore(0)

    def hang(_title: str, _body: str) -> None:
        calls.release()
        assert release.wait(DEADLINE_S)

    backend = PlyerBackend(hang, deadline_s=0.01)
    with pytest.raises(NoAnswerError, match="did not return"):
        backend.send(low())
    with pytest.raises(NoAnswerError, match="earlier call"):
        backend.send(low())
    release.set()

    assert calls.acquire(timeout=DEADLINE_S)
    assert not calls.acquire(blocking=False)


def test_a_platform_that_plyer_cannot_serve_counts_as_nobody_there() -> None:
    def unable(_title: str, _body: str) -> None:
        raise NotImplementedError("No usable implementation found!")

    with pytest.raises(UnavailableError, match="No usable implementation"):
        PlyerBackend(unable).send(low())
