"""``watch``: the daemon's events as they happen."""

from typing import assert_never

import click
from modeld.protocol import events

from modelctl.link import decode_event
from modelctl.session import Session, pass_session
from modelctl.verb import Verb


@click.command(cls=Verb, example="modelctl watch download.mistral model.")
@click.argument("topics", metavar="[TOPIC]...", nargs=-1)
@pass_session
def watch(session: Session, topics: tuple[str, ...]) -> None:
    """Show events, one a line: all, or those whose topic begins with a TOPIC (download. model. ...)."""
    wanted = topics or ("",)
    for topic, body in session.client.link.frames(wanted):
        if session.json:
            # A heartbeat shows a program that nothing was missed, but only to one that asked for it.
            if topic.startswith(wanted):
                session.line(body.decode())
            continue
        event = decode_event(body)
        if not isinstance(event, events.Heartbeat):
            session.line(f"{event.at}  {topic}  {_said(event)}")


def _said(event: events.AnyEvent) -> str:
    match event:
        case events.ModelChanged(model=model, reason=reason):
            failed = f": {model.failure.message}" if model.failure else ""
            return f"is {model.state}{f' ({reason})' if reason else ''}{failed}"
        case events.ModelRemoved():
            return "was removed"
        case events.JobChanged(job=job):
            return f"{job.kind} {job.id} is {job.state}{f': {job.failure.message}' if job.failure else ''}"
        case events.JobProgress(progress=progress):
            share = f"{progress.done}/{progress.total or '?'}"
            return f"{share} {progress.phase}".rstrip()
        case events.ContextUsed(used=used, size=size):
            return f"context {used}/{size}"
        case events.ContextRefused(prompt_tokens=tokens, size=size):
            return f"a prompt of {tokens} tokens was refused: the context has {size}"
        case events.ContextFull(size=size):
            return f"the context is full ({size} tokens)"
        case events.SystemSampled(system=system):
            return f"{system.memory_available} bytes of memory available"
        case events.DaemonStarted(daemon=daemon):
            return f"modeld {daemon.version} started (process {daemon.pid})"
        case events.DaemonStopping():
            return "modeld is stopping"
        case events.Heartbeat():
            return "heartbeat"
        case _:
            assert_never(event)
