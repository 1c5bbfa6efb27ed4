"""``status``: the daemon and the machine at a glance."""

import click

from modelctl.session import Session, pass_session
from modelctl.verb import Verb


@click.command(cls=Verb, example="modelctl status")
@pass_session
def status(session: Session) -> None:
    """Show the daemon, the machine's memory, what is loaded and what runs."""
    answer = session.client.status()
    if session.json:
        session.emit(answer)
        return
    from modelctl.format import format_bytes

    daemon, system = answer.daemon, answer.system
    session.line(f"modeld   {daemon.version}, process {daemon.pid}, since {daemon.started_at}")
    session.line(f"home     {daemon.home}")
    session.line(f"models   {daemon.models_dir} ({format_bytes(system.disk_free)} free)")
    session.line(f"log      {daemon.log_file}")
    session.line(f"memory   {format_bytes(system.memory_available)} of {format_bytes(system.memory_total)} available")
    session.line(f"taken    daemon {format_bytes(system.daemon_memory)}, workers {format_bytes(system.workers_memory)}")
    for model in answer.loaded:
        memory = format_bytes(model.loaded.memory_bytes) if model.loaded else "?"
        session.line(f"loaded   {model.key.upper()} ({model.state}, {memory})")
    for job in answer.running:
        percent = "" if job.progress.percent is None else f" {job.progress.percent:.1f}%"
        session.line(f"running  {job.kind} of {job.model.upper()} ({job.id}){percent}")
