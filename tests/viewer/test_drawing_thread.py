"""How work and news reach the drawing thread."""

import logging
import threading
from pathlib import Path

import msgspec
import pytest
from modelctl.client import Client
from modelctl.desktop.viewer.frame.drawing_thread import DrawingThread
from modelctl.desktop.viewer.frame.following import Following, leaves_no_trace
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer_focus import ViewerFocus, is_focused
from modelctl.errors import DaemonUnavailable, ModeldError
from modeld.places import Places
from modeld.protocol import events, views
from modeld.protocol.states import ModelState

AT = "2026-01-02T03:04:05+00:00"
SNAPSHOT = views.Snapshot(
    epoch="e",
    seq=0,
    at=AT,
    daemon=views.DaemonView(version="1", pid=1, started_at=AT),
    system=views.SystemView(),
    models=[],
    jobs=[],
)


class Steps(DrawingThread):
    """A drawing thread that a test turns."""

    def until(self, done: threading.Event) -> None:
        """Turn until the event."""
        for _turn in range(100):
            if done.is_set():
                return
            self.arrived.wait(5)
            self.drain()
        pytest.fail("nothing was posted")


def test_an_action_that_stops_the_thread_drops_what_waits_behind_it() -> None:
    drawing, done = DrawingThread(), []
    drawing.post(drawing.stop)
    drawing.post(lambda: done.append("after the end"))

    drawing.drain()

    assert not done


def test_posts_run_in_order_and_what_they_post_runs_the_next_time() -> None:
    drawing, done = DrawingThread(), []
    drawing.post(lambda: (done.append(1), drawing.post(lambda: done.append(3))))
    drawing.post(lambda: done.append(2))

    assert drawing.drain()
    assert done == [1, 2]
    assert drawing.drain()
    assert done == [1, 2, 3]
    assert not drawing.drain()


def test_a_post_that_changed_nothing_asks_for_no_frame() -> None:
    drawing = DrawingThread()
    drawing.post(lambda: False)
    assert not drawing.drain()

    drawing.post(lambda: False)
    drawing.post(lambda: None)
    assert drawing.drain()


def test_a_post_that_fails_is_logged_and_the_next_ones_run(caplog: pytest.LogCaptureFixture) -> None:
    drawing, done = DrawingThread(), []
    drawing.post(lambda: 1 / 0)
    drawing.post(lambda: done.append(1))

    with caplog.at_level(logging.ERROR):
        drawing.drain()

    assert done == [1]
    assert "ZeroDivisionError" in caplog.text


def test_a_hundred_thousand_posts_of_one_action_run_it_once() -> None:
    drawing, taken, waiting = DrawingThread(), [], []

    def take() -> None:
        taken.append(len(waiting))
        waiting.clear()

    for number in range(100_000):
        waiting.append(number)
        drawing.post(take, once=True)
    drawing.drain()
    drawing.drain()

    assert taken == [100_000]


def test_an_action_posted_once_that_posts_itself_runs_again_in_the_next_frame() -> None:
    drawing, runs = DrawingThread(), []

    def action() -> None:
        runs.append(1)
        if len(runs) == 1:
            drawing.post(action, once=True)

    drawing.post(action, once=True)
    drawing.drain()
    assert len(runs) == 1

    drawing.drain()
    assert len(runs) == 2


def test_a_hook_that_fails_is_logged_and_not_called_again(caplog: pytest.LogCaptureFixture) -> None:
    drawing, calls = DrawingThread(), []

    def faulty() -> bool:
        calls.append("faulty")
        raise ZeroDivisionError

    def moving() -> bool:
        calls.append("moving")
        return True

    drawing.each_frame(faulty)
    drawing.each_frame(moving)

    with caplog.at_level(logging.ERROR):
        assert drawing.after_frame()
        assert drawing.after_frame()

    assert calls == ["faulty", "moving", "moving"]
    assert "ZeroDivisionError" in caplog.text


def test_each_post_wakes_the_loop_and_none_after_the_end() -> None:
    woken: list[int] = []
    drawing = DrawingThread(lambda: woken.append(1))
    drawing.post(lambda: None)
    drawing.stop()
    drawing.post(lambda: None)

    assert len(woken) == 1
    assert not drawing.drain()


def following(drawing: DrawingThread, shown: list[views.Snapshot | None], heard: list[events.AnyEvent]) -> Following:
    def show(snapshot: views.Snapshot | None) -> bool:
        shown.append(snapshot)
        return True

    return Following(None, drawing, show, heard.append)  # type: ignore[arg-type]  # no transport: the test is the daemon


