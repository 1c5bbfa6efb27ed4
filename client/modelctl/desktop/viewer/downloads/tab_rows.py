"""The downloads tab's contents: snapshot -> the queue in order, and the last ended downloads; pure."""

from dataclasses import dataclass

from modeld.protocol.states import FINAL, JobKind
from modeld.protocol.views import JobView, Snapshot

from modelctl.desktop.viewer.downloads.dialog_text import ProgressText, progress_text
from modelctl.desktop.viewer.style.local_time import date_and_time
from modelctl.language.catalogue import _
from modelctl.language.format import format_speed
from modelctl.language.printable import one_line

ENDED_SHOWN = 20
"""The number of ended downloads listed, newest first."""


@dataclass(frozen=True)
class QueueRow:
    """An unfinished download; ``place`` counts from 1, ``line`` contains its figures."""

    id: str
    title: str
    place: int
    text: ProgressText
    line: str
    limit: str
    can_rise: bool
    can_sink: bool


@dataclass(frozen=True)
class EndedRow:
    """A download that ended."""

    id: str
    title: str
    when: str
    status: str
    tone: str
    detail: str


def queue(snapshot: Snapshot) -> list[QueueRow]:
    """The unfinished downloads in queue order."""
    jobs = sorted((job for job in _pulls(snapshot) if job.state not in FINAL), key=lambda job: job.rank)
    return [_row(job, place, len(jobs)) for place, job in enumerate(jobs, 1)]


def ended(snapshot: Snapshot) -> list[EndedRow]:
    """The last ended downloads, newest first."""
    jobs = sorted((job for job in _pulls(snapshot) if job.state in FINAL), key=lambda job: job.ended_at, reverse=True)
    return [_ended(job) for job in jobs[:ENDED_SHOWN]]


def speed_limit(snapshot: Snapshot) -> str:
    """The speed limit of all downloads together, as text for its field; empty without a limit."""
    limit = snapshot.daemon.download_limit
    return format_speed(limit) if limit else ""


def _pulls(snapshot: Snapshot) -> list[JobView]:
    return [job for job in snapshot.jobs if job.kind is JobKind.PULL]


def _row(job: JobView, place: int, count: int) -> QueueRow:
    text = progress_text(job)
    return QueueRow(
        id=job.id,
        title=one_line(job.model.upper()),
        place=place,
        text=text,
        line="  ·  ".join((text.status, text.downloaded, text.speed, text.eta)),
        limit=_("at most {speed}").format(speed=format_speed(job.limit)) if job.limit else "",
        can_rise=place > 1,
        can_sink=place < count,
    )


def _ended(job: JobView) -> EndedRow:
    text = progress_text(job)
    return EndedRow(
        job.id, one_line(job.model.upper()), date_and_time(job.ended_at), text.status, text.tone, text.detail
    )
