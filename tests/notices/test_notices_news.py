"""What is worth a notification, and what is told once and no more."""

import msgspec
import pytest
from modelctl.desktop.notices.news import (
    DiskLow,
    JobEnded,
    ModelCrashed,
    NewsReader,
    SavingChanged,
    disk_is_low,
    kind_of,
)
from modelctl.desktop.notices.notice import NoticeKind
from modelctl.desktop.notices.wording import worded
from modeld.protocol.errors import ErrorCode
from modeld.protocol.events import JobChanged, JobProgress, ModelChanged
from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.protocol.views import JobView, Progress, Snapshot, SystemView
from support.views.notices import CRASH, GIB, at, failure, job, model, snapshot

RUNNING = job(state=JobState.RUNNING)


def after_hole(before: Snapshot, after: Snapshot) -> list[object]:
    reader = NewsReader()
    reader.read(None, before)
    return [*reader.read(None, after)]


def by_event(before: JobView, after: JobView) -> list[object]:
    reader = NewsReader()
    reader.read(None, snapshot(before))
    return [*reader.read(JobChanged(job=after), snapshot(after))]


def test_a_first_snapshot_tells_nothing_of_what_ended_earlier() -> None:
    old = snapshot(job(ended=10), models=[model(failed=CRASH)])

    assert NewsReader().read(None, old) == []


def test_a_download_that_ends_is_told_once() -> None:
    done = job(ended=110)
    reader = NewsReader()
    reader.read(None, snapshot(RUNNING))

    first = reader.read(JobChanged(job=done), snapshot(done))

    assert first == [JobEnded(done)]
    assert reader.read(JobChanged(job=done), snapshot(done)) == []
    assert reader.read(None, snapshot(done, second=200)) == []


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (JobKind.PULL, JobState.DONE, NoticeKind.DOWNLOAD_FINISHED),
        (JobKind.PULL, JobState.FAILED, NoticeKind.DOWNLOAD_FAILED),
        (JobKind.BENCHMARK, JobState.DONE, NoticeKind.BENCHMARK_FINISHED),
        (JobKind.BENCHMARK, JobState.FAILED, NoticeKind.BENCHMARK_FAILED),
    ],
)
def test_each_end_is_of_its_kind(kind: JobKind, state: JobState, expected: NoticeKind) -> None:
    end = job(state=state, kind=kind, failure=failure() if state is JobState.FAILED else None)

    (news,) = by_event(job(state=JobState.RUNNING, kind=kind), end)

    assert isinstance(news, JobEnded)
    assert kind_of(news) is expected


def test_a_download_that_is_held_by_a_full_disk_is_told_once_and_its_resuming_is_not() -> None:
    held = job(state=JobState.PAUSED, failure=failure(ErrorCode.DISK_FULL))
    reader = NewsReader()
    reader.read(None, snapshot(RUNNING))

    first = reader.read(JobChanged(job=held), snapshot(held))

    assert first == [JobEnded(held)] and kind_of(first[0]) is NoticeKind.DOWNLOAD_FAILED
    assert worded(first[0]).title.startswith("Download paused")
    assert reader.read(None, snapshot(held, second=200)) == []
    assert reader.read(JobChanged(job=RUNNING), snapshot(RUNNING, second=201)) == []


@pytest.mark.parametrize(
    "end",
    [
        job(state=JobState.CANCELLED, failure=failure(ErrorCode.CANCELLED)),
        job(state=JobState.FAILED, failure=failure(ErrorCode.CANCELLED)),
        job(state=JobState.FAILED, failure=failure(ErrorCode.SHUTTING_DOWN)),
        job(state=JobState.FAILED, failure=failure(ErrorCode.ALREADY_EXISTS)),
        job(already_there=True),
        job(state=JobState.PAUSED),
        job(state=JobState.QUEUED),
    ],
    ids=["cancelled", "unloaded", "stopping", "exists", "already there", "paused", "queued"],
)
def test_what_a_person_did_themselves_is_no_news(end: JobView) -> None:
    assert by_event(RUNNING, end) == []


def test_an_end_missed_in_a_hole_is_told_from_the_snapshot_after_it() -> None:
    done = job(ended=110)

    assert after_hole(snapshot(RUNNING), snapshot(done, second=120)) == [JobEnded(done)]


def test_a_job_begun_and_ended_in_a_hole_is_told() -> None:
    done = job(begun=105, ended=110)

    assert after_hole(snapshot(second=100), snapshot(done, second=120)) == [JobEnded(done)]


