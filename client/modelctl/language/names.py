"""The user's words for the protocol's states, kinds and phases; in English they are the protocol's own."""

from typing import assert_never

from modeld.protocol.states import JobKind, JobState, ModelState, Phase

from modelctl.language.catalogue import _
from modelctl.language.printable import printable


def of_model_state(state: ModelState) -> str:
    """A model's state."""
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
    """A job's state."""
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
    """A job's kind."""
    match kind:
        case JobKind.PULL:
            return _("pull")
        case JobKind.BENCHMARK:
            return _("benchmark")
        case _:
            assert_never(kind)


def of_phase(phase: str) -> str:
    """A job's phase; an unknown phase stays as the daemon sends it."""
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
            return printable(phase)
