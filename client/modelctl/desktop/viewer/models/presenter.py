"""The contents of the models tab, derived from the snapshot: cards, their order, their actions; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from modeld.protocol.states import FINAL, HAS_FILE, HAS_WORKER, IN_MEMORY, JobKind, JobState, ModelState
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.errors import advice, explained
from modelctl.language.catalogue import _, _n
from modelctl.language.format import format_bytes, format_eta, format_speed, percent
from modelctl.language.model_card import ModelCard, model_card

GAP = "    "
"""Between facts on one line."""


class ModelAction(StrEnum):
    """An action that the user can perform on a model."""

    LOAD = "load"
    UNLOAD = "unload"
    DOWNLOAD = "download"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    BENCHMARK = "benchmark"
    CHAT = "chat"
    PIN = "pin"
    UNPIN = "unpin"
    REMOVE = "remove"
    COPY_PATH = "copy path"


@dataclass(frozen=True)
class Mark:
    """A short word beside the title, in a palette colour."""

    text: str
    tone: str


@dataclass(frozen=True)
class Gauge:
    """A job's progress; ``fraction`` None: the total is unknown."""

    fraction: float | None
    text: str
    tone: str


@dataclass(frozen=True)
class Card:
    """One model in the list.

    ``texts`` is the same data that the command line shows; the rest is only for the viewer. ``actions`` are buttons;
    ``more`` is the menu of the last button.
    """

    key: str
    texts: ModelCard
    marks: tuple[Mark, ...]
    tone: str
    context: tuple[int, int] | None
    gauge: Gauge | None
    failure: str
    actions: tuple[ModelAction, ...]
    more: tuple[ModelAction, ...]
    moving: bool


TONES = {
    ModelState.ABSENT: "faint",
    ModelState.DOWNLOADING: "purple",
    ModelState.ON_DISK: "muted",
    ModelState.LOADING: "orange",
    ModelState.LOADED: "blue",
    ModelState.BUSY: "green",
    ModelState.UNLOADING: "orange",
}
"""The colour of a state; each also has its word or mark on the card."""

RANK = (
    ModelState.BUSY,
    ModelState.LOADED,
    ModelState.LOADING,
    ModelState.UNLOADING,
    ModelState.DOWNLOADING,
    ModelState.ON_DISK,
    ModelState.ABSENT,
)
"""The order by state: active models first."""


def card(view: ModelView, job: JobView | None = None) -> Card:
    """The card of a model whose running or queued job is ``job``."""
    if job is not None and job.kind is JobKind.PULL and not view.size_bytes:
        view = msgspec.structs.replace(view, size_bytes=job.progress.total)  # known as soon as the download has started
    texts = model_card(view)
    return Card(
        key=view.key,
        texts=texts,
        marks=_marks(texts, view, job),
        tone=TONES[view.state],
        context=_context(view),
        gauge=gauge(job) if job is not None else None,
        failure=_failure(view),
        actions=actions(view, job),
        more=more(view),
        moving=view.state in (ModelState.LOADING, ModelState.UNLOADING),
    )


def actions(view: ModelView, job: JobView | None) -> tuple[ModelAction, ...]:
    """The buttons of a card, most likely action first."""
    if job is not None and job.kind is JobKind.PULL:
        return (ModelAction.RESUME if job.state is JobState.PAUSED else ModelAction.PAUSE, ModelAction.CANCEL)
    measuring = (ModelAction.CANCEL,) if job is not None else (ModelAction.BENCHMARK,)
    match view.state:
        case ModelState.ABSENT:
            return (ModelAction.DOWNLOAD,)
        case ModelState.DOWNLOADING:
            return (ModelAction.CANCEL,)
        case ModelState.ON_DISK:
            return (ModelAction.LOAD, *measuring)
        case ModelState.LOADING:
            return (*((ModelAction.CANCEL,) if job is not None else ()), ModelAction.UNLOAD)
        case ModelState.LOADED | ModelState.BUSY:
            return (ModelAction.CHAT, *measuring, ModelAction.UNLOAD)
        case ModelState.UNLOADING:
            return ()


def more(view: ModelView) -> tuple[ModelAction, ...]:
    """The menu of a card."""
    known = [ModelAction.UNPIN if view.pinned else ModelAction.PIN] if view.state in HAS_FILE else []
    if view.path and view.state in HAS_FILE:
        known.append(ModelAction.COPY_PATH)
    if view.state in (ModelState.ON_DISK, ModelState.ABSENT) and (view.state in HAS_FILE or not view.builtin):
        known.append(ModelAction.REMOVE)
    return tuple(known)


def label(do: ModelAction) -> str:
    """The label of its button."""
    match do:
        case ModelAction.LOAD:
            return _("Load")
        case ModelAction.UNLOAD:
            return _("Unload")
        case ModelAction.DOWNLOAD:
            return _("Download")
        case ModelAction.CANCEL:
            return _("Cancel")
        case ModelAction.PAUSE:
            return _("Pause")
        case ModelAction.RESUME:
            return _("Resume")
        case ModelAction.BENCHMARK:
            return _("Benchmark")
        case ModelAction.CHAT:
            return _("Chat")
        case ModelAction.PIN:
            return _("Keep loaded")
        case ModelAction.UNPIN:
            return _("Do not keep loaded")
        case ModelAction.REMOVE:
            return _("Remove…")
        case ModelAction.COPY_PATH:
            return _("Copy the file's path")


