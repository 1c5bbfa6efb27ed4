"""The contents of the download dialog and the progress windows: snapshot -> choices and texts; pure."""

from dataclasses import dataclass

from modeld.protocol.errors import Failure
from modeld.protocol.states import FINAL, HAS_FILE, JobKind, JobState, Phase
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.desktop.viewer.style.local_time import time_of_day
from modelctl.errors import advice, explained
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes, format_eta, format_speed, percent
from modelctl.language.printable import one_line
from modelctl.language.sentences import of_cause


@dataclass(frozen=True)
class DownloadChoice:
    """A model that can be downloaded; ``job`` is its download if it is in progress."""

    key: str
    title: str
    name: str
    description: str
    size: str
    context: str
    job: JobView | None


@dataclass(frozen=True)
class ProgressText:
    """The contents of one progress window, and which of its buttons are enabled.

    ``tone`` is the state: ``running``, ``stalled``, ``held``, ``done``, ``failed`` or ``gone``.
    """

    title: str
    status: str
    tone: str
    fraction: float
    bar: str
    downloaded: str
    speed: str
    eta: str
    detail: str
    ended: bool
    can_pause: bool
    can_resume: bool
    can_retry: bool


def choices(snapshot: Snapshot) -> list[DownloadChoice]:
    """All models that are not on disk, in the daemon's order."""
    jobs = {job.model: job for job in snapshot.jobs if job.kind is JobKind.PULL and job.state not in FINAL}
    return [_choice(model, jobs.get(model.key)) for model in snapshot.models if model.state not in HAS_FILE]


def _choice(model: ModelView, job: JobView | None) -> DownloadChoice:
    return DownloadChoice(
        key=model.key,
        title=one_line(model.key.upper()),
        name=one_line(model.display_name),
        description=one_line(model.description),
        size=format_bytes(model.size_bytes) if model.size_bytes else _("unknown"),
        context=_("{count} tokens").format(count=model.context_length) if model.context_length else _("unknown"),
        job=job,
    )


def failure_text(failure: Failure) -> str:
    """The failure, and below it what to do."""
    return "\n".join(filter(None, (explained(failure), advice(failure))))


def find_job(snapshot: Snapshot | None, job_id: str) -> JobView | None:
    """The job with this id, if the daemon is reachable and knows it."""
    return next((job for job in snapshot.jobs if job.id == job_id), None) if snapshot is not None else None


def progress_text(job: JobView, *, known: bool = True, daemon_there: bool = True) -> ProgressText:
    """The window of ``job``. If the daemon no longer knows it: the last state, with Close enabled."""
    progress = job.progress
    status, tone = _status(job) if known else _lost(daemon_there)
    ended = job.state in FINAL or not known
    moving = known and job.state is JobState.RUNNING and not progress.stalled_since
    done = known and job.state is JobState.DONE
    share = progress.percent if progress.percent is not None else 100.0 if done else None
    total = format_bytes(progress.total) if progress.total else "?"
    return ProgressText(
        title=_("Downloading {key}").format(key=one_line(job.model.upper())),
        status=status,
        tone=tone,
        fraction=min(max((share or 0.0) / 100.0, 0.0), 1.0),
        bar=percent(share),
        downloaded=_("Downloaded: {done} / {total}").format(done=format_bytes(progress.done), total=total),
        speed=_("Speed: {speed}").format(speed=format_speed(progress.rate if moving else 0.0)),
        eta=_("ETA: {eta}").format(eta=format_eta(progress.eta_s if moving or done else None)),
        detail=_detail(job) if known else "",
        ended=ended,
        can_pause=not ended and job.state in (JobState.RUNNING, JobState.QUEUED),
        can_resume=not ended and job.state is JobState.PAUSED,
        can_retry=known and job.state in (JobState.FAILED, JobState.CANCELLED),
    )


def _lost(daemon_there: bool) -> tuple[str, str]:
    if daemon_there:
        return _("Status: No longer known to the daemon"), "gone"
    return _("Status: The daemon is not reachable"), "gone"


def _status(job: JobView) -> tuple[str, str]:
    """The status line and its tone."""
    progress = job.progress
    match job.state:
        case JobState.QUEUED:
            return _("Status: Waiting for its turn"), "held"
        case JobState.PAUSED:
            return _("Status: Paused"), "held"
        case JobState.DONE if job.already_there:
            return _("Status: Already downloaded, complete and verified"), "done"
        case JobState.DONE:
            return _("Status: Completed"), "done"
        case JobState.CANCELLED:
            return _("Status: Cancelled"), "gone"
        case JobState.FAILED:
            return _("Status: Failed"), "failed"
        case JobState.RUNNING:
            pass
    if progress.phase == Phase.VERIFYING:
        return _("Status: Verifying..."), "running"
    if progress.stalled_since:
        stalled = _("Status: Stalled since {time} (retry {count})")
        return stalled.format(time=time_of_day(progress.stalled_since), count=progress.retries), "stalled"
    if progress.phase == Phase.STARTING_OVER:
        return _("Status: Starting over"), "stalled"
    if progress.phase == Phase.WAITING_TO_RETRY:
        return _("Status: Waiting to retry (retry {count})").format(count=progress.retries), "stalled"
    if progress.phase == Phase.WAITING_FOR_NETWORK:
        return _("Status: Waiting for the network"), "stalled"
    if progress.phase == Phase.WAITING_FOR_CONNECTION:
        return _("Status: Waiting for a free connection"), "held"
    if progress.phase == Phase.CONNECTING:
        return _("Status: Connecting..."), "running"
    return _("Status: Downloading..."), "running"


def _detail(job: JobView) -> str:
    """Details beyond the status: why it failed or is paused, and what to do."""
    if job.state is JobState.CANCELLED:
        return _("The downloaded data is kept; a retry continues from there.")
    if job.failure is not None:
        return failure_text(job.failure)
    return of_cause(job.progress) if job.state is JobState.RUNNING else ""
