"""Download progress in the forms that JarvisCore's programs read."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from modeld.protocol.errors import Failure
from modeld.protocol.states import JobState
from modeld.protocol.views import JobView

from modelctl.language.format import format_eta, format_speed

IN_PROGRESS = "in_progress"
"""The running status in the documented classes and the classic manager."""

DOWNLOADING = "downloading"
"""The running status in the live singletons and their web page."""

TERMINAL = frozenset({"completed", "failed", "error", "cancelled", "already_exists"})
"""The final statuses; exactly one of them is reported, once."""

SUCCESS = frozenset({"completed", "already_exists"})

MIB = 1024**2


@dataclass(frozen=True)
class DownloadProgress:
    """A download's progress. ``percent`` is 0 to 100 or None, ``speed`` bytes/s or None, ``eta`` seconds or None."""

    model: str
    status: str
    downloaded: int = 0
    total: int = 0
    percent: float | None = None
    speed: float | None = None
    eta: float | None = None
    message: str = ""

    def to_dict(self) -> dict[str, object]:
        """The eight fields by name."""
        return asdict(self)


def of_job(job: JobView) -> DownloadProgress:
    """A pull job in the documented form."""
    progress = job.progress
    running = job.state is JobState.RUNNING
    return DownloadProgress(
        model=job.model,
        status=_status(job),
        downloaded=progress.done,
        total=progress.total,
        percent=progress.percent,
        speed=progress.rate if running else None,
        eta=progress.eta_s if running else None,
        message=_message(job),
    )


def of_failure(model: str, failure: Failure) -> DownloadProgress:
    """A download that could not be requested."""
    return DownloadProgress(model=model, status="error", message=sentence(failure))


def payload(progress: DownloadProgress, running: str = IN_PROGRESS) -> dict[str, object]:
    """A dict for all readers; ``running`` is the status of an unfinished download.

    ``percent`` and ``eta`` are None if unknown, ``progress`` and ``speed`` are always numbers; ``speed`` is bytes/s,
    ``speed_mbps`` MiB/s.
    """
    speed = progress.speed or 0.0
    failed = progress.status in ("failed", "error")
    return {
        "model": progress.model,
        "model_id": progress.model,
        "status": running if progress.status == IN_PROGRESS else progress.status,
        "downloaded": progress.downloaded,
        "total": progress.total,
        "percent": progress.percent,
        "progress": progress.percent or 0.0,
        "speed": speed,
        "speed_mbps": speed / MIB,
        "eta": progress.eta,
        "eta_text": format_eta(progress.eta),
        "message": progress.message,
        "error": progress.message if failed else None,
        "timestamp": datetime.now(UTC).isoformat(),
    }


def sentence(failure: Failure) -> str:
    """The failure and its hint as one text."""
    return f"{failure.message} {failure.hint}".strip()


def _status(job: JobView) -> str:
    match job.state:
        case JobState.DONE:
            return "already_exists" if job.already_there else "completed"
        case JobState.FAILED:
            return "failed"
        case JobState.CANCELLED:
            return "cancelled"
        case _:
            return IN_PROGRESS


def _message(job: JobView) -> str:
    progress = job.progress
    if job.failure is not None:
        return sentence(job.failure)
    match job.state:
        case JobState.DONE:
            return "The file is already downloaded." if job.already_there else "The download is complete."
        case JobState.QUEUED | JobState.PAUSED:
            return f"The download is {job.state}."
    if progress.stalled_since:
        return f"Stalled since {progress.stalled_since} (retry {progress.retries})."
    if progress.phase and progress.phase != "downloading":
        return progress.phase
    return f"Downloading at {format_speed(progress.rate)}, {format_eta(progress.eta_s)} left."
