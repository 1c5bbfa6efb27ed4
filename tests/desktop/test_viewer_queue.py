"""The downloads tab: its rows as text, and its items and buttons with a Ui that only notes what is asked."""

from collections.abc import Callable, Iterator

import dearpygui.dearpygui as dpg
import pytest
from modelctl.client import Client
from modelctl.desktop.viewer.downloads.tab import DownloadsTab
from modelctl.desktop.viewer.downloads.tab_rows import ended, queue, speed_limit
from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style import theme
from modelctl.errors import ModeldError
from modelctl.language.speed import parse_speed
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import DaemonView, JobView, Progress, Snapshot, SystemView
from support.fake_daemon import AT

MIB = 1024**2


def job(key: str, state: JobState = JobState.RUNNING, rank: int = 1, **more: object) -> JobView:
    progress = Progress(done=512 * MIB, total=1024 * MIB, percent=50.0, rate=15.3 * MIB, eta_s=92.0)
    fields = {"progress": progress, "created_at": AT, **more}
    return JobView(id=f"j-{key}", kind=JobKind.PULL, model=key, state=state, rank=rank, **fields)  # type: ignore[arg-type]


def snapshot(*jobs: JobView, limit: int = 0) -> Snapshot:
    daemon = DaemonView(version="1", pid=1, started_at=AT, download_limit=limit)
    return Snapshot(epoch="e", seq=1, at=AT, daemon=daemon, system=SystemView(), models=[], jobs=[*jobs])


def test_the_queue_is_in_the_order_of_the_ranks_and_only_downloads_that_have_not_ended_are_in_it():
    seen = queue(snapshot(job("b", rank=2), job("a", rank=1, limit=5 * MIB), job("c", JobState.DONE, rank=0)))
    assert [(row.place, row.title, row.can_rise, row.can_sink) for row in seen] == [
        (1, "A", False, True),
        (2, "B", True, False),
    ]
    assert seen[0].limit == "at most 5.0 MB/s" and seen[1].limit == ""
    assert "Speed: 15.3 MB/s" in seen[0].line and "ETA: 1m 32s" in seen[0].line


def test_what_ended_is_listed_newest_first_with_its_reason():
    failure = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.", hint="Make room.")
    seen = ended(
        snapshot(
            job("old", JobState.DONE, ended_at="2026-01-01T10:00:00+00:00"),
            job("new", JobState.FAILED, ended_at="2026-01-02T10:00:00+00:00", failure=failure),
        )
    )
    assert [row.title for row in seen] == ["NEW", "OLD"]
    assert "The disk is full." in seen[0].detail and seen[0].tone == "failed"


def test_the_bound_of_all_is_shown_as_it_could_be_typed():
    assert speed_limit(snapshot()) == ""
    assert parse_speed(speed_limit(snapshot(limit=5 * MIB))) == 5 * MIB


class NotingUi:
    """Runs posts at once; requests are kept, to be carried out with a client that notes its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = []
        self.refusal: ModeldError | None = None

    def post(self, action: Callable[[], object], *, once: bool = False) -> None:
        action()

    def ask(
        self,
        call: Callable[[Client], object],
        done: Callable[[object], None] | None = None,
        failed: Callable[[ModeldError], None] | None = None,
    ) -> None:
        call(_Noting(self.calls))  # type: ignore[arg-type]  # stands in for the client
        if self.refusal is not None and failed is not None:
            failed(self.refusal)

    def say(self, text: str, *, error: bool = False) -> None:
        raise AssertionError(text)


class _Noting:
    def __init__(self, calls: list[tuple[str, tuple[object, ...], dict[str, object]]]) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words, **named: self._calls.append((name, words, named))


@pytest.fixture
def tab() -> Iterator[tuple[DownloadsTab, NotingUi, Tag]]:
    dpg.create_context()
    theme.make()
    ui = NotingUi()
    made = DownloadsTab(ui)
    window = dpg.add_window()
    made.build(window)
    yield made, ui, window
    dpg.destroy_context()


def below(item: Tag) -> Iterator[Tag]:
    for child in dpg.get_item_children(item, 1):
        yield child
        yield from below(child)


def press(window: Tag, label: str, number: int = 0) -> None:
    buttons = [item for item in below(window) if dpg.get_item_label(item) == label and dpg.is_item_shown(item)]
    dpg.get_item_callback(buttons[number])()


def texts(window: Tag) -> list[str]:
    return [dpg.get_value(item) for item in below(window) if "mvText" in dpg.get_item_type(item)]


def test_the_buttons_ask_for_what_they_say(tab: tuple[DownloadsTab, NotingUi, Tag]):
    made, ui, window = tab
    made.show(snapshot(job("a", rank=1), job("b", JobState.PAUSED, rank=2)))
    for label in ("Pause all", "Resume all", "Pause", "Resume", "Cancel", "▼"):
        press(window, label)
    press(window, "▲", 1)
    assert ui.calls == [
        ("pause", (), {}),
        ("resume", (), {}),
        ("pause", (), {"job": "j-a"}),
        ("resume", (), {"job": "j-b"}),
        ("cancel", (), {"job": "j-a"}),
        ("move", (2,), {"job": "j-a"}),
        ("move", (1,), {"job": "j-b"}),
    ]


def test_lines_follow_the_queue_and_go_when_their_download_has_ended(tab: tuple[DownloadsTab, NotingUi, Tag]):
    made, _, window = tab
    made.show(snapshot(job("a", rank=1), job("b", rank=2)))
    made.show(snapshot(job("a", rank=2), job("b", rank=1)))
    heads = [text for text in texts(window) if text[:2] in ("1.", "2.")]
    assert heads == ["1.  B", "2.  A"]
    made.show(snapshot(job("a", JobState.DONE, ended_at=AT)))
    assert "Status: Completed" in texts(window) and not [text for text in texts(window) if text.startswith("1.")]
    made.show(None)


def test_a_refusal_is_shown_at_its_download(tab: tuple[DownloadsTab, NotingUi, Tag]):
    made, ui, window = tab
    made.show(snapshot(job("a")))
    ui.refusal = ModeldError(Failure(code=ErrorCode.NOT_FOUND, message="It has just ended.", hint="Look again."))
    press(window, "Pause")
    assert any("It has just ended." in text for text in texts(window))


def test_a_speed_is_set_and_what_is_none_is_said(tab: tuple[DownloadsTab, NotingUi, Tag]):
    made, ui, window = tab
    made.show(snapshot(limit=5 * MIB))
    field = next(item for item in below(window) if "mvInputText" in dpg.get_item_type(item))
    assert dpg.get_value(field) == "5.0 MB/s"
    dpg.set_value(field, "fast")
    dpg.get_item_callback(field)()
    assert ui.calls == [] and any("fast is not a speed" in text for text in texts(window))
    dpg.set_value(field, "500K")
    dpg.get_item_callback(field)()
    assert ui.calls == [("limit", (500 * 1024,), {})]