def test_many_events_before_a_frame_become_one_refresh_with_the_newest_snapshot() -> None:
    drawing, shown = DrawingThread(), []
    news = following(drawing, shown, [])
    for seq in range(1, 10_001):
        newest = msgspec.structs.replace(SNAPSHOT, seq=seq)
        news.news(newest, events.SystemSampled(epoch="e", seq=seq, system=views.SystemView()))

    drawing.drain()

    assert shown == [newest]


def test_the_next_event_after_a_frame_is_shown_with_the_next() -> None:
    drawing, shown = DrawingThread(), []
    news = following(drawing, shown, [])
    news.news(SNAPSHOT, None)
    drawing.drain()
    news.news(None, None)
    drawing.drain()

    assert shown == [SNAPSHOT, None]


def test_silence_and_its_end_are_shown_once_each() -> None:
    drawing, told = DrawingThread(), []
    news = Following(None, drawing, lambda _snapshot: False, lambda _event: None, told.append)  # type: ignore[arg-type]
    for silent in (False, True, True, False, False):
        news.news(SNAPSHOT, None, silent=silent)
        drawing.drain()

    assert told == [True, False]


def test_a_heartbeat_draws_nothing() -> None:
    drawing, shown = DrawingThread(), []
    following(drawing, shown, []).news(SNAPSHOT, events.Heartbeat(epoch="e", seq=0))

    assert not drawing.drain()
    assert shown == []


def test_what_leaves_no_trace_is_heard_event_by_event_in_order() -> None:
    drawing, heard = DrawingThread(), []
    news = following(drawing, [], heard)
    full = [events.ContextFull(epoch="e", seq=seq, model="m", size=8) for seq in (1, 2)]
    for event in full:
        news.news(SNAPSHOT, event)

    drawing.drain()

    assert heard == full


def test_an_eviction_is_heard_and_a_plain_change_is_not() -> None:
    model = views.ModelView(key="m", state=ModelState.ON_DISK, display_name="M")

    assert leaves_no_trace(events.ModelChanged(model=model, reason="evicted"))
    assert not leaves_no_trace(events.ModelChanged(model=model))
    assert leaves_no_trace(events.ContextRefused(model="m", prompt_tokens=9, size=8))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """The paths of a home whose folders are there, as they are once a daemon has run."""
    return Places(config_dir=tmp_path, data_dir=tmp_path, state_dir=tmp_path, runtime_dir=tmp_path)


def test_an_answer_comes_back_to_the_drawing_thread(places: Places) -> None:
    steps, done, threads = Steps(), threading.Event(), []
    with Client(places) as client:
        ui = Ui(client, steps)

        def call(_client: Client) -> str:
            threads.append(threading.current_thread())
            return "answer"

        def answered(answer: str) -> None:
            threads.append(threading.current_thread())
            assert answer == "answer"
            done.set()

        ui.ask(call, answered)
        steps.until(done)

    assert threads[0] is not threads[1]
    assert threads[1] is threading.current_thread()


def test_a_failure_goes_where_it_was_asked_for(places: Places) -> None:
    steps, done, failures = Steps(), threading.Event(), []
    with Client(places) as client:
        ui = Ui(client, steps)

        def failed(error: ModeldError) -> None:
            failures.append(error)
            done.set()

        ui.ask(lambda client: client.ping(), None, failed)
        steps.until(done)

    assert isinstance(failures[0], DaemonUnavailable)


def test_a_failure_without_a_place_of_its_own_is_said_with_its_hint(places: Places) -> None:
    steps, done, said = Steps(), threading.Event(), []
    with Client(places) as client:
        ui = Ui(client, steps)
        ui.on_say = lambda text, error: (said.append((text, error)), done.set())

        ui.ask(lambda client: client.ping())
        steps.until(done)

    text, error = said[0]
    assert error
    assert "modeld is not running" in text
    assert text.endswith("Start it with: modelctl up")


def test_the_mark_of_a_watched_viewer_is_there_while_it_is_held(places: Places) -> None:
    watched = ViewerFocus()
    assert not is_focused(places)

    watched.hold(places)
    watched.hold(places)
    assert is_focused(places)

    watched.release()
    assert not is_focused(places)


def test_two_viewers_may_be_open_and_the_mark_is_one(places: Places) -> None:
    first, second = ViewerFocus(), ViewerFocus()
    first.hold(places)
    second.hold(places)
    second.release()
    assert is_focused(places)

    first.release()
    assert not is_focused(places)


def test_without_a_runtime_folder_nobody_watches(places: Places) -> None:
    nowhere = msgspec.convert(
        dict.fromkeys(("config_dir", "data_dir", "state_dir", "runtime_dir"), places.runtime_dir / "missing"),
        Places,
    )
    watched = ViewerFocus()
    watched.hold(nowhere)

    assert not is_focused(nowhere)
    watched.release()
