"""``pull``: download a model and show how far it is; the daemon goes on without the one who looks."""

import click
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import JobState
from modeld.protocol.views import FitView, JobView

from modelctl import errors, names
from modelctl.i18n import _
from modelctl.progress import shown, watched
from modelctl.session import Session, pass_session
from modelctl.verb import KEY_OR_SOURCE, Verb


@click.command(cls=Verb, example="modelctl pull mistral\nmodelctl pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M")
@click.argument("key", type=KEY_OR_SOURCE)
@click.option("--no-wait", is_flag=True, help="Return at once; the daemon downloads on its own.")
@pass_session
def pull(session: Session, key: str, no_wait: bool) -> None:
    """Download a model, or watch its download. Ctrl-C stops watching, not the download.

    KEY may be a source, hf:ORG/REPO:Q4_K_M or a URL: the model is added first, under a key made of its name.
    """
    if no_wait:
        job = session.client.pull(key, look=True)
        _end(session, job) if job.already_there else _begun(session, job)
        return
    try:
        job = _watch(session, key)
    except KeyboardInterrupt:
        session.warn("\n" + _("The download of {key} goes on in the daemon.").format(key=key.upper()))
        hint = _("hint: watch it with: modelctl pull {key}; stop it with: modelctl cancel {key}")
        session.warn(hint.format(key=key))
        raise click.exceptions.Exit(130) from None
    _end(session, job)


def _watch(session: Session, key: str) -> JobView:
    """The job when it has ended, or is paused for a reason that the person must mend."""
    mirror = session.client.follow()
    job = session.client.pull(key, look=True)
    told = session.json
    with shown(session) as show:
        for event, now in watched(mirror, [job]):
            job = now
            model = mirror.model(job.model)
            if not told and model is not None and model.fits is not None and not job.already_there:
                told = True
                _say_fit(session, job, model.fits)
            if not job.already_there:
                show(job)
            if session.json and event is not None:
                session.emit(event)
            if job.state is JobState.PAUSED and job.failure is not None:
                break
    mirror.close()
    return job


def _say_fit(session: Session, job: JobView, fit: FitView) -> None:
    """What is known of the model before its download: whether it is worth it."""
    from modelctl.fit import fit_lines

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


def _end(session: Session, job: JobView) -> None:
    """Say how it ended; raise what it failed of."""
    if session.json:
        session.emit(replies.Jobs(jobs=[job]))
    if job.state is JobState.CANCELLED:
        raise errors.of(
            errors.LocalFailure(
                code=ErrorCode.CANCELLED,
                message=_("The download of {key} was cancelled.").format(key=job.model.upper()),
                hint=_("Go on with: modelctl pull {key}").format(key=job.model),
            )
        )
    if job.failure is not None and job.state is not JobState.DONE:
        raise errors.of(job.failure)
    if session.json:
        return
    if job.already_there:
        session.line(_("{key} is there already, complete and verified.").format(key=job.model.upper()))
    else:
        session.line(
            _("{key} is downloaded.").format(key=job.model.upper())
            + " "
            + _("Load it with: modelctl load {key}").format(key=job.model)
        )
