"""Generations: each model's queue of them, their pieces on the way to the client, and how they end."""

import msgspec

from modeld.core.effects import TellWorker
from modeld.core.serving.loading import Loader
from modeld.core.state.model import Model, ModelFact
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Task, Ticket
from modeld.protocol import events, replies, requests, workers
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import HAS_WORKER, ModelState

MAX_WAITING = 1000
"""Tasks that may wait for one model; more are refused."""

CONTEXT_EVENT_S = 0.1
"""Least time between two context events of one model while a generation runs."""


class Answering:
    """The tasks of every loaded model, one at a time each."""

    def __init__(self, state: State, outbox: Outbox, loader: Loader) -> None:
        self._state, self._outbox = state, outbox
        self._loader = loader

    def ask(self, ticket: Ticket, request: requests.Generate | requests.Chat) -> None:
        """Queue a generation; the model is loaded if needed."""
        state, outbox = self._state, self._outbox
        model = state.find(request.model)
        if isinstance(model, Failure):
            outbox.answer(ticket, model)
            return
        if not self._loader.is_usable(ticket, model):
            return
        wrong = _wrong(request)
        if wrong:
            outbox.refuse(ticket, ErrorCode.BAD_REQUEST, wrong)
            return
        if len(model.tasks) >= MAX_WAITING:
            outbox.refuse(
                ticket, ErrorCode.BUSY, f"{len(model.tasks)} requests wait for {model.key} already.", "Try again later."
            )
            return
        order = workers.Answer(
            task=state.next_task(),
            prompt=request.prompt if isinstance(request, requests.Generate) else "",
            messages=request.messages if isinstance(request, requests.Chat) else [],
            max_tokens=request.max_tokens,
            sampling=request.sampling,
        )
        self.enqueue(model, Task(order=order, ticket=ticket, stream=request.stream))

    def enqueue(self, model: Model, task: Task) -> list[Task]:
        """Queue a task and see that its model gets loaded; benchmarks for which it cannot be are handed back."""
        model.tasks.append(task)
        self._count_waiting(model)
        if model.state not in HAS_WORKER:
            refusal = self._loader.want(model)
            if refusal is not None:
                return self.fail_all(model, refusal)
        self.begin_next(model)
        return []

    def begin_next(self, model: Model) -> None:
        """Give an idle worker its next task."""
        if model.state is ModelState.LOADED and model.tasks and not self._state.stopping:
            model.current = model.tasks.popleft()
            self._count_waiting(model)
            model.last_used = self._state.now
            self._loader.make_active(model)
            self._outbox.do(TellWorker(run=model.run, order=model.current.order))
            self._outbox.move(model, ModelFact.WORK_BEGUN)

    def _count_waiting(self, model: Model) -> None:
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, requests_waiting=len(model.tasks))

    def piece(self, model: Model, news: workers.Piece) -> None:
        """New text: on to the client, and the context to everyone."""
        task = _current(model, news.task)
        if task is None:
            return
        self._set_context(model, news.context_used)
        if task.stream and task.ticket is not None and news.text:
            chunk = replies.Chunk(
                text=news.text, completion_tokens=news.completion_tokens, context_used=news.context_used
            )
            self._outbox.chunk(task.ticket, chunk)
        if self._state.now - model.context_told >= CONTEXT_EVENT_S:
            self._tell_context(model)

    def _set_context(self, model: Model, used: int) -> None:
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, context_used=used)

    def _tell_context(self, model: Model) -> None:
        if model.loaded is not None:
            model.context_told = self._state.now
            loaded = model.loaded
            self._outbox.publish(
                events.ContextUsed(model=model.key, used=loaded.context_used, size=loaded.context_size)
            )

    def answered(self, model: Model, news: workers.Answered) -> None:
        """A generation ended well."""
        task = _current(model, news.task)
        if task is None:
            return
        self._set_context(model, news.generation.context_used)
        self._tell_context(model)
        if news.generation.finish == "context_full":
            self._outbox.publish(events.ContextFull(model=model.key, size=news.generation.context_size))
        self.end(model, replies.Generated(generation=news.generation))

    def refused(self, model: Model, news: workers.Refused) -> None:
        """A prompt does not fit the context: both numbers to the client, and an event."""
        if _current(model, news.task) is None:
            return
        self._outbox.publish(
            events.ContextRefused(model=model.key, prompt_tokens=news.prompt_tokens, size=news.context_size)
        )
        message = (
            f"The prompt has {news.prompt_tokens} tokens and the context of {model.key} holds {news.context_size}; "
            "nothing was cut."
        )
        hint = "Shorten the prompt, or unload the model and load it with a larger --context."
        self.end(model, Failure(code=ErrorCode.CONTEXT_OVERFLOW, message=message, hint=hint))

    def end(self, model: Model, outcome: replies.AnyResult | Failure) -> None:
        """The current task ended: answer it, and begin the next."""
        task, model.current = model.current, None
        model.last_used = self._state.now
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, last_used_at=self._state.at)
        if task is not None and task.ticket is not None:
            self._outbox.answer(task.ticket, outcome)
        self._outbox.move(model, ModelFact.WORK_ENDED)
        self.begin_next(model)

    def fail_all(self, model: Model, failure: Failure) -> list[Task]:
        """The worker is gone or cannot be had: every generation of the model fails; benchmarks are handed back."""
        tasks = [task for task in (model.current, *model.tasks) if task is not None]
        model.current = None
        model.tasks.clear()
        for task in tasks:
            if task.ticket is not None:
                self._outbox.answer(task.ticket, failure)
        return [task for task in tasks if task.job]

    def fail_current(self, model: Model, failure: Failure) -> list[Task]:
        """The worker is gone because it was told to: what it was doing fails, what waits goes on with the next one."""
        waiting, model.tasks = model.tasks, type(model.tasks)()
        handed_back = self.fail_all(model, failure)
        model.tasks = waiting
        return handed_back

    def cancel(self, client: bytes, request_id: str | None) -> int:
        """Give up generations of a client: the one with this request id, or all (None). Says how many there were."""
        count = 0
        for model in self._state.models.values():
            current = model.current
            if current is not None and _is_of(current, client, request_id):
                count += 1
                self.stop(model)
            for task in [task for task in model.tasks if _is_of(task, client, request_id)]:
                count += 1
                model.tasks.remove(task)
                if task.ticket is not None:
                    self._outbox.refuse(task.ticket, ErrorCode.CANCELLED, "The request was cancelled while it waited.")
        return count

    def stop(self, model: Model) -> None:
        """Tell the worker to give up what it does."""
        task = model.current
        if task is not None and not task.stopped:
            task.stopped = True
            self._outbox.do(TellWorker(run=model.run, order=workers.Stop(task=task.number)))


