"""The icon's state and the tooltip's text: a pure function of the snapshot and the unseen news.

Only one state is shown although several may apply. The most urgent one wins: the daemon is not reachable, something
failed, work in progress, memory in use.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modeld.protocol.states import HAS_WORKER, IN_MEMORY, JobKind, JobState, ModelState
from modeld.protocol.views import JobView, ModelView, Snapshot
from modelicons import IconState

from modelctl.desktop.tray.unseen import UnseenNews
from modelctl.errors import explained
from modelctl.language.catalogue import _, _n
from modelctl.language.format import format_bytes, format_eta, format_speed, percent
from modelctl.language.printable import one_line

FAILURE_CHARACTERS = 160
"""The maximum length of the tooltip."""


@dataclass(frozen=True)
class Appearance:
    """The icon and its texts. ``progress`` is 0 to 1 in whole percents or None; ``details``: the tooltip's lines."""

    state: IconState
    progress: float | None
    unseen: bool
    title: str
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", one_line(self.title))
        object.__setattr__(self, "details", tuple(map(one_line, self.details)))

    @property
    def tooltip(self) -> str:
        """The tooltip as one text."""
        return "\n".join((self.title, *self.details))


def appearance(snapshot: Snapshot | None, news: UnseenNews, stale: bool = False) -> Appearance:
    """The tray's current appearance; without a snapshot the daemon is not reachable; ``stale``: it does not respond."""
    failure = (_shortened(news.failure),) if news.failure else ()
    if snapshot is not None and snapshot.daemon.not_saving is not None:
        failure = (_shortened(explained(snapshot.daemon.not_saving)), *failure)
    if snapshot is None:
        return Appearance(IconState.OFFLINE, None, news.unseen_finish, _("modeld is not running"), failure)
    if stale:
        details = (*failure, *_details(snapshot))
        return Appearance(IconState.OFFLINE, None, news.unseen_finish, not_responding(), details)
    running = downloads(snapshot, JobState.RUNNING, JobState.QUEUED)
    progress = overall(running, snapshot.models) if running else None
    title = f"modeld {snapshot.daemon.version}: {headline(snapshot)}"
    return Appearance(
        _state(snapshot, news, running), progress, news.unseen_finish, title, failure + _details(snapshot)
    )


def not_responding() -> str:
    """The title while the daemon runs but does not respond."""
    return _("modeld does not respond; this may be out of date")


def downloads(snapshot: Snapshot, *states: JobState) -> list[JobView]:
    """The downloads in one of these states, oldest first."""
    return [job for job in snapshot.jobs if job.kind is JobKind.PULL and job.state in states]


def benchmarks(snapshot: Snapshot) -> list[JobView]:
    """The unfinished benchmarks, oldest first."""
    going = (JobState.RUNNING, JobState.QUEUED)
    return [job for job in snapshot.jobs if job.kind is JobKind.BENCHMARK and job.state in going]


def overall(jobs: Sequence[JobView], models: Sequence[ModelView]) -> float | None:
    """The combined progress of these downloads, 0 to 1 in whole percents; None if a size is unknown.

    A queued download has no total yet, so the model's expected size is used.
    """
    expected = {model.key: model.size_bytes for model in models}
    totals = [job.progress.total or expected.get(job.model, 0) for job in jobs]
    if not jobs or not all(totals):
        return None
    done = sum(min(job.progress.done, total) for job, total in zip(jobs, totals, strict=True))
    return int(100 * done / sum(totals)) / 100


def headline(snapshot: Snapshot) -> str:
    """What is going on, in a few words: the menu's first line."""
    parts = []
    running = downloads(snapshot, JobState.RUNNING, JobState.QUEUED)
    if running:
        text = _n("{count} download", "{count} downloads", len(running)).format(count=len(running))
        share = overall(running, snapshot.models)
        parts.append(text if share is None else f"{text} {share:.0%}")
    measuring = benchmarks(snapshot)
    if measuring:
        parts.append(_n("{count} benchmark", "{count} benchmarks", len(measuring)).format(count=len(measuring)))
    loaded = [model for model in snapshot.models if model.state in IN_MEMORY]
    if loaded:
        text = _n("{count} model loaded", "{count} models loaded", len(loaded)).format(count=len(loaded))
        parts.append(f"{text}, {format_bytes(sum(memory(model) for model in loaded))}")
    return " · ".join(parts) if parts else _("idle")


def memory(model: ModelView) -> int:
    """The memory that a model uses now, in bytes."""
    return model.loaded.memory_bytes if model.loaded else 0


def download_text(job: JobView) -> str:
    """A download in one line: progress, speed and remaining time, or why it is paused."""
    done = percent(job.progress.percent)
    if job.state is JobState.PAUSED:
        return _("paused at {percent}").format(percent=done) if job.progress.percent is not None else _("paused")
    if job.state is JobState.QUEUED:
        return _("waiting")
    if job.progress.stalled_since:
        return _("{percent}, no data arrives").format(percent=done)
    line = f"{done}, {format_speed(job.progress.rate)}"
    if job.progress.eta_s is None:
        return line
    return _("{progress}, {eta} left").format(progress=line, eta=format_eta(job.progress.eta_s))


def _state(snapshot: Snapshot, news: UnseenNews, running: Sequence[JobView]) -> IconState:
    states = {model.state for model in snapshot.models}
    if news.unseen_failure or snapshot.daemon.not_saving is not None:
        return IconState.ERROR
    if running:
        return IconState.DOWNLOADING
    if states & {ModelState.LOADING, ModelState.UNLOADING}:
        return IconState.LOADING
    if ModelState.BUSY in states or benchmarks(snapshot):
        return IconState.BUSY
    return IconState.LOADED if ModelState.LOADED in states else IconState.IDLE


def _details(snapshot: Snapshot) -> tuple[str, ...]:
    lines = [_model_line(model) for model in snapshot.models if model.state in HAS_WORKER]
    for job in downloads(snapshot, JobState.RUNNING, JobState.QUEUED, JobState.PAUSED):
        lines.append(f"{job.model.upper()}: {download_text(job)}")
    for job in benchmarks(snapshot):
        lines.append(
            _("{key}: benchmark {percent}").format(key=job.model.upper(), percent=percent(job.progress.percent))
        )
    return tuple(lines)


def _model_line(model: ModelView) -> str:
    if model.state is ModelState.LOADING:
        return _("{key}: loading").format(key=model.key.upper())
    if model.state is ModelState.UNLOADING:
        return _("{key}: unloading").format(key=model.key.upper())
    return f"{model.key.upper()}: {format_bytes(memory(model))}"


def _shortened(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= FAILURE_CHARACTERS else line[: FAILURE_CHARACTERS - 1] + "…"
