"""Which icon, which progress, which words."""

import pytest
from modelctl.desktop.tray.appearance import FAILURE_CHARACTERS, appearance
from modelctl.desktop.tray.menu import find, menu
from modelctl.desktop.tray.unseen import UnseenNews
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobState, ModelState
from modelicons import IconState
from msgspec.structs import replace
from support.views.tray import benchmark, model, pull, snapshot_of

NONE = UnseenNews()


def test_without_a_daemon_the_icon_is_offline_whatever_else_is_new() -> None:
    shown = appearance(None, UnseenNews(finished=True, failure="It broke."))
    assert (shown.state, shown.unseen) == (IconState.OFFLINE, True)
    assert shown.tooltip == "modeld is not running\nIt broke."


def test_a_daemon_with_nothing_to_do_is_idle() -> None:
    shown = appearance(snapshot_of([model("phi"), model("far", ModelState.ABSENT)]), NONE)
    assert (shown.state, shown.progress, shown.unseen) == (IconState.IDLE, None, False)
    assert shown.tooltip == "modeld 1.2.3: idle"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([ModelState.LOADED], IconState.LOADED),
        ([ModelState.LOADED, ModelState.BUSY], IconState.BUSY),
        ([ModelState.BUSY, ModelState.LOADING], IconState.LOADING),
        ([ModelState.LOADED, ModelState.UNLOADING], IconState.LOADING),
    ],
)
def test_what_takes_time_is_shown_before_what_takes_memory(states: list[ModelState], expected: IconState) -> None:
    models = [model(f"m{number}", state) for number, state in enumerate(states)]
    assert appearance(snapshot_of(models), NONE).state is expected


def test_a_download_is_shown_before_a_busy_model() -> None:
    shown = appearance(snapshot_of([model("m", ModelState.BUSY)], [pull("phi", done=1, total=4)]), NONE)
    assert (shown.state, shown.progress) == (IconState.DOWNLOADING, 0.25)


def test_a_failure_nobody_has_seen_is_shown_before_a_download() -> None:
    shown = appearance(snapshot_of(jobs=[pull("phi", done=1, total=4)]), UnseenNews(failure="It broke."))
    assert shown.state is IconState.ERROR
    assert "It broke." in shown.tooltip


def test_a_failure_that_was_seen_is_no_error_any_more() -> None:
    assert appearance(snapshot_of(), UnseenNews(failure="It broke.", seen=True)).state is IconState.IDLE


def test_several_downloads_have_one_progress_weighed_by_their_bytes() -> None:
    jobs = [pull("a", done=300, total=300), pull("b", done=0, total=100)]
    assert appearance(snapshot_of(jobs=jobs), NONE).progress == 0.75


def test_a_waiting_download_counts_with_the_size_its_model_is_expected_to_have() -> None:
    far = model("far", ModelState.DOWNLOADING)
    jobs = [pull("a", done=far.size_bytes, total=far.size_bytes), pull("far", JobState.QUEUED)]
    assert appearance(snapshot_of([far], jobs), NONE).progress == 0.5


def test_a_download_of_unknown_size_has_no_progress() -> None:
    shown = appearance(snapshot_of(jobs=[pull("a", done=300, total=300), pull("b")]), NONE)
    assert (shown.state, shown.progress) == (IconState.DOWNLOADING, None)


def test_more_bytes_than_were_announced_are_not_more_than_all() -> None:
    assert appearance(snapshot_of(jobs=[pull("a", done=500, total=300)]), NONE).progress == 1.0


def test_progress_moves_in_whole_percents_and_is_full_only_at_the_end() -> None:
    shares = {
        appearance(snapshot_of(jobs=[pull("a", done=done, total=1000)]), NONE).progress for done in range(990, 1000)
    }
    assert shares == {0.99}


def test_held_downloads_let_the_icon_rest() -> None:
    shown = appearance(snapshot_of(jobs=[pull("phi", JobState.PAUSED, done=1, total=4)]), NONE)
    assert shown.state is IconState.IDLE
    assert shown.details == ("PHI: paused at 25.0%",)


def test_a_benchmark_makes_the_icon_busy() -> None:
    shown = appearance(snapshot_of(jobs=[benchmark("phi")]), NONE)
    assert shown.state is IconState.BUSY
    assert shown.details == ("PHI: benchmark 40.0%",)


def test_the_tooltip_has_the_version_the_memory_and_the_downloads() -> None:
    models = [model("mistral", ModelState.LOADED), model("tiny", ModelState.LOADING)]
    shown = appearance(snapshot_of(models, [pull("phi", done=1, total=4)]), NONE)
    assert shown.tooltip.splitlines() == [
        "modeld 1.2.3: 1 download 25% · 1 model loaded, 1.0 GB",
        "MISTRAL: 1.0 GB",
        "TINY: loading",
        "PHI: 25.0%, 2.0 MB/s, 1m 3s left",
    ]


def test_a_stalled_download_says_so() -> None:
    job = pull("phi", done=1, total=4)
    stalled = replace(job, progress=replace(job.progress, stalled_since="2026-01-01T00:00:00+00:00"))
    assert appearance(snapshot_of(jobs=[stalled]), NONE).details == ("PHI: 25.0%, no data arrives",)


def test_a_long_failure_is_cut_to_a_line() -> None:
    shown = appearance(snapshot_of(), UnseenNews(failure="no\n" * 500))
    assert "\n" not in shown.details[0]
    assert len(shown.details[0]) == FAILURE_CHARACTERS


def test_unsaved_changes_are_an_error_that_the_tooltip_and_the_menu_name() -> None:
    snapshot = snapshot_of([model("phi")])
    full = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.")
    unsaved = replace(snapshot, daemon=replace(snapshot.daemon, not_saving=full))
    assert appearance(unsaved, NONE).state is IconState.ERROR
    assert "The disk is full." in appearance(unsaved, NONE).tooltip
    assert find(menu(unsaved, NONE), "not-saving") is not None
    assert find(menu(snapshot, NONE), "not-saving") is None
