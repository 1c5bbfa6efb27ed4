"""A snapshot that is kept current by events; pure.

``apply`` takes a snapshot and one event, and returns the snapshot after it. An event that the snapshot already includes
changes nothing. An event that reveals missed events raises ``MissedEvents``; then take a new snapshot.
"""

from typing import assert_never

import msgspec
from modeld.protocol import events
from modeld.protocol.views import JobView, ModelView, Snapshot


class MissedEvents(Exception):  # noqa: N818 - it is a signal, not an error
    """Events were missed, or they come from another daemon: the snapshot is outdated."""


def apply(snapshot: Snapshot, event: events.AnyEvent) -> Snapshot:
    """``snapshot`` after ``event``; raises ``MissedEvents`` if the event does not follow it."""
    if event.epoch != snapshot.epoch:
        raise MissedEvents(f"epoch {event.epoch} instead of {snapshot.epoch}")
    if event.seq <= snapshot.seq:
        return snapshot
    if isinstance(event, events.Heartbeat) or event.seq != snapshot.seq + 1:
        raise MissedEvents(f"seq {event.seq} after {snapshot.seq}")
    return msgspec.structs.replace(_changed(snapshot, event), seq=event.seq, at=event.at)


def _changed(snapshot: Snapshot, event: events.AnyEvent) -> Snapshot:
    """Replace the part of the snapshot that the event is about."""
    replace = msgspec.structs.replace
    match event:
        case events.ModelChanged(model=model):
            return replace(snapshot, models=_with_model(snapshot.models, model))
        case events.ModelRemoved(model=key):
            return replace(snapshot, models=[model for model in snapshot.models if model.key != key])
        case events.JobChanged(job=job):
            return replace(snapshot, jobs=_with_job(snapshot.jobs, job))
        case events.JobRemoved(job=id_):
            return replace(snapshot, jobs=[job for job in snapshot.jobs if job.id != id_])
        case events.JobProgress(job=id_, progress=progress):
            jobs = [replace(job, progress=progress) if job.id == id_ else job for job in snapshot.jobs]
            return replace(snapshot, jobs=jobs)
        case events.ContextUsed(model=key, used=used, size=size):
            models = [_with_context(model, used, size) if model.key == key else model for model in snapshot.models]
            return replace(snapshot, models=models)
        case events.SystemSampled(system=system):
            return replace(snapshot, system=system)
        case events.DaemonStarted(daemon=daemon) | events.DaemonChanged(daemon=daemon):
            return replace(snapshot, daemon=daemon)
        case events.ContextRefused() | events.ContextFull() | events.DaemonStopping() | events.Heartbeat():
            return snapshot
        case _:
            assert_never(event)


def _with_model(models: list[ModelView], new: ModelView) -> list[ModelView]:
    """``new`` in place of its older version, else at its place in the daemon's order: the catalogue, then by key."""
    if any(model.key == new.key for model in models):
        return [new if model.key == new.key else model for model in models]
    place = next((i for i, model in enumerate(models) if _order(model) > _order(new)), len(models))
    return [*models[:place], new, *models[place:]]


def _order(model: ModelView) -> tuple[bool, str]:
    """The catalogue's internal order is unknown here, so its models only come as a group before the others."""
    return (not model.builtin, "" if model.builtin else model.key)


def _with_job(jobs: list[JobView], new: JobView) -> list[JobView]:
    if any(job.id == new.id for job in jobs):
        return [new if job.id == new.id else job for job in jobs]
    return [*jobs, new]


def _with_context(model: ModelView, used: int, size: int) -> ModelView:
    if model.loaded is None:
        return model
    loaded = msgspec.structs.replace(model.loaded, context_used=used, context_size=size)
    return msgspec.structs.replace(model, loaded=loaded)
