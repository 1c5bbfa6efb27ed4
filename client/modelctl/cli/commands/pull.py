"""``pull``: starts downloads and shows their progress; the daemon continues them without this process."""

from typing import TYPE_CHECKING

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import FINAL, JobState
from modeld.protocol.views import FitView, JobView

from modelctl import errors
from modelctl.cli.progress import shown, watched
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY_OR_SOURCE, Verb
from modelctl.language import names
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    from modelctl.follow import Mirror


@click.command(
    cls=Verb,
    example="modelctl pull mistral qwen --no-wait\nmodelctl pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M",
)
@click.argument("keys", metavar="KEY...", type=KEY_OR_SOURCE, nargs=-1, required=True)
@click.option("--wait/--no-wait", default=True, help="Wait until all downloads have ended, or return at once.")
@pass_session
def pull(session: Session, keys: tuple[str, ...], wait: bool) -> None:
    """Download models, or watch their downloads. Ctrl-C stops watching; the downloads continue.

    KEY may also be a source (hf:ORG/REPO:Q4_K_M or a URL): the model is added first, with a key made from its name.
    """
    mirror = session.client.follow() if wait else None
    # One refused download does not keep the others from being requested.
    asked = [_asked(session, key) for key in keys]
    jobs = [job for job in asked if not isinstance(job, errors.ModeldError)]
    if mirror is None:
        for job in jobs:
            _end(session, job) if job.already_there else _begun(session, job)
    elif jobs:
        try:
            jobs = _watch(session, mirror, jobs)
        except KeyboardInterrupt:
            _left(session, jobs)
            raise click.exceptions.Exit(130) from None
        mirror.close()
    refusals = [job for job in asked if isinstance(job, errors.ModeldError)]
    failures = [failure for job in jobs if wait and (failure := _end(session, job)) is not None] + refusals
    for failure in failures[:-1]:
        session.warn(f"{errors.explained(failure.failure)} {errors.advice(failure.failure)}".strip())
    if failures:
        raise failures[-1]


def _asked(session: Session, key: str) -> JobView | errors.ModeldError:
    try:
        return session.client.pull(key, look=True)
    except errors.DaemonUnavailable:
        raise
    except errors.ModeldError as error:
        return error


def _watch(session: Session, mirror: "Mirror", jobs: list[JobView]) -> list[JobView]:
    """The jobs, once each has ended or is paused by a problem that the user must fix."""
    now = {job.id: job for job in jobs}
    reported: set[str] = set()
    with shown(session) as show:
        for event, job in watched(mirror, jobs, show):
            now[job.id] = job
            model = mirror.model(job.model)
            if not session.json and job.id not in reported and model is not None and model.fits is not None:
                reported.add(job.id)
                if not job.already_there:
                    _say_fit(session, job, model.fits)
            if not job.already_there:
                show(job)
            if session.json and event is not None:
                session.emit(event)
            if all(seen.state in FINAL or _is_stuck(seen) for seen in now.values()):
                break
    return [*now.values()]


def _is_stuck(job: JobView) -> bool:
    return job.state is JobState.PAUSED and job.failure is not None


def _left(session: Session, jobs: list[JobView]) -> None:
    """Print that downloads continue although they are no longer watched."""
    for job in jobs:
        key = job.model
        session.warn("\n", _("The download of {key} continues in the daemon.").format(key=key.upper()))
        hint = _("hint: watch it with: modelctl pull {key}; stop it with: modelctl cancel {key}")
        session.warn(hint.format(key=key))


def _say_fit(session: Session, job: JobView, fit: FitView) -> None:
    """Print what is known about the model before its download, so that the user can judge whether it fits."""
    from modelctl.cli.fit import fit_lines

    session.say(job.model.upper())
    for line in fit_lines(fit):
        session.say(f"   {line}")


def _begun(session: Session, job: JobView) -> None:
    if session.json:
        session.emit(replies.Jobs(jobs=[job]))
    else:
        state = _("{key} is {state} ({id}).").format(
            key=job.model.upper(), state=names.of_job_state(job.state), id=job.id
        )
        session.line(f"{state} " + _("Watch it with: modelctl pull {key}").format(key=job.model))


def _end(session: Session, job: JobView) -> errors.ModeldError | None:
    """Print how the download ended; return its failure."""
    if session.json:
        session.emit(replies.Jobs(jobs=[job]))
    if job.state is JobState.CANCELLED:
        return errors.of(
            errors.LocalFailure(
                code=ErrorCode.CANCELLED,
                message=_("The download of {key} was cancelled.").format(key=job.model.upper()),
                hint=_("Continue with: modelctl pull {key}").format(key=job.model),
            )
        )
    if job.failure is not None and job.state is not JobState.DONE:
        return errors.of(job.failure)
    if session.json:
        return None
    if job.already_there:
        session.line(_("{key} is already downloaded, complete and verified.").format(key=job.model.upper()))
    else:
        session.line(
            _("{key} is downloaded.").format(key=job.model.upper())
            + " "
            + _("Load it with: modelctl load {key}").format(key=job.model)
        )
    return None
