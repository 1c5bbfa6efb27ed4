"""The tasks of the models: each loaded model does one at a time, and the others wait in its queue."""

import msgspec

from modeld.core.effects import TellWorker
from modeld.core.serving.loading import Loader
from modeld.core.state.model import Model, ModelFact
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Task
from modeld.core.state.undo import Tracked
from modeld.protocol import workers
from modeld.protocol.errors import Failure
from modeld.protocol.states import HAS_WORKER, ModelState


class Tasks(Tracked):
    """Gives the workers their tasks, whatever kind they are."""

    def __init__(self, state: State, outbox: Outbox, loader: Loader) -> None:
        self._state, self._outbox = state, outbox
        self._loader = loader

    def enqueue(self, model: Model, task: Task) -> None:
        """Queue a task and load its model; if the model cannot be loaded, the task has failed."""
        model.enqueue(task)
        if model.state not in HAS_WORKER:
            self._loader.request_load(model)
        self.begin_next(model)
        if model.loaded is not None and model.tasks:
            self._outbox.publish_model(model)  # one more request waits

    def withdraw(self, model: Model, task: Task) -> None:
        """Take out a task that waits."""
        model.withdraw(task)
        if model.loaded is not None:
            self._outbox.publish_model(model)

    def begin_next(self, model: Model) -> None:
        """Give an idle worker its next task."""
        if model.state is ModelState.LOADED and model.tasks and not self._state.stopping:
            task = model.begin_task()
            model.last_used = self._state.clock
            model.pulse.begin(workers.Activity.PREFILL, self._state.awake_s)
            self._loader.make_active(model)
            self._outbox.do(TellWorker(run=model.run, order=task.order))
            self._outbox.move(model, ModelFact.WORK_BEGUN)

    def ticked(self) -> None:
        """Go on with whatever a fact that could not be handled has left."""
        for model in self._state.models.values():
            if model.tasks:
                self.begin_next(model)

    def current(self, model: Model, number: int) -> Task | None:
        """The task that a worker's message is about; None for a task that is not the current one any more."""
        return model.current if model.current is not None and model.current.number == number else None

    def end(self, model: Model) -> None:
        """The current task ended well: begin the next one."""
        self._finish(model)
        self.begin_next(model)

    def fail(self, model: Model, number: int, failure: Failure) -> None:
        """The current task failed and its worker lives: begin the next one."""
        task = self.current(model, number)
        if task is not None:
            self._finish(model)
            task.fail(failure)
            self.begin_next(model)

    def _finish(self, model: Model) -> None:
        model.current = None
        model.last_used = self._state.clock
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, last_used_at=self._state.at)
        self._outbox.move(model, ModelFact.WORK_ENDED)

    def stop(self, model: Model) -> None:
        """Tell the worker to give up its current task."""
        task = model.current
        if task is not None and task.stop_asked_s is None:
            task.stop_asked_s = self._state.awake_s
            self._outbox.do(TellWorker(run=model.run, order=workers.Stop(task=task.number)))
