"""Workers: which models get one, who must make room, and what happens when one ends."""

import signal
from dataclasses import dataclass

import msgspec

from modeld.core.effects import StartWorker, StopWorker
from modeld.core.facts import Sampled, WorkerGone
from modeld.core.memory import estimate
from modeld.core.memory.context import context_size
from modeld.core.state.model import Loading, Model, ModelFact
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.protocol import replies, requests, workers
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import HAS_FILE, HAS_WORKER, IN_MEMORY, ModelState
from modeld.protocol.views import LoadedView

MIB = 1024 * 1024
MEMORY_STEP_BYTES = 16 * MIB
"""A worker's or the machine's memory is told anew when it moved by this much."""


@dataclass
class Leaving:
    """A client that waits for models to leave memory."""

    ticket: Ticket
    keys: set[str]


class Loader:
    """The worker of each loaded model."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox
        self._wanted: list[str] = []
        self._by_run: dict[int, Model] = {}
        self._leaving: list[Leaving] = []

    # -- loading -------------------------------------------------------------------------------------------------

    def load(self, ticket: Ticket, request: requests.Load) -> None:
        """Load a model; the answer is its view, at once or (``wait``) when it is loaded."""
        state, outbox = self._state, self._outbox
        model = state.find(request.model)
        if isinstance(model, Failure):
            outbox.answer(ticket, model)
            return
        if not self.is_usable(ticket, model):
            return
        if request.context_size < 0 or request.threads < 0 or (request.gpu_layers or 0) < -1:
            outbox.refuse(
                ticket, ErrorCode.BAD_REQUEST, "context_size and threads must be 0 or more, gpu_layers -1 or more."
            )
            return
        if model.state in IN_MEMORY and model.loaded is not None:
            has = model.loaded.context_size
            other = request.context_size not in (0, has)
            note = f"{model.key} is loaded already, with a context of {has}; unload it first to change that."
            outbox.answer(ticket, replies.Model(model=model.view(), note=note if other else ""))
            return
        refusal = self.want(model, request)
        if refusal is not None:
            outbox.answer(ticket, refusal)
        elif request.wait:
            model.load_waiters.append(ticket)
        else:
            outbox.answer(ticket, replies.Model(model=model.view()))

    def is_usable(self, ticket: Ticket, model: Model) -> bool:
        """Whether the model's file is there; if not the request has been refused."""
        state, outbox = self._state, self._outbox
        if state.stopping:
            outbox.refuse(ticket, ErrorCode.SHUTTING_DOWN, "The daemon is stopping.", "Start it again: modelctl up")
            return False
        if model.state not in HAS_FILE:
            failure = model.failure
            if failure is not None and failure.code is ErrorCode.BAD_MODEL_FILE:
                outbox.answer(ticket, failure)
            else:
                outbox.refuse(
                    ticket, ErrorCode.NOT_ON_DISK, f"{model.key} is {model.state}.", f"modelctl pull {model.key}"
                )
            return False
        return True

    def want(self, model: Model, request: requests.Load | None = None) -> Failure | None:
        """See to it that a model gets loaded, as asked for or as the settings say; a failure if there is no room."""
        settings = self._state.settings
        if model.state is ModelState.LOADING or model.key in self._wanted:
            return None
        layers = settings.effective_gpu_layers()
        model.loading = Loading(
            context_size=context_size(self._state, model, request.context_size if request else 0),
            gpu_layers=layers if request is None or request.gpu_layers is None else request.gpu_layers,
            threads=(request.threads if request else 0) or settings.threads,
        )
        self._wanted.append(model.key)
        return model.failure if model in self.start_wanted() else None

    def start_wanted(self) -> list[Model]:
        """Start what is wanted and fits; what must make room is unloaded first, and the start waits for that.

        Returns the models whose load was refused for want of memory.
        """
        refused = []
        for key in list(self._wanted):
            if any(model.state is ModelState.UNLOADING for model in self._state.models.values()):
                break
            model = self._state.models[key]
            if self._makes_room(model):
                self._wanted.remove(key)
                self._start(model)
            elif key not in self._wanted:
                refused.append(model)
        return refused

    def _makes_room(self, model: Model) -> bool:
        """Whether there is room now; if not, room is being made or the load has been refused."""
        state = self._state
        assert model.header is not None and model.loading is not None
        needed = estimate.estimate_bytes(model.header, model.file_bytes, model.loading.context_size)
        model.estimated_bytes = needed
        if not state.system.memory_total:
            return True
        coming = sum(other.estimated_bytes for other in state.models.values() if other.state is ModelState.LOADING)
        available = state.system.memory_available - coming
        eviction = estimate.who_must_go(needed, available, self._candidates(), state.settings.max_loaded_models or None)
        if eviction is None:
            self._wanted.remove(model.key)
            self._refuse_load(
                model,
                Failure(
                    code=ErrorCode.NOT_ENOUGH_MEMORY,
                    message=f"{model.key} needs about {needed // MIB} MiB with a context of "
                    f"{model.loading.context_size}, and {max(available, 0) // MIB} MiB are available.",
                    hint="Choose a smaller context (--context), a smaller quantization, or unload or unpin a model.",
                ),
            )
            return False
        for key in eviction.keys:
            self.unload(state.models[key], f"makes room for {model.key}: {eviction.reason}")
        return not eviction.keys

    def _candidates(self) -> list[estimate.Candidate]:
        return [
            estimate.Candidate(
                key=model.key,
                memory_bytes=model.loaded.memory_bytes if model.loaded else 0,
                last_used=model.last_used,
                pinned=model.spec.pinned,
                busy=model.state is not ModelState.LOADED or bool(model.tasks),
            )
            for model in self._state.models.values()
            if model.state in HAS_WORKER
        ]

    def _refuse_load(self, model: Model, failure: Failure) -> None:
        model.failure = failure
        self._outbox.publish_model(model)
        self._answer_load(model, failure)

    def _start(self, model: Model) -> None:
        state, outbox = self._state, self._outbox
        loading = model.loading
        assert loading is not None
        model.run = state.next_run()
        self._by_run[model.run] = model
        model.failure = None
        model.unload_reason = ""
        model.loaded = LoadedView(run=model.run, context_size=loading.context_size, threads=loading.threads)
        outbox.do(
            StartWorker(
                run=model.run,
                order=workers.LoadFile(
                    model=model.key,
                    path=model.path,
                    context_size=loading.context_size,
                    gpu_layers=loading.gpu_layers,
                    threads=loading.threads,
                ),
            )
        )
        outbox.move(model, ModelFact.LOAD_STARTED)

    def by_run(self, run: int) -> Model | None:
        """The model a worker holds; None for a worker that has gone."""
        return self._by_run.get(run)

    def hello(self, model: Model, pid: int) -> None:
        """The worker's process runs."""
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, pid=pid)
            self._outbox.publish_model(model)

    def ready(self, model: Model, news: workers.Ready) -> None:
        """The model is in memory."""
        state, outbox = self._state, self._outbox
        if model.loaded is None or model.state is ModelState.UNLOADING:
            model.move(ModelFact.WORKER_READY)
            return
        model.loaded = msgspec.structs.replace(
            model.loaded,
            device=news.device,
            gpu_layers=news.gpu_layers,
            threads=news.threads,
            context_size=news.context_size,
            memory_bytes=news.memory_bytes,
            memory_peak_bytes=news.memory_bytes,
            load_s=news.load_s,
            loaded_at=state.at,
            last_used_at=state.at,
        )
        model.last_load_s = news.load_s
        model.last_used = state.now
        self.make_active(model)
        outbox.move(model, ModelFact.WORKER_READY)
        self._answer_load(model, None)

    def make_active(self, model: Model) -> None:
        """This is now the model last used."""
        for other in self._state.models.values():
            if other.active and other is not model:
                other.active = False
                self._outbox.publish_model(other)
        model.active = True

    def _answer_load(self, model: Model, failure: Failure | None) -> None:
        waiters, model.load_waiters = model.load_waiters, []
        for ticket in waiters:
            self._outbox.answer(ticket, failure or replies.Model(model=model.view()))

    # -- unloading -----------------------------------------------------------------------------------------------

    def asked_to_unload(self, ticket: Ticket, request: requests.Unload) -> None:
        """Unload one model or all; the answer comes at once or (``wait``) when the memory is back."""
        state, outbox = self._state, self._outbox
        model = state.find(request.model) if request.model else None
        if isinstance(model, Failure):
            outbox.answer(ticket, model)
            return
        models = self.leaving(request)
        for model in models:
            self.forget_wish(model)
        leaving = [model for model in models if model.state in HAS_WORKER]
        for model in leaving:
            self.unload(model, "asked for")
        names = ", ".join(model.key for model in leaving)
        if request.wait and leaving:
            self._leaving.append(Leaving(ticket, {model.key for model in leaving}))
        else:
            outbox.answer(ticket, replies.Done(note=f"Unloading {names}." if names else "Nothing was loaded."))

    def leaving(self, request: requests.Unload) -> list[Model]:
        """The models such a request is about."""
        models = self._state.models
        return (
            list(models.values()) if not request.model else [models[request.model]] if request.model in models else []
        )

    def forget_wish(self, model: Model) -> None:
        """A load that was still waiting for room is not wanted any more."""
        if model.key in self._wanted:
            self._wanted.remove(model.key)
            self._answer_load(model, Failure(code=ErrorCode.CANCELLED, message=f"{model.key} was unloaded instead."))

    def unload(self, model: Model, reason: str) -> None:
        """End a model's worker; what it still does is given up."""
        if model.state in HAS_WORKER and model.state is not ModelState.UNLOADING:
            model.unload_reason = reason
            self._outbox.do(StopWorker(run=model.run))
            self._outbox.move(model, ModelFact.UNLOAD_STARTED, reason)

    def unload_idle(self) -> None:
        """Unload what nobody used for the time to live, except pinned models."""
        limit = self._state.settings.idle_unload_s
        for model in self._state.models.values():
            idle = self._state.now - model.last_used
            if (
                limit
                and model.state is ModelState.LOADED
                and not model.spec.pinned
                and not model.tasks
                and idle >= limit
            ):
                self.unload(model, f"not used for {idle:.0f} s")

    def gone(self, model: Model, fact: WorkerGone) -> Failure:
        """A worker's process ended: the model is on disk again. The failure says why, for whoever waited."""
        state, outbox = self._state, self._outbox
        expected = model.state is ModelState.UNLOADING
        del self._by_run[fact.run]
        if expected:
            failure = Failure(code=ErrorCode.CANCELLED, message=f"{model.key} was unloaded: {model.unload_reason}.")
        else:
            failure = model.failure or _crash(model, fact)
            model.failure = failure
        reason = model.unload_reason if expected else failure.message
        freed = model.loaded.memory_bytes if model.loaded else 0
        state.system = msgspec.structs.replace(state.system, memory_available=state.system.memory_available + freed)
        model.loaded = None
        model.active = False
        outbox.move(model, ModelFact.WORKER_GONE, reason)
        if model.key not in self._wanted:
            self._answer_load(model, failure)
        for leaving in list(self._leaving):
            leaving.keys.discard(model.key)
            if not leaving.keys:
                self._leaving.remove(leaving)
                outbox.answer(leaving.ticket, replies.Done(note="Unloaded."))
        return failure

    def any_left(self) -> bool:
        """Whether a worker process still exists."""
        return bool(self._by_run)

    # -- memory --------------------------------------------------------------------------------------------------

    def sampled(self, fact: Sampled) -> None:
        """The memory of the workers was measured: tell whose moved enough to show."""
        for run, (resident, peak) in fact.workers.items():
            model = self._by_run.get(run)
            if model is None or model.loaded is None:
                continue
            step = abs(resident - model.loaded.memory_bytes)
            model.loaded = msgspec.structs.replace(model.loaded, memory_bytes=resident, memory_peak_bytes=peak)
            if step >= MEMORY_STEP_BYTES:
                self._outbox.publish_model(model)


def _crash(model: Model, fact: WorkerGone) -> Failure:
    if fact.exit_code < 0:
        try:
            how = f"was ended by {signal.Signals(-fact.exit_code).name}"
        except ValueError:
            how = f"was ended by signal {-fact.exit_code}"
    else:
        how = f"ended with exit code {fact.exit_code}"
    detail = f" It last said: {fact.detail}" if fact.detail else ""
    hint = "Load it again; if it was SIGKILL, the system may have run out of memory: choose a smaller context."
    return Failure(code=ErrorCode.WORKER_CRASHED, message=f"The worker of {model.key} {how}.{detail}", hint=hint)
