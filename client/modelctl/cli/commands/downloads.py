"""``downloads``, ``move`` and ``limit``: the unfinished downloads, their order and their speed limits."""

import click
from modeld.protocol import replies
from modeld.protocol.states import FINAL, JobKind, JobState
from modeld.protocol.views import JobView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language import names
from modelctl.language.catalogue import _
from modelctl.language.speed import parse_speed


class SpeedType(click.ParamType):  # type: ignore[type-arg]  # generic in click's newest stubs only
    """A speed: ``5M``, ``500K``, ``1.5 MB/s``, bytes without a unit; ``0``, ``off`` and ``none`` mean no limit."""

    name = "speed"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes per second."""
        speed = parse_speed(value)
        if speed is None:
            self.fail(_("{value} is not a speed; use 5M, 500K or off.").format(value=value), param, ctx)
        return speed


SPEED = SpeedType()


@click.command(cls=Verb, example="modelctl downloads")
@pass_session
def downloads(session: Session) -> None:
    """List the unfinished downloads in the order of the queue."""
    found = sorted(
        (job for job in session.client.jobs() if job.kind is JobKind.PULL and job.state not in FINAL),
        key=lambda job: job.rank,
    )
    _list(session, found)


@click.command(cls=Verb, example="modelctl move mistral 1")
@click.argument("key", type=KEY)
@click.argument("place", type=click.IntRange(min=1))
@pass_session
def move(session: Session, key: str, place: int) -> None:
    """Move the download of KEY to PLACE in the download queue; 1 is first."""
    _list(session, session.client.move(place, model=key))


@click.command(cls=Verb, example="modelctl limit 5M\nmodelctl limit 500K mistral\nmodelctl limit off")
@click.argument("speed", type=SPEED)
@click.argument("key", type=KEY, required=False)
@pass_session
def limit(session: Session, speed: int, key: str | None) -> None:
    """Limit the speed of all downloads together, or of the download of KEY; `off` removes the limit."""
    jobs = session.client.limit(speed, model=key or "")
    if session.json:
        session.emit(replies.Jobs(jobs=jobs))
        return
    from modelctl.language.format import format_speed

    whose = key.upper() if key else _("all downloads together")
    if speed:
        session.line(_("{whose}: at most {speed}.").format(whose=whose, speed=format_speed(speed)))
    else:
        session.line(_("{whose}: no limit.").format(whose=whose))


def _list(session: Session, jobs: list[JobView]) -> None:
    if session.json:
        session.emit(replies.Jobs(jobs=jobs))
    elif not jobs:
        session.say(_("Nothing is being downloaded."))
    else:
        from modelctl.language.format import table

        headers = ["#", _("KEY"), _("STATE"), _("DONE"), _("SIZE"), _("SPEED"), _("ETA"), _("LIMIT")]
        for line in table(headers, [_row(place, job) for place, job in enumerate(jobs, 1)]):
            session.line(line)


def _row(place: int, job: JobView) -> list[str]:
    from modelctl.language.format import format_bytes, format_eta, format_speed, percent

    progress = job.progress
    runs = job.state is JobState.RUNNING
    return [
        str(place),
        job.model.upper(),
        names.of_job_state(job.state),
        percent(progress.percent),
        format_bytes(progress.total) if progress.total else "?",
        format_speed(progress.rate) if runs else "-",
        format_eta(progress.eta_s) if runs else "-",
        format_speed(job.limit) if job.limit else "-",
    ]
