"""``jobs`` and ``cancel``: what the daemon works on."""

import click
from modeld.protocol import replies
from modeld.protocol.states import FINAL
from modeld.protocol.views import JobView

from modelctl.session import Session, pass_session
from modelctl.verb import KEY, Verb


@click.command(cls=Verb, example="modelctl jobs")
@click.argument("key", type=KEY, required=False)
@pass_session
def jobs(session: Session, key: str | None) -> None:
    """List the jobs (of one model with KEY): downloads and benchmarks, oldest first."""
    found = session.client.jobs(key or "")
    if session.json:
        session.emit(replies.Jobs(jobs=found))
    elif not found:
        session.say("There are no jobs.")
    else:
        from modelctl.format import table

        for line in table(["ID", "KIND", "KEY", "STATE", "DONE", "CREATED", "FAILURE"], [_row(job) for job in found]):
            session.line(line)


@click.command(cls=Verb, example="modelctl cancel mistral")
@click.argument("target", type=KEY)
@click.option("--delete", is_flag=True, help="Delete a download's partial file instead of keeping it for later.")
@pass_session
def cancel(session: Session, target: str, delete: bool) -> None:
    """Cancel a job: TARGET is its id, or the key of the model it works on."""
    client = session.client
    ids = {job.id.lower(): job.id for job in client.jobs() if job.state not in FINAL}
    if target in ids:
        answer = client.cancel(job=ids[target], keep=not delete)
    else:
        answer = client.cancel(model=target, keep=not delete)
    if session.json:
        session.emit(answer)
    else:
        note = answer.note if isinstance(answer, replies.Done) else ""
        session.line(note or "Cancelled.")


def _row(job: JobView) -> list[str]:
    progress = job.progress
    done = "-" if progress.percent is None else f"{progress.percent:.1f}%"
    failure = job.failure.message if job.failure else ""
    return [job.id, job.kind, job.model.upper(), job.state, done, job.created_at, failure]
