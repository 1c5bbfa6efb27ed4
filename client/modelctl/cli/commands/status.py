"""``status``: an overview of the daemon and the machine."""

import click
from modeld.protocol import replies

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import explained
from modelctl.language import names
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl status")
@pass_session
def status(session: Session) -> None:
    """Show the daemon, the machine's memory, the loaded models and the running jobs."""
    answer = session.client.status()
    if session.json:
        session.emit(answer)
        return
    from modelctl.language.format import labelled

    for line in labelled(_rows(answer), 9):
        session.line(line)


def _rows(answer: replies.Status) -> list[tuple[str, str]]:
    from modelctl.language.format import format_bytes

    daemon, system = answer.daemon, answer.system
    process = _("{version}, process {pid}, since {since}")
    available, used = _("{available} of {total} available"), _("daemon {daemon}, workers {workers}")
    rows = [
        ("modeld", process.format(version=daemon.version, pid=daemon.pid, since=daemon.started_at)),
        *([(_("not saving"), explained(daemon.not_saving))] if daemon.not_saving else []),
        (_("home"), daemon.home),
        (_("models"), _("{path} ({size} free)").format(path=daemon.models_dir, size=format_bytes(system.disk_free))),
        (_("log"), daemon.log_file),
        (
            _("memory"),
            available.format(available=format_bytes(system.memory_available), total=format_bytes(system.memory_total)),
        ),
        (
            _("in use"),
            used.format(daemon=format_bytes(system.daemon_memory), workers=format_bytes(system.workers_memory)),
        ),
    ]
    for model in answer.loaded:
        memory = format_bytes(model.loaded.memory_bytes) if model.loaded else "?"
        rows.append((_("loaded"), f"{model.key.upper()} ({names.of_model_state(model.state)}, {memory})"))
    for job in answer.running:
        percent = "" if job.progress.percent is None else f" {job.progress.percent:.1f}%"
        text = _("{kind} of {key} ({id})").format(kind=names.of_job_kind(job.kind), key=job.model.upper(), id=job.id)
        rows.append((_("running"), text + percent))
    return rows
