"""Checks the running daemon: whether it answers, how fast, and the problems it reports."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from modeld import __version__
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import HAS_FILE, JobKind, JobState
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.client import Client
from modelctl.doctor.finding import Verdict, failed, ok, warning
from modelctl.errors import DaemonUnavailable, ModeldError, advice, explained
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes

SLOW_S = 1.0
LITTLE_MEMORY = 0.05


@dataclass(frozen=True)
class Daemon:
    """The daemon as a client sees it: ``answer_s`` and ``snapshot`` if it answered, otherwise ``error``."""

    announced: bool
    answer_s: float = 0.0
    snapshot: Snapshot | None = None
    error: ModeldError | None = None


def inspect(client: Client) -> Daemon:
    """Ping the daemon and take a snapshot."""
    announced = bool(client.transport.host) or client.transport.places.connection_file.exists()
    try:
        begun = time.perf_counter()
        client.ping()
        answer_s = time.perf_counter() - begun
        return Daemon(announced, answer_s, client.snapshot())
    except ModeldError as error:
        return Daemon(announced, error=error)


def judge(daemon: Daemon, ours: str = __version__) -> Verdict:
    """Whether it answers and has our version."""
    if daemon.error is not None:
        text, fix = explained(daemon.error.failure), advice(daemon.error.failure)
        mild = isinstance(daemon.error, DaemonUnavailable) and not daemon.announced
        return (warning if mild else failed)(text, fix or "modelctl logs")
    assert daemon.snapshot is not None
    theirs = daemon.snapshot.daemon
    if theirs.version != ours:
        text = _("modeld is {theirs}, modelctl is {ours}.").format(theirs=theirs.version, ours=ours)
        return warning(text, "modelctl down && modelctl up")
    return ok(_("modeld {version}, process {pid}").format(version=theirs.version, pid=theirs.pid))


def judge_answer(seconds: float) -> Verdict:
    """Whether it answers fast enough."""
    answered = _("answered in {ms:.1f} ms").format(ms=seconds * 1000)
    if seconds > SLOW_S:
        return warning(answered, _("The machine is overloaded: modelctl ps, modelctl unload --all"))
    return ok(answered)


def judge_memory(snapshot: Snapshot) -> Iterator[Verdict]:
    """Whether enough memory is free, and each model fits into this machine."""
    system = snapshot.system
    text = _("{available} of {total} available")
    text = text.format(available=format_bytes(system.memory_available), total=format_bytes(system.memory_total))
    if system.memory_total and system.memory_available < LITTLE_MEMORY * system.memory_total:
        yield warning(text, _("Unload unused models (modelctl unload --all), or close other programs."))
    else:
        yield ok(text)
    for model in snapshot.models:
        if model.state in HAS_FILE and model.estimated_bytes > system.memory_total > 0:
            too_large = _("{name} needs about {size} of memory, more than this machine has.")
            fix = _(
                "Load it with a smaller context (modelctl load {key} --context 2048), or use a smaller quantization."
            )
            text = too_large.format(name=model.key.upper(), size=format_bytes(model.estimated_bytes))
            yield warning(text, fix.format(key=model.key))


def judge_models(snapshot: Snapshot) -> Iterator[Verdict]:
    """The models for which the daemon reports a failure."""
    bad = [model for model in snapshot.models if model.failure is not None]
    yield from map(_judge_model, bad)
    if not bad:
        count = sum(model.state in HAS_FILE for model in snapshot.models)
        yield ok(_("{count} of {total} on disk").format(count=count, total=len(snapshot.models)))


def _judge_model(model: ModelView) -> Verdict:
    assert model.failure is not None
    text = f"{model.key.upper()}: {explained(model.failure)}"
    if model.failure.code is ErrorCode.BAD_MODEL_FILE:
        fix = advice(model.failure) or f"modelctl rm {model.key} && modelctl pull {model.key}"
        return failed(text, fix)
    return warning(text, advice(model.failure) or "modelctl logs")


def judge_downloads(snapshot: Snapshot) -> Iterator[Verdict]:
    """Each model's newest download, if it failed or stalls."""
    newest: dict[str, JobView] = {job.model: job for job in snapshot.jobs if job.kind is JobKind.PULL}
    for job in newest.values():
        if job.state is JobState.FAILED and job.failure is not None:
            text = f"{job.model.upper()}: {explained(job.failure)}"
            yield warning(text, advice(job.failure) or f"modelctl pull {job.model}")
        elif job.progress.stalled_since and job.state is JobState.RUNNING:
            stalled = _("{name}: no data since {moment}, retry {count}.")
            text = stalled.format(name=job.model.upper(), moment=job.progress.stalled_since, count=job.progress.retries)
            yield warning(text, "modelctl doctor --online")