def gauge(job: JobView) -> Gauge:
    """A job's progress in one line."""
    progress = job.progress
    fraction = None if progress.percent is None else min(max(progress.percent / 100, 0.0), 1.0)
    if job.state is JobState.QUEUED:
        text = _("Waiting for its turn") if job.kind is JobKind.PULL else _("The benchmark is queued")
        return Gauge(fraction or 0.0, text, "muted")
    if job.state is JobState.PAUSED:
        return Gauge(fraction or 0.0, _("Paused") + GAP + _amount(job), "muted")
    if job.kind is JobKind.BENCHMARK:
        steps = _("Benchmark: step {done} of {total}").format(done=progress.done, total=progress.total)
        rate = GAP + _("{rate:.1f} tokens/sec").format(rate=progress.rate) if progress.rate else ""
        share = progress.done / progress.total if progress.total else None
        return Gauge(share, steps + rate, "accent")
    if progress.stalled_since:
        return Gauge(fraction, _("No data arrives; still trying") + GAP + _amount(job), "orange")
    speed = _("Speed: {speed}").format(speed=format_speed(progress.rate))
    eta = _("ETA: {eta}").format(eta=format_eta(progress.eta_s))
    return Gauge(fraction, GAP.join([percent(progress.percent), _amount(job), speed, eta]), "purple")


def current_jobs(jobs: Iterable[JobView]) -> dict[str, JobView]:
    """Each model's running, paused or queued job; a running one before a queued one."""
    found: dict[str, JobView] = {}
    for job in jobs:
        if job.state not in FINAL and (job.model not in found or found[job.model].state is JobState.QUEUED):
            found[job.model] = job
    return found


def selected(
    models: Sequence[ModelView], text: str = "", *, on_disk: bool = False, by_state: bool = False
) -> list[ModelView]:
    """The models whose key or name contains ``text``, in the daemon's order or by state."""
    wanted = text.strip().lower()
    found = [
        model
        for model in models
        if (wanted in model.key.lower() or wanted in model.display_name.lower())
        and (not on_disk or model.state in HAS_FILE)
    ]
    return sorted(found, key=lambda model: RANK.index(model.state)) if by_state else found


def summary(snapshot: Snapshot) -> str:
    """A summary of the list: the number of models, on disk, in memory."""
    models = snapshot.models
    on_disk = sum(model.state in HAS_FILE for model in models)
    loaded = [model for model in models if model.state in IN_MEMORY]
    count = _n("{count} model", "{count} models", len(models)).format(count=len(models))
    parts = _("{on_disk} on disk, {loaded} loaded").format(on_disk=on_disk, loaded=len(loaded))
    text = f"{count}, {parts}"
    memory = sum(model.loaded.memory_bytes for model in loaded if model.loaded is not None)
    return f"{text} ({format_bytes(memory)})" if memory else text


def short_summary(snapshot: Snapshot) -> str:
    """The number of models in memory."""
    return _("{loaded} loaded").format(loaded=sum(model.state in IN_MEMORY for model in snapshot.models))


def nothing_on_disk(snapshot: Snapshot) -> bool:
    """Whether no model is on disk or being downloaded."""
    return not any(model.state in HAS_FILE or model.state is ModelState.DOWNLOADING for model in snapshot.models)


def can_unload(snapshot: Snapshot | None) -> bool:
    """Whether Unload All would have an effect."""
    return snapshot is not None and any(model.state in HAS_WORKER for model in snapshot.models)


def _marks(texts: ModelCard, view: ModelView, job: JobView | None) -> tuple[Mark, ...]:
    """The words beside the title: whether the model is active and loaded, then its current activity."""
    marks = []
    if texts.active:
        marks.append(Mark(texts.active, "green"))
    if texts.loaded:
        marks.append(Mark(texts.loaded, "blue"))
    if view.pinned:
        marks.append(Mark(_("kept loaded"), "muted"))
    if view.state is ModelState.BUSY and job is None:
        marks.append(Mark(_("answering"), "green"))
    if view.state is ModelState.LOADING:
        marks.append(Mark(_("loading…"), "orange"))
    if view.state is ModelState.UNLOADING:
        marks.append(Mark(_("unloading…"), "orange"))
    return tuple(marks)


def _context(view: ModelView) -> tuple[int, int] | None:
    if view.loaded is None or view.state not in IN_MEMORY:
        return None
    return view.loaded.context_used, view.loaded.context_size or view.context_length


def _failure(view: ModelView) -> str:
    if view.failure is None:
        return ""
    return f"{explained(view.failure)} {advice(view.failure)}".strip()


def _amount(job: JobView) -> str:
    """``1.2 GB / 4.1 GB``."""
    done, total = job.progress.done, job.progress.total
    return f"{format_bytes(done)} / {format_bytes(total)}" if total else format_bytes(done)
