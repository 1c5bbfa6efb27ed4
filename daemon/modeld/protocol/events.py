"""What the daemon publishes to all subscribers.

Every event carries ``epoch`` (this daemon's run), ``seq`` (one more than the event before) and ``at``. ``topic`` gives
the first frame, ``kind.key``, so that a client can subscribe by prefix.
"""

from typing import assert_never

import msgspec

from modeld.protocol import views
from modeld.protocol.errors import Note
from modeld.protocol.states import JobKind
from modeld.protocol.wire import VERSION, snake


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=snake):
    """The fields of every event; ``epoch``, ``seq`` and ``at`` are set when it is published."""

    v: int = VERSION
    epoch: str = ""
    seq: int = 0
    at: str = ""


class ModelChanged(Event, frozen=True, kw_only=True):
    """A model is new or changed; ``model`` is all of it.

    ``cause`` says why where that is not obvious (an eviction); ``reason`` is its English.
    """

    model: views.ModelView
    reason: str = ""
    cause: Note | None = None


class ModelRemoved(Event, frozen=True, kw_only=True):
    """A model is no longer known."""

    model: str


class JobChanged(Event, frozen=True, kw_only=True):
    """A job is new or changed its state; a final state is sent exactly once."""

    job: views.JobView


class JobRemoved(Event, frozen=True, kw_only=True):
    """The daemon has forgotten a job that ended; ``job`` is its id."""

    job: str
    kind: JobKind
    model: str


class JobProgress(Event, frozen=True, kw_only=True):
    """The progress of a running job; at most ten per second for each job."""

    job: str
    kind: JobKind
    model: str
    progress: views.Progress


class ContextUsed(Event, frozen=True, kw_only=True):
    """The context of a loaded model while a generation runs, as llama.cpp counts it."""

    model: str
    used: int
    size: int


class ContextRefused(Event, frozen=True, kw_only=True):
    """A prompt was too long for the context and was refused, whole."""

    model: str
    prompt_tokens: int
    size: int


class ContextFull(Event, frozen=True, kw_only=True):
    """A generation stopped because the context is full; nothing was shifted or cut."""

    model: str
    size: int


class SystemSampled(Event, frozen=True, kw_only=True):
    """The machine's memory moved by enough to show."""

    system: views.SystemView


class DaemonStarted(Event, frozen=True, kw_only=True):
    """A daemon began; everything known of an earlier epoch is void."""

    daemon: views.DaemonView


class DaemonChanged(Event, frozen=True, kw_only=True):
    """The daemon's own view changed, such as the speed limit for all downloads."""

    daemon: views.DaemonView


class DaemonStopping(Event, frozen=True, kw_only=True):
    """The daemon ends; this is its last event."""


class Heartbeat(Event, frozen=True, kw_only=True):
    """Sent each second; its ``seq`` is that of the newest event, and it takes none itself."""


AnyEvent = (
    ModelChanged
    | ModelRemoved
    | JobChanged
    | JobRemoved
    | JobProgress
    | ContextUsed
    | ContextRefused
    | ContextFull
    | SystemSampled
    | DaemonStarted
    | DaemonChanged
    | DaemonStopping
    | Heartbeat
)
"""Every event there is."""

_JOB_TOPICS = {JobKind.PULL: "download", JobKind.BENCHMARK: "benchmark"}


def topic(event: AnyEvent) -> str:
    """The topic an event is published under."""
    match event:
        case ModelChanged(model=model):
            return f"model.{model.key}"
        case ModelRemoved(model=key):
            return f"model.{key}"
        case JobChanged(job=job):
            return f"{_JOB_TOPICS[job.kind]}.{job.model}"
        case JobRemoved(kind=kind, model=key) | JobProgress(kind=kind, model=key):
            return f"{_JOB_TOPICS[kind]}.{key}"
        case ContextUsed(model=key) | ContextRefused(model=key) | ContextFull(model=key):
            return f"context.{key}"
        case SystemSampled():
            return "system.memory"
        case DaemonStarted() | DaemonChanged() | DaemonStopping():
            return "daemon.state"
        case Heartbeat():
            return "daemon.heartbeat"
        case _:
            assert_never(event)