def test_a_job_of_a_hole_without_a_time_of_its_end_counts_from_its_creation() -> None:
    done = msgspec.structs.replace(job(), created_at=at(110))

    assert after_hole(snapshot(second=100), snapshot(done, second=120)) == [JobEnded(done)]


def test_a_job_that_ended_before_anyone_looked_is_not_told_later() -> None:
    assert after_hole(snapshot(second=100), snapshot(job(ended=50), second=120)) == []


def test_a_job_that_went_on_over_a_restart_and_ended_is_told() -> None:
    done = job(ended=130)

    assert after_hole(snapshot(RUNNING), snapshot(done, epoch="e2", second=140)) == [JobEnded(done)]


def test_a_restart_tells_nothing_of_jobs_that_had_ended_before() -> None:
    assert after_hole(snapshot(job(ended=50)), snapshot(job(ended=50), epoch="e2", second=140)) == []


def test_a_resumed_download_counts_only_what_it_fetched_since() -> None:
    running = job(state=JobState.RUNNING, begun=100)
    progress = JobProgress(job="j1", kind=JobKind.PULL, model="mistral", progress=Progress(done=3 * GIB, total=4 * GIB))
    done = job(begun=100, ended=200, done=4 * GIB)
    reader = NewsReader()
    reader.read(None, snapshot())
    reader.read(JobChanged(job=running), snapshot(running))
    reader.read(progress, snapshot(running))

    assert reader.read(JobChanged(job=done), snapshot(done)) == [JobEnded(done, received=GIB)]


def test_a_worker_that_crashes_is_told_once() -> None:
    crashed = model(failed=CRASH)
    reader = NewsReader()
    reader.read(None, snapshot(models=[model(state=ModelState.LOADED)]))

    assert reader.read(ModelChanged(model=crashed), snapshot(models=[crashed])) == [ModelCrashed(crashed)]
    assert reader.read(ModelChanged(model=crashed), snapshot(models=[crashed])) == []


def test_a_worker_that_crashes_again_is_told_again() -> None:
    crashed = model(failed=CRASH)
    reader = NewsReader()
    reader.read(None, snapshot(models=[crashed]))
    loading = model(state=ModelState.LOADING)
    reader.read(ModelChanged(model=loading), snapshot(models=[loading]))

    assert reader.read(ModelChanged(model=crashed), snapshot(models=[crashed])) == [ModelCrashed(crashed)]


def test_a_model_that_cannot_be_loaded_has_not_crashed() -> None:
    refused = model(failed=failure(ErrorCode.NOT_ENOUGH_MEMORY))

    assert after_hole(snapshot(models=[model(state=ModelState.LOADING)]), snapshot(models=[refused])) == []


def test_a_crash_missed_in_a_hole_is_told() -> None:
    crashed = model(failed=CRASH)

    assert after_hole(snapshot(models=[model()]), snapshot(models=[crashed])) == [ModelCrashed(crashed)]


def test_a_low_disk_is_told_once_until_it_has_recovered_well() -> None:
    reader = NewsReader()

    told = [len(reader.read(None, snapshot(free=round(free * GIB)))) for free in (20, 4.9, 4, 5.5, 4.9, 7, 4.9)]

    assert told == [0, 1, 0, 0, 0, 0, 1]


def test_that_nothing_is_saved_and_that_it_is_again_is_news_once_each() -> None:
    reader, full = NewsReader(), failure(ErrorCode.DISK_FULL, "The disk is full.")
    saved = snapshot()
    unsaved = msgspec.structs.replace(saved, daemon=msgspec.structs.replace(saved.daemon, not_saving=full))

    news = [reader.read(None, now) for now in (saved, unsaved, unsaved, saved, saved)]

    assert news == [[], [SavingChanged(full)], [], [SavingChanged(None)], []]


def test_a_low_disk_names_the_folder_of_the_models() -> None:
    (news,) = NewsReader().read(None, snapshot(free=GIB))

    assert isinstance(news, DiskLow)
    assert news.models_dir == "/models"


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [(4, 100, True), (6, 100, False), (30, 2000, True), (50, 2000, False), (0, 0, False)],
    ids=["below 5 GiB", "above 5 GiB", "below 2 %", "above 2 %", "unknown"],
)
def test_low_is_below_5_gib_or_2_per_cent_whichever_is_more(free: int, total: int, low: bool) -> None:
    assert disk_is_low(SystemView(disk_free=free * GIB, disk_total=total * GIB), False) is low
