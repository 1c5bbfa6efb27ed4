"""``jobs``, ``cancel``, ``pause`` and ``resume``: lists and controls the daemon's jobs."""

import click
from modeld.protocol import replies
from modeld.protocol.states import FINAL
from modeld.protocol.views import JobView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.errors import explained
from modelctl.language import names
from modelctl.language.catalogue import _, _n
from modelctl.language.sentences import of_notes


@click.command(cls=Verb, example="modelctl jobs\nmodelctl jobs --clear")
@click.argument("key", type=KEY, required=False)
@click.option("--clear", "clear", is_flag=True, help="Forget the jobs that have ended; their results are kept.")
@pass_session
def jobs(session: Session, key: str | None, clear: bool) -> None:
    """List the jobs (of one model with KEY): downloads and benchmarks, oldest first."""
    if clear:
        _clear(session, key or "")
        return
    found = session.client.jobs(key or "")
    if session.json:
        session.emit(replies.Jobs(jobs=found))
    elif not found:
        session.say(_("There are no jobs."))
    else:
        from modelctl.language.format import table

        headers = [_("ID"), _("KIND"), _("KEY"), _("STATE"), _("DONE"), _("CREATED"), _("FAILURE")]
        for line in table(headers, [_row(job) for job in found]):
            session.line(line)


def _clear(session: Session, key: str) -> None:
    forgotten = session.client.clear_jobs(key)
    if session.json:
        session.emit(replies.Jobs(jobs=forgotten))
        return
    count = len(forgotten)
    session.line(
        _n("{count} ended job was forgotten.", "{count} ended jobs were forgotten.", count).format(count=count)
    )


@click.command(cls=Verb, example="modelctl cancel mistral")
@click.argument("target", type=KEY)
@click.option("--delete", is_flag=True, help="Delete a download's partial file instead of keeping it for later.")
@pass_session
def cancel(session: Session, target: str, delete: bool) -> None:
    """Cancel a job: TARGET is its id, or the key of the model it works on."""
    answer = session.client.cancel(**_chosen(session, target, False), keep=not delete)
    if session.json:
        session.emit(answer)
    else:
        note = of_notes(answer.notes, answer.note) if isinstance(answer, replies.Done) else ""
        session.line(note or _("Cancelled."))


@click.command(cls=Verb, example="modelctl pause mistral\nmodelctl pause --all")
@click.argument("target", type=KEY, required=False)
@click.option("-a", "--all", "all_", is_flag=True, help="Every download.")
@pass_session
def pause(session: Session, target: str | None, all_: bool) -> None:
    """Pause a download and keep its data: TARGET is its id, or the key of its model."""
    _report(session, session.client.pause(**_chosen(session, target, all_)))


@click.command(cls=Verb, example="modelctl resume mistral\nmodelctl resume --all")
@click.argument("target", type=KEY, required=False)
@click.option("-a", "--all", "all_", is_flag=True, help="Every paused download.")
@pass_session
def resume(session: Session, target: str | None, all_: bool) -> None:
    """Resume a paused download: TARGET is its id, or the key of its model."""
    _report(session, session.client.resume(**_chosen(session, target, all_)))


def _chosen(session: Session, target: str | None, all_: bool) -> dict[str, str]:
    """The job or the model that TARGET names; neither means all jobs."""
    if all_ == (target is not None):
        raise click.UsageError(_("Name a download, or use --all."))
    if target is None:
        return {}
    ids = {job.id.lower(): job.id for job in session.client.jobs() if job.state not in FINAL}
    return {"job": ids[target]} if target in ids else {"model": target}


def _report(session: Session, found: list[JobView]) -> None:
    if session.json:
        session.emit(replies.Jobs(jobs=found))
        return
    for job in found:
        state = names.of_job_state(job.state)
        session.line(_("{key} is {state}.").format(key=job.model.upper(), state=state))
    if not found:
        session.say(_("There is no such download."))


def _row(job: JobView) -> list[str]:
    progress = job.progress
    done = "-" if progress.percent is None else f"{progress.percent:.1f}%"
    failure = explained(job.failure) if job.failure else ""
    kind, state = names.of_job_kind(job.kind), names.of_job_state(job.state)
    return [job.id, kind, job.model.upper(), state, done, job.created_at, failure]
