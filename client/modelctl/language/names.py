"""The wire's words for states, jobs and steps, as a person reads them; in English they are the wire's own."""

from typing import assert_never

from modeld.protocol.states import JobKind, JobState, ModelState, Phase

from modelctl.language.catalogue import _


def of_model_state(state: ModelState) -> str:
    """Where a model stands."""
    match state:
        case ModelState.ABSENT:
            return _("absent")
        case ModelState.DOWNLOADING:
            return _("downloading")
        case ModelState.ON_DISK:
            return _("on_disk")
        case ModelState.LOADING:
            return _("loading")
        case ModelState.LOADED:
            return _("loaded")
        case ModelState.BUSY:
            return _("busy")
        case ModelState.UNLOADING:
            return _("unloading")
        case _:
            assert_never(state)


def of_job_state(state: JobState) -> str:
    """Where a job stands."""
    match state:
        case JobState.QUEUED:
            return _("queued")
        case JobState.RUNNING:
            return _("running")
        case JobState.PAUSED:
            return _("paused")
        case JobState.DONE:
            return _("done")
        case JobState.FAILED:
            return _("failed")
        case JobState.CANCELLED:
            return _("cancelled")
        case _:
            assert_never(state)


def of_job_kind(kind: JobKind) -> str:
    """What a job does."""
    match kind:
        case JobKind.PULL:
            return _("pull")
        case JobKind.BENCHMARK:
            return _("benchmark")
        case _:
            assert_never(kind)


def of_phase(phase: str) -> str:
    """The step a job is at; a step that is not known here stays as the daemon calls it."""
    match phase:
        case Phase.RESOLVING:
            return _("looking at the source")
        case Phase.CONNECTING:
            return _("connecting")
        case Phase.DOWNLOADING:
            return _("downloading")
        case Phase.VERIFYING:
            return _("verifying")
        case Phase.WAITING_TO_RETRY:
            return _("waiting to retry")
        case Phase.WAITING_FOR_NETWORK:
            return _("waiting for network")
        case Phase.WAITING_FOR_CONNECTION:
            return _("waiting for a connection")
        case Phase.STARTING_OVER:
            return _("starting over")
        case Phase.WARM_UP:
            return _("warm-up")
        case Phase.PROMPT:
            return _("prompt")
        case Phase.COMPLETED:
            return _("completed")
        case Phase.ALREADY_EXISTS:
            return _("already_exists")
        case _:
            return phase
