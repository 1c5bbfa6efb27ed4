"""Finds what deserves a notification by comparing two snapshots; pure.

Comparing snapshots reports each end once, whether it arrived as an event or in a snapshot after missed events or a
restart. The first snapshot reports nothing. What the user did or already knows (cancelled, already downloaded) is not
news.
"""

from dataclasses import dataclass
from typing import assert_never

from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.events import AnyEvent, JobChanged, JobProgress, ModelChanged
from modeld.protocol.states import FINAL, HAS_WORKER, JobKind, JobState
from modeld.protocol.views import JobView, ModelView, Snapshot, SystemView

from modelctl.desktop.notices.notice import NoticeKind

LOW_DISK_BYTES = 5 * 1024**3
LOW_DISK_SHARE = 0.02
RECOVERED = 1.25
"""Free space must exceed the limit by this factor before it can be reported as low again, since it fluctuates."""

_NO_NEWS = frozenset({ErrorCode.CANCELLED, ErrorCode.INTERRUPTED, ErrorCode.ALREADY_EXISTS, ErrorCode.SHUTTING_DOWN})


@dataclass(frozen=True)
class JobEnded:
    """A job finished, failed, or is paused until the user solves a problem (a full disk).

    ``received`` counts the bytes of its last attempt; None if the start of the attempt was not seen.
    """

    job: JobView
    display_name: str = ""
    received: int | None = None


@dataclass(frozen=True)
class ModelCrashed:
    """A model's worker process crashed."""

    model: ModelView


@dataclass(frozen=True)
class DiskLow:
    """The disk with the models is nearly full."""

    system: SystemView
    models_dir: str = ""


@dataclass(frozen=True)
class SavingChanged:
    """The daemon stopped saving changes (``why``), or saves them again (None)."""

    why: Failure | None


AnyNews = JobEnded | ModelCrashed | DiskLow | SavingChanged


def kind_of(news: AnyNews) -> NoticeKind:
    """The notification kind for this news."""
    match news:
        case JobEnded(job=job):
            done = job.state is JobState.DONE
            if job.kind is JobKind.PULL:
                return NoticeKind.DOWNLOAD_FINISHED if done else NoticeKind.DOWNLOAD_FAILED
            return NoticeKind.BENCHMARK_FINISHED if done else NoticeKind.BENCHMARK_FAILED
        case ModelCrashed():
            return NoticeKind.MODEL_CRASHED
        case DiskLow():
            return NoticeKind.DISK_LOW
        case SavingChanged():
            return NoticeKind.NOT_SAVING
        case _:
            assert_never(news)


class NewsReader:
    """Reads the daemon's snapshots and events in order and returns what is news."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None
        self._low = False
        self._saving = True
        self._starts: dict[str, int | None] = {}

    def read(self, event: AnyEvent | None, after: Snapshot) -> list[AnyNews]:
        """The news in ``event``, or (None) in all that differs; ``after`` is the current snapshot."""
        before, self._before = self._before, after
        self._note_start(event, before)
        found: list[AnyNews] = []
        if before is not None and (event is None or isinstance(event, JobChanged)):
            found += [self._ended(job, after) for job in ended(before, after)]
        if before is not None and (event is None or isinstance(event, ModelChanged)):
            found += [ModelCrashed(model) for model in crashed(before, after)]
        was_low, self._low = self._low, disk_is_low(after.system, self._low)
        if self._low and not was_low:
            found.append(DiskLow(after.system, after.daemon.models_dir))
        was_saving, self._saving = self._saving, after.daemon.not_saving is None
        if was_saving != self._saving:
            found.append(SavingChanged(after.daemon.not_saving))
        return found

    def _ended(self, job: JobView, after: Snapshot) -> JobEnded:
        name = next((model.display_name for model in after.models if model.key == job.model), "")
        start = self._starts.pop(job.id, None)
        return JobEnded(job, name, None if start is None else max(job.progress.done - start, 0))

    def _note_start(self, event: AnyEvent | None, before: Snapshot | None) -> None:
        """Remember the bytes at the start of an attempt: a resumed download did not fetch all of its bytes."""
        match event:
            case None:
                self._starts.clear()
            case JobChanged(job=job) if job.state is JobState.RUNNING:
                self._starts[job.id] = None
            case JobChanged(job=job) if job.state is not JobState.DONE or before is None:
                self._starts.pop(job.id, None)
            case JobProgress(job=id_, progress=progress) if id_ in self._starts and self._starts[id_] is None:
                self._starts[id_] = progress.done


def ended(before: Snapshot, after: Snapshot) -> list[JobView]:
    """The jobs that ended between two snapshots and are worth a notification, in order.

    A job that was unknown before counts if it ended after ``before``: it started and ended while events were missed.
    """
    known = {job.id: job for job in before.jobs}
    return [job for job in after.jobs if _is_over(job) and _newly_ended(known, job, before.at) and _worth(job)]


def crashed(before: Snapshot, after: Snapshot) -> list[ModelView]:
    """The models whose worker crashed between two snapshots."""
    known = {model.key: model for model in before.models}
    return [model for model in after.models if _newly_crashed(known.get(model.key), model)]


def disk_is_low(system: SystemView, was_low: bool) -> bool:
    """Whether free space is below 5 GiB or 2 % of the disk, whichever is more; stays true until it is well above."""
    if not system.disk_total:
        return False
    limit = max(LOW_DISK_BYTES, LOW_DISK_SHARE * system.disk_total)
    return system.disk_free < limit * (RECOVERED if was_low else 1)


def _newly_ended(known: dict[str, JobView], job: JobView, since: str) -> bool:
    old = known.get(job.id)
    return (job.ended_at or job.created_at) >= since if old is None else not _is_over(old)


def _is_over(job: JobView) -> bool:
    """Whether the job needs the user or has ended: it will not continue on its own."""
    return job.state in FINAL or (job.state is JobState.PAUSED and job.failure is not None)


def _worth(job: JobView) -> bool:
    if job.state is JobState.DONE:
        return not job.already_there
    if job.state is JobState.CANCELLED:
        return False
    return job.failure is None or job.failure.code not in _NO_NEWS


def _newly_crashed(old: ModelView | None, model: ModelView) -> bool:
    failure = model.failure
    if failure is None or failure.code is not ErrorCode.WORKER_CRASHED or model.state in HAS_WORKER:
        return False
    return old is None or old.state in HAS_WORKER or old.failure != failure
