"""``watch``: prints the daemon's events as they happen."""

from typing import assert_never

import click
from modeld.protocol import events

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import explained
from modelctl.language import names
from modelctl.language.catalogue import _
from modelctl.language.sentences import of_note
from modelctl.transport.transport import decode_event


@click.command(cls=Verb, example="modelctl watch download.mistral model.")
@click.argument("topics", metavar="[TOPIC]...", nargs=-1)
@pass_session
def watch(session: Session, topics: tuple[str, ...]) -> None:
    """Show events, one per line: all, or those whose topic starts with a TOPIC (download. model. ...)."""
    wanted = topics or ("",)
    for topic, body in session.client.transport.frames(wanted):
        if session.json:
            # A heartbeat tells a program that it missed nothing, but only a program that asked for it.
            if topic.startswith(wanted):
                session.line(body.decode())
            continue
        event = decode_event(body)
        if not isinstance(event, events.Heartbeat):
            session.line(f"{event.at}  {topic}  {_described(event)}")


def _described(event: events.AnyEvent) -> str:
    match event:
        case events.ModelChanged(model=model, reason=reason, cause=cause):
            text = _("is {state}").format(state=names.of_model_state(model.state))
            why = of_note(cause) if cause is not None else reason
            text += f" ({why})" if why else ""
            return f"{text}: {explained(model.failure)}" if model.failure else text
        case events.ModelRemoved():
            return _("was removed")
        case events.JobChanged(job=job):
            kind, state = names.of_job_kind(job.kind), names.of_job_state(job.state)
            text = _("{kind} {id} is {state}").format(kind=kind, id=job.id, state=state)
            return f"{text}: {explained(job.failure)}" if job.failure else text
        case events.JobRemoved(kind=kind, job=id_):
            return _("{kind} {id} is no longer listed").format(kind=names.of_job_kind(kind), id=id_)
        case events.JobProgress(progress=progress):
            share = f"{progress.done}/{progress.total or '?'}"
            return f"{share} {names.of_phase(progress.phase)}".rstrip()
        case events.ContextUsed(used=used, size=size):
            return _("context {used}/{size}").format(used=used, size=size)
        case events.ContextRefused(prompt_tokens=tokens, size=size):
            text = _("a prompt of {tokens} tokens was refused: the context has {size}")
            return text.format(tokens=tokens, size=size)
        case events.ContextFull(size=size):
            return _("the context is full ({size} tokens)").format(size=size)
        case events.SystemSampled(system=system):
            return _("{count} bytes of memory available").format(count=system.memory_available)
        case events.DaemonStarted(daemon=daemon):
            return _("modeld {version} started (process {pid})").format(version=daemon.version, pid=daemon.pid)
        case events.DaemonChanged():
            return _("modeld's limits changed")
        case events.DaemonStopping():
            return _("modeld is stopping")
        case events.Heartbeat():
            return _("heartbeat")
        case _:
            assert_never(event)
