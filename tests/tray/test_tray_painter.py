"""When the backend is told, and of what."""

import threading
from collections.abc import Callable, Iterator

import pytest
from modelctl.desktop.tray.appearance import Appearance
from modelctl.desktop.tray.menu import Menu, find
from modelctl.desktop.tray.painter import Painter
from modeld.protocol.states import JobState, ModelState
from modelicons import IconState
from support.views.tray import model, pull, snapshot_of

DEADLINE_S = 30.0


class FakeBackend:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.appearances: list[Appearance] = []
        self.menus: list[Menu] = []
        self._told = threading.Condition()

    def set_appearance(self, appearance: Appearance) -> None:
        with self._told:
            self.appearances.append(appearance)
            self._told.notify_all()

    def set_menu(self, menu: Menu) -> None:
        with self._told:
            self.menus.append(menu)
            self._told.notify_all()

    def run(self) -> None:
        raise AssertionError("nobody runs it")

    def stop(self) -> None:
        raise AssertionError("nobody stops it")

    def wait_until(self, is_true: Callable[[Menu], bool]) -> None:
        with self._told:
            assert self._told.wait_for(lambda: bool(self.menus) and is_true(self.menus[-1]), DEADLINE_S)

    def wait_for(self, state: IconState) -> None:
        with self._told:
            assert self._told.wait_for(lambda: self.appearances and self.appearances[-1].state is state, DEADLINE_S)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def painter(backend: FakeBackend) -> Painter:
    """Draws when it is told to."""
    return Painter(backend)


@pytest.fixture
def drawing(backend: FakeBackend) -> Iterator[Painter]:
    """Draws by itself."""
    made = Painter(backend)
    made.start()
    yield made
    made.stop()


def test_until_a_snapshot_comes_the_icon_is_offline(drawing: Painter, backend: FakeBackend) -> None:
    backend.wait_for(IconState.OFFLINE)


def test_a_thousand_changes_are_drawn_as_a_few_and_the_last_one_always(drawing: Painter, backend: FakeBackend) -> None:
    backend.wait_for(IconState.OFFLINE)
    for done in range(1000):
        drawing.show(snapshot_of(jobs=[pull("a", done=done, total=1000)]))
    drawing.show(snapshot_of([model("m", ModelState.LOADED)]))
    backend.wait_for(IconState.LOADED)
    assert len(backend.appearances) <= 4


def test_what_changes_nothing_to_see_is_not_drawn(painter: Painter, backend: FakeBackend) -> None:
    painter.show(snapshot_of([model("m")]))
    painter.draw()
    painter.show(snapshot_of([model("m")]))
    painter.draw()
    assert (len(backend.appearances), len(backend.menus)) == (1, 1)


def test_a_finish_is_badged_until_the_menu_is_opened(painter: Painter, backend: FakeBackend) -> None:
    painter.show(snapshot_of(jobs=[pull("a")]))
    painter.show(snapshot_of(jobs=[pull("a", JobState.DONE)]))
    painter.draw()
    painter.opened()
    painter.draw()
    assert [appearance.unseen for appearance in backend.appearances] == [True, False]


def test_a_finish_is_badged_although_the_daemon_was_away_in_between(painter: Painter, backend: FakeBackend) -> None:
    painter.show(snapshot_of(jobs=[pull("a")]))
    painter.show(None)
    painter.show(snapshot_of(jobs=[pull("a", JobState.DONE)]))
    painter.draw()
    assert backend.appearances[-1].unseen


def test_a_choice_that_failed_is_an_error_until_the_menu_was_read(painter: Painter, backend: FakeBackend) -> None:
    painter.show(snapshot_of())
    painter.failed("It broke.")
    painter.draw()
    painter.opened()
    painter.draw()
    assert [appearance.state for appearance in backend.appearances] == [IconState.ERROR, IconState.IDLE]
    assert find(backend.menus[-1], "failure") is not None
    painter.closed()
    painter.draw()
    assert find(backend.menus[-1], "failure") is None


def test_where_closing_is_never_told_the_words_go_after_a_while(backend: FakeBackend) -> None:
    painter = Painter(backend, read_s=0.01)
    painter.start()
    painter.failed("It broke.")
    backend.wait_until(lambda menu: find(menu, "failure") is not None)
    painter.opened()
    backend.wait_until(lambda menu: find(menu, "failure") is None)
    painter.stop()


def test_a_silent_daemon_shows_so_and_keeps_what_was_known(painter: Painter, backend: FakeBackend) -> None:
    snapshot = snapshot_of([model("mistral", ModelState.LOADED)])
    painter.show(snapshot)
    painter.draw()
    painter.show(snapshot, True)
    painter.draw()
    stale = backend.appearances[-1]
    assert stale.state is IconState.OFFLINE
    assert stale.tooltip == "modeld does not respond; this may be out of date\nMISTRAL: 1.0 GB"
    assert backend.menus[-1][0].label == stale.title and find(backend.menus[-1], "model/mistral") is not None
    painter.show(snapshot, False)
    painter.draw()
    assert backend.appearances[-1].state is IconState.LOADED
