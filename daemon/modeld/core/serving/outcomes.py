"""What came of a load, in sentences: why it was refused, which options were not applied, why the worker ended."""

import signal

from modeld.core.facts import WorkerGone
from modeld.core.memory import estimate
from modeld.core.memory.estimate import MIB
from modeld.core.state.model import Loading, Model
from modeld.protocol import requests
from modeld.protocol.errors import Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState

_KILL, _FILE_GONE = "SIGKILL", "SIGBUS"
"""By name: Windows has no such signal."""


def not_on_disk(model: Model) -> Failure:
    """Why a model without its file cannot be loaded."""
    is_coming = model.state is ModelState.DOWNLOADING
    reason = Reason.MODEL_STILL_DOWNLOADING if is_coming else Reason.MODEL_NOT_ON_DISK
    return reason.failure(key=model.key)


def no_room(model: Model, loading: Loading, needed: int, available: int) -> Failure:
    """Why a model cannot be loaded: memory."""
    return Reason.NOT_ENOUGH_MEMORY.failure(
        key=model.key,
        needed_mib=needed // MIB,
        context_size=loading.context_size,
        available_mib=max(available, 0) // MIB,
    )


def too_many(model: Model, candidates: list[estimate.Candidate], limit: int) -> Failure:
    """Why a model cannot be loaded: the number of models in memory."""
    staying = ", ".join(candidate.key for candidate in candidates if candidate.pinned or candidate.busy)
    return Reason.TOO_MANY_LOADED.failure(key=model.key, limit=limit, names=staying)


def not_applied(model: Model, request: requests.Load) -> list[Note]:
    """The options of a request that the model was not loaded with."""
    key, loaded = model.key, model.loaded
    if loaded is None:
        return []
    notes = []
    if request.context_size not in (0, loaded.context_size):
        size = loaded.context_size
        notes.append(Reason.CONTEXT_NOT_APPLIED.note(key=key, context_size=size, wanted=request.context_size))
    if request.threads not in (0, loaded.threads):
        notes.append(Reason.THREADS_NOT_APPLIED.note(key=key, threads=loaded.threads, wanted=request.threads))
    layers = request.gpu_layers or 0
    if layers and not loaded.gpu_layers:
        notes.append(Reason.GPU_NOT_USED.note(key=key))
    elif request.gpu_layers is not None and layers not in (-1, loaded.gpu_layers):
        notes.append(Reason.GPU_LAYERS_NOT_APPLIED.note(key=key, layers=loaded.gpu_layers, wanted=layers))
    return notes


def crash(model: Model, fact: WorkerGone) -> Failure:
    """Why a worker ended that the daemon did not end."""
    key, output = model.key, fact.detail
    if fact.exit_code >= 0:
        code = fact.exit_code
        if output:
            return Reason.WORKER_EXITED_WITH_OUTPUT.failure(key=key, exit_code=code, output=output)
        return Reason.WORKER_EXITED.failure(key=key, exit_code=code)
    name = _signal_name(-fact.exit_code)
    if name == _KILL:
        return Reason.WORKER_KILLED_BY_OTHERS.failure(key=key)
    if name == _FILE_GONE:
        return Reason.MODEL_FILE_CHANGED.failure(key=key)
    if output:
        return Reason.WORKER_KILLED_WITH_OUTPUT.failure(key=key, signal=name, output=output)
    return Reason.WORKER_KILLED.failure(key=key, signal=name)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