def _current(model: Model, number: int) -> Task | None:
    return model.current if model.current is not None and model.current.number == number else None


def _is_of(task: Task, client: bytes, request_id: str | None) -> bool:
    ticket = task.ticket
    return ticket is not None and ticket.client == client and (request_id is None or ticket.id == request_id)


def _wrong(request: requests.Generate | requests.Chat) -> str:
    """What is wrong with a request, as a sentence; empty when nothing is."""
    sampling = request.sampling
    if request.max_tokens < 0:
        return "max_tokens must be 0 (no limit) or more."
    if isinstance(request, requests.Chat) and not request.messages:
        return "messages is empty; there is nothing to answer."
    if not 0 <= sampling.temperature <= 100:
        return "temperature must lie between 0 and 100."
    if not (0 <= sampling.top_p <= 1 and 0 <= sampling.min_p <= 1):
        return "top_p and min_p must lie between 0 and 1."
    if sampling.top_k < 0 or sampling.repeat_penalty <= 0:
        return "top_k must be 0 or more and repeat_penalty above 0."
    if sampling.seed is not None and not 0 <= sampling.seed < 2**32:
        return "seed must lie between 0 and 4294967295."
    if any(not stop for stop in sampling.stop) or len(sampling.stop) > 16:
        return "stop takes up to 16 texts, none of them empty."
    return ""
