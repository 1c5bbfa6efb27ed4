"""The benchmark dialog's contents: snapshot -> models to choose from, and a row per benchmark; pure."""

from collections.abc import Collection
from dataclasses import dataclass

from modeld.protocol.states import FINAL, HAS_FILE, IN_MEMORY, JobKind, JobState, Phase
from modeld.protocol.views import BenchmarkRun, Change, JobView, Snapshot

from modelctl.desktop.viewer.downloads.dialog_text import failure_text
from modelctl.language.catalogue import _
from modelctl.language.format import comparison_cells, format_figure
from modelctl.language.printable import one_line
from modelctl.language.sentences import of_disturbance


@dataclass(frozen=True)
class BenchmarkCandidate:
    """A model that can be benchmarked; ``latest`` is its newest decode rate, or empty."""

    key: str
    title: str
    name: str
    loaded: bool
    latest: str


@dataclass(frozen=True)
class JobRow:
    """One benchmark in the dialog; ``tone`` is ``running``, ``held``, ``done``, ``failed`` or ``gone``."""

    id: str
    title: str
    fraction: float
    bar: str
    tone: str
    cells: tuple[str, ...]
    note: str
    ended: bool


def candidates(snapshot: Snapshot) -> list[BenchmarkCandidate]:
    """All models on disk, in the daemon's order."""
    return [
        BenchmarkCandidate(
            key=model.key,
            title=one_line(model.key.upper()),
            name=one_line(model.display_name),
            loaded=model.state in IN_MEMORY,
            latest=comparison_cells(model.latest)[1] if model.latest is not None else "",
        )
        for model in snapshot.models
        if model.state in HAS_FILE
    ]


def followed(snapshot: Snapshot, known: Collection[str]) -> list[JobView]:
    """The benchmarks to show: those already ``known`` and all unfinished ones, oldest first."""
    return [
        job for job in snapshot.jobs if job.kind is JobKind.BENCHMARK and (job.id in known or job.state not in FINAL)
    ]


def job_row(job: JobView, change: Change | None = None) -> JobRow:
    """A benchmark's progress; once it is done, its results and ``change`` since the previous run."""
    run = job.benchmark
    ended = job.state in FINAL
    cells: tuple[str, ...] = ("", "", "", "")
    if run is not None:
        cells = (format_figure(run.decode), *comparison_cells(run.result)[2:])
    elif job.progress.rate and not ended:
        cells = (f"{job.progress.rate:.2f}", "", "", "")
    share = 100.0 if job.state is JobState.DONE else job.progress.percent or 0.0
    bar, tone = _bar(job)
    return JobRow(
        id=job.id,
        title=one_line(job.model.upper()),
        fraction=min(max(share / 100.0, 0.0), 1.0),
        bar=bar,
        tone=tone,
        cells=cells,
        note=_note(job, change),
        ended=ended,
    )


def change_text(change: Change) -> str:
    """``+3.2%, within the noise``: the newest run compared with the previous one."""
    if change.significant:
        return _("{percent:+.1f}%, more than the noise").format(percent=change.percent)
    return _("{percent:+.1f}%, within the noise").format(percent=change.percent)


def disturbed_text(run: BenchmarkRun) -> str:
    """Why the results of a run are not reliable."""
    reason = of_disturbance(run).rstrip(".")
    return _("disturbed: {reason}").format(reason=reason) if reason else _("disturbed")


def _bar(job: JobView) -> tuple[str, str]:
    """The text in the bar, and its tone."""
    match job.state:
        case JobState.QUEUED:
            return _("Waiting"), "held"
        case JobState.PAUSED:
            return _("Paused"), "held"
        case JobState.DONE:
            return _("Done"), "done"
        case JobState.FAILED:
            return _("Failed"), "failed"
        case JobState.CANCELLED:
            return _("Cancelled"), "gone"
        case JobState.RUNNING:
            pass
    progress = job.progress
    if not progress.total or progress.percent is None:
        return _("Preparing..."), "running"
    return f"{progress.percent:.0f}%  {_phase(progress.phase)}", "running"


def _phase(phase: str) -> str:
    """The worker's step in words."""
    match phase:
        case Phase.WARM_UP:
            return _("warm-up")
        case Phase.PROMPT:
            return _("standard prompt")
        case Phase.PP:
            return _("prefill (pp)")
        case Phase.TG:
            return _("decode (tg)")
        case _:
            return phase


def _note(job: JobView, change: Change | None) -> str:
    if job.state is JobState.FAILED and job.failure is not None:
        return failure_text(job.failure)
    if job.benchmark is None:
        return ""
    parts = [change_text(change) if change is not None else ""]
    if job.benchmark.disturbed:
        parts.append(disturbed_text(job.benchmark))
    return "\n".join(part for part in parts if part)
