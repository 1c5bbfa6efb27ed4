"""Workers: which models get one, which models make room, and what happens when a worker ends."""

from dataclasses import dataclass

import msgspec

from modeld.core.effects import StartWorker, StopWorker
from modeld.core.facts import Sampled, WorkerGone
from modeld.core.memory import estimate
from modeld.core.memory.context import context_size
from modeld.core.models import kinds
from modeld.core.serving import outcomes
from modeld.core.state.model import Loading, Model, ModelFact
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import replies, requests, workers
from modeld.protocol.errors import ErrorCode, Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE, HAS_WORKER, IN_MEMORY, ModelState
from modeld.protocol.views import LoadedView

MEMORY_STEP_BYTES = 16 * 1024 * 1024
"""A model is published again when the memory of its worker changed by this much."""

HUNG_GRACE_S = 0.5
"""Time for a worker that hangs to end when asked, before it is killed."""


@dataclass
class UnloadWaiter(Tracked):
    """A client that waits until models have left memory."""

    ticket: Ticket
    runs: set[int]


class Loader(Tracked):
    """The worker of each loaded model."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox
        self._by_run: dict[int, Model] = {}
        self._unload_waiters: list[UnloadWaiter] = []
        self._to_reload: dict[str, Loading] = {}

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
        threads_wrong = not 0 <= request.threads <= workers.MOST_THREADS
        if request.context_size < 0 or threads_wrong or (request.gpu_layers or 0) < -1:
            outbox.refuse(ticket, Reason.LOAD_OPTIONS_INVALID, most_threads=workers.MOST_THREADS)
            return
        if model.state in IN_MEMORY and model.loaded is not None:
            notes = outcomes.not_applied(model, request)
            advice = [Reason.UNLOAD_TO_CHANGE.note()] if notes else []
            outbox.answer(ticket, replies.model(model.view(), *notes, *advice))
            return
        refusal = self.request_load(model, self._options(model, request))
        if refusal is not None:
            outbox.answer(ticket, refusal)
        elif request.wait:
            model.load_waiters.append((ticket, request))
        else:
            outbox.answer(ticket, replies.Model(model=model.view()))

    def remember(self, unclean: bool) -> None:
        """At the start: note which models an earlier daemon left to be loaded, for ``reload``.

        That daemon may have died of loading them, so each is tried once: the database has forgotten them already.
        """
        for model in self._state.models.values():
            options = model.spec.resident
            model.set_resident(None)
            if options is not None or (unclean and model.spec.pinned):
                self._to_reload[model.key] = options or self._options(model)

    def reload(self) -> None:
        """Load the models that an earlier daemon had in memory, pinned ones first."""
        models = [model for key in self._to_reload if (model := self._state.models.get(key)) is not None]
        options = dict(self._to_reload)
        self._to_reload.clear()
        for model in sorted(models, key=lambda model: not model.spec.pinned):
            if model.state is ModelState.ON_DISK:
                self.request_load(model, options[model.key])

    def _remember_resident(self, model: Model, options: Loading | None) -> None:
        if model.spec.resident != options:
            model.set_resident(options)
            self._outbox.save_resident(model)

    def is_usable(self, ticket: Ticket, model: Model) -> bool:
        """Whether the model's file is there and holds a text model; if not the request has been refused."""
        state, outbox = self._state, self._outbox
        if state.stopping:
            outbox.refuse(ticket, Reason.DAEMON_STOPPING)
            return False
        if model.state not in HAS_FILE:
            failure = model.failure
            if failure is not None and failure.code is ErrorCode.BAD_MODEL_FILE:
                outbox.answer(ticket, failure)
            else:
                outbox.answer(ticket, outcomes.not_on_disk(model))
            return False
        if (wrong := kinds.refusal(model.header)) is not None:
            outbox.answer(ticket, wrong)
            return False
        return True

    def _options(self, model: Model, request: requests.Load | None = None) -> Loading:
        """The options that the client asks for, and the settings where it asks for none."""
        settings = self._state.settings
        layers = settings.effective_gpu_layers()
        return Loading(
            context_size=context_size(self._state, model, request.context_size if request else 0),
            gpu_layers=layers if request is None or request.gpu_layers is None else request.gpu_layers,
            threads=(request.threads if request else 0) or settings.threads,
        )

    def request_load(self, model: Model, options: Loading | None = None) -> Failure | None:
        """Load a model (None: as the settings want it) once there is room; the failure if there is none."""
        if model.state is ModelState.LOADING or model.key in self._state.wanted:
            return None
        model.loading = options or self._options(model)
        self._state.wanted.append(model.key)
        self._start_wanted()
        refused = model.state is ModelState.ON_DISK and model.key not in self._state.wanted
        return model.failure if refused else None

    def _start_wanted(self) -> None:
        """Start the wanted models that fit, the first one first; all wait while one is being unloaded."""
        for key in list(self._state.wanted):
            if any(model.state is ModelState.UNLOADING for model in self._state.models.values()):
                return
            if key in self._state.wanted:
                self._start_or_make_room(self._state.models[key])

    def _start_or_make_room(self, model: Model) -> None:
        """Start a worker if there is room; else unload what can make room, or refuse the load."""
        state = self._state
        if model.state is not ModelState.ON_DISK:  # its file went while the load waited
            self._refuse_load(model, model.failure or outcomes.not_on_disk(model))
            return
        assert model.header is not None and model.loading is not None
        needed = estimate.estimate_bytes(model.header, model.file_bytes, model.loading.context_size)
        model.estimated_bytes = needed
        if not state.system.memory_total:
            self._start(model)
            return
        coming = sum(other.estimated_bytes for other in state.models.values() if other.state is ModelState.LOADING)
        available = state.system.memory_available - coming
        limit, candidates = state.settings.max_loaded_models or None, self._candidates()
        eviction = estimate.who_must_go(needed, available, candidates, limit)
        if eviction is None and estimate.who_must_go(needed, available, candidates, None) is not None:
            self._refuse_load(model, outcomes.too_many(model, candidates, limit or 0))
        elif eviction is None:
            self._refuse_load(model, outcomes.no_room(model, model.loading, needed, available))
        elif eviction.keys:
            self._outbox.publish_model(model)  # what it needs
            assert eviction.cause is not None
            cause = Reason.MAKES_ROOM.note(key=model.key, cause=eviction.cause)
            for key in eviction.keys:
                self.unload(state.models[key], cause)
        else:
            self._start(model)

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
        self._state.wanted.remove(model.key)
        model.fail(failure)
        self._outbox.publish_model(model)
        self._answer_load(model, failure)
        model.fail_tasks(failure)

    def _start(self, model: Model) -> None:
        state, outbox = self._state, self._outbox
        loading = model.loading
        assert loading is not None
        self._state.wanted.remove(model.key)
        model.run = state.next_run()
        self._by_run[model.run] = model
        model.unload_cause = None
        model.pulse.begin(workers.Activity.LOADING, state.awake_s)
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
        """The model of a worker; None for a worker that has ended."""
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
            model.move(ModelFact.WORKER_READY, model.failure)  # the messages crossed: nothing changes
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
        model.last_used = state.clock
        self.make_active(model)
        outbox.move(model, ModelFact.WORKER_READY)
        self._remember_resident(model, model.loading)
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
        for ticket, request in waiters:
            self._outbox.answer(ticket, failure or replies.model(model.view(), *outcomes.not_applied(model, request)))

    # -- unloading -----------------------------------------------------------------------------------------------

    def unload_requested(self, ticket: Ticket, request: requests.Unload) -> None:
        """Unload one model or all; the answer comes at once or (``wait``) when the memory is free."""
        outbox = self._outbox
        targets = self._targets_of(request)
        if isinstance(targets, Failure):
            outbox.answer(ticket, targets)
            return
        failure = Reason.UNLOADED_BEFORE_ANSWER.failure()
        for model in targets:
            self._withdraw_load(model)  # first: a failed benchmark starts the next one, which may want the model again
            if model.tasks:
                model.fail_waiting(failure)
                self._outbox.publish_model(model)
        leaving = [model for model in targets if model.state in HAS_WORKER]
        for model in leaving:
            self.unload(model, Reason.UNLOAD_REQUESTED.note())
        names = ", ".join(model.key for model in leaving)
        if request.wait and leaving:
            self._unload_waiters.append(UnloadWaiter(ticket, {model.run for model in leaving}))
        else:
            note = Reason.UNLOADING.note(names=names) if names else Reason.NOTHING_LOADED.note()
            outbox.answer(ticket, replies.done(note))

    def _targets_of(self, request: requests.Unload) -> list[Model] | Failure:
        """The models that a request wants unloaded."""
        if not request.model:
            return list(self._state.models.values())
        model = self._state.find(request.model)
        return model if isinstance(model, Failure) else [model]

    def _withdraw_load(self, model: Model) -> None:
        """Give up a load that still waits for room."""
        if model.key in self._state.wanted:
            self._state.wanted.remove(model.key)
            self._answer_load(model, Reason.LOAD_WITHDRAWN.failure(key=model.key))

    def stop(self) -> None:
        """The daemon stops: end all workers, and load nothing any more."""
        for model in self._state.models.values():
            self._withdraw_load(model)
            self.unload(model, Reason.UNLOADED_AT_STOP.note())

    def unload(self, model: Model, cause: Note) -> None:
        """End a model's worker; what it still does is given up."""
        if model.state in HAS_WORKER and model.state is not ModelState.UNLOADING:
            model.unload_cause = cause
            self._outbox.do(StopWorker(run=model.run))
            self._outbox.move(model, ModelFact.UNLOAD_STARTED, cause, model.failure)

    def give_up(self, model: Model, failure: Failure) -> None:
        """End a worker that hangs: all who wait for it get the failure now, and the model shows it."""
        self._end_hung(model, failure.note(), failure)
        self._answer_load(model, failure)
        waiting = bool(model.tasks)
        model.fail_tasks(failure)
        if waiting:
            self._outbox.publish_model(model)

    def give_up_task(self, model: Model, failure: Failure) -> None:
        """End a worker that does not stop its task: the task gets the failure now; the others get a new worker."""
        self._end_hung(model, failure.note(), model.failure)
        model.fail_current(failure)

    def _end_hung(self, model: Model, cause: Note, failure: Failure | None) -> None:
        model.unload_cause = cause
        self._outbox.do(StopWorker(run=model.run, grace_s=HUNG_GRACE_S))
        self._outbox.move(model, ModelFact.UNLOAD_STARTED, cause, failure)

    def ticked(self) -> None:
        """Unload idle models, and go on with whatever a fact that could not be handled has left."""
        self._unload_idle()
        self._answer_unload_waiters()
        for model in list(self._state.models.values()):
            if model.tasks and model.state is ModelState.ON_DISK and not self._state.stopping:
                self.request_load(model)
        self._start_wanted()

    def _unload_idle(self) -> None:
        """Unload models that were not used for the time to live, except pinned ones."""
        limit = self._state.settings.idle_unload_s
        for model in self._state.models.values():
            idle = self._state.clock - model.last_used
            if (
                limit
                and model.state is ModelState.LOADED
                and not model.spec.pinned
                and not model.tasks
                and idle >= limit
            ):
                self.unload(model, Reason.IDLE.note(seconds=round(idle)))

    def load_failed(self, model: Model, news: workers.LoadFailed) -> None:
        """The worker could not load the file; it exits next, and the model then shows why."""
        model.fail(news.failure)
        self._outbox.publish_model(model)

    def worker_exited(self, fact: WorkerGone) -> None:
        """A worker's process ended: the model is on disk again, and its tasks have failed.

        After an unload that was wanted only the current task fails; those that came since get a new worker.
        """
        state = self._state
        model = self._by_run.pop(fact.run, None)
        if model is None:
            return
        cause = model.unload_cause
        if cause is not None:
            failure = Reason.MODEL_WAS_UNLOADED.failure(key=model.key, cause=cause)
            self._leave_memory(model, cause, model.failure)
        else:
            failure = model.failure or outcomes.crash(model, fact)
            self._leave_memory(model, failure.note(), failure)
        if model.key not in self._state.wanted:
            self._answer_load(model, failure)
        self._answer_unload_waiters()
        if cause is not None:
            model.fail_current(failure)
        else:
            model.fail_tasks(failure)
        if model.tasks and not state.stopping:
            self.request_load(model)
        self._start_wanted()

    def _leave_memory(self, model: Model, cause: Note, failure: Failure | None) -> None:
        """Put a model whose worker ended back on disk; until the next sample its memory counts as available."""
        state = self._state
        freed = model.loaded.memory_bytes if model.loaded else 0
        state.system = msgspec.structs.replace(state.system, memory_available=state.system.memory_available + freed)
        model.loaded = None
        model.active = False
        self._outbox.move(model, ModelFact.WORKER_GONE, cause, failure)
        if not (state.stopping and model.spec.pinned):
            self._remember_resident(model, None)

    def _answer_unload_waiters(self) -> None:
        for waiter in list(self._unload_waiters):
            waiter.runs &= set(self._by_run)
            if not waiter.runs:
                self._unload_waiters.remove(waiter)
                self._outbox.answer(waiter.ticket, replies.done(Reason.UNLOADED.note()))

    def forget(self, run: int) -> Model | None:
        """Forget a worker whose end could not be handled; returns its model."""
        return self._by_run.pop(run, None)

    @property
    def runs(self) -> list[int]:
        """The workers that have not ended."""
        return list(self._by_run)

    def any_left(self) -> bool:
        """Whether a worker process still exists."""
        return bool(self._by_run)

    # -- memory --------------------------------------------------------------------------------------------------

    def sampled(self, fact: Sampled) -> None:
        """The memory of the workers was measured: take over what changed enough to be published."""
        for run, (resident, peak) in fact.workers.items():
            model = self._by_run.get(run)
            if model is None or model.loaded is None:
                continue
            if abs(resident - model.loaded.memory_bytes) >= MEMORY_STEP_BYTES:
                model.loaded = msgspec.structs.replace(model.loaded, memory_bytes=resident, memory_peak_bytes=peak)
                self._outbox.publish_model(model)
