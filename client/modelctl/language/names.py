"""The wire's words for states, jobs and steps, as a person reads them; in English they are the wire's own."""

from typing import assert_never

from modeld.protocol.states import JobKind, JobState, ModelState

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
        case "resolving":
            return _("looking at the source")
        case "connecting":
            return _("connecting")
        case "downloading":
            return _("downloading")
        case "verifying":
            return _("verifying")
        case "waiting to retry":
            return _("waiting to retry")
        case "waiting for network":
            return _("waiting for network")
        case "waiting for a connection":
            return _("waiting for a connection")
        case "starting over":
            return _("starting over")
        case "warm-up":
            return _("warm-up")
        case "prompt":
            return _("prompt")
        case "completed":
            return _("completed")
        case "already_exists":
            return _("already_exists")
        case _:
            return phase
