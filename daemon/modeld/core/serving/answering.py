"""Generations: what clients ask of models, the text on its way to them, and how it ends."""

import msgspec

from modeld.core.serving.loading import Loader
from modeld.core.serving.tasks import Tasks
from modeld.core.state.model import Model
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Task, Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import events, replies, requests, workers
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason

MAX_WAITING = 1000
"""Tasks that may wait for one model; more are refused."""

CONTEXT_EVENT_S = 0.1
"""Least time between two context events of one model while a generation runs."""


class Generation(Task):
    """A generation for the client with ``ticket``; ``stream`` sends it each piece of text."""

    def __init__(self, order: workers.Answer, ticket: Ticket, stream: bool, outbox: Outbox) -> None:
        super().__init__(order)
        self.ticket = ticket
        self.stream = stream
        self._outbox = outbox

    @property
    def owner(self) -> Ticket:
        """The request that it answers."""
        return self.ticket

    def fail(self, failure: Failure) -> None:
        """Answer the client with the failure."""
        self._outbox.answer(self.ticket, failure)


class Generations(Tracked):
    """The generations of all models."""

    def __init__(self, state: State, outbox: Outbox, loader: Loader, tasks: Tasks) -> None:
        self._state, self._outbox = state, outbox
        self._loader = loader
        self._tasks = tasks

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
        if wrong is not None:
            outbox.refuse(ticket, wrong)
            return
        if len(model.tasks) >= MAX_WAITING:
            outbox.refuse(ticket, Reason.TOO_MANY_WAITING, count=len(model.tasks), key=model.key)
            return
        order = workers.Answer(
            task=state.next_task(),
            prompt=request.prompt if isinstance(request, requests.Generate) else "",
            messages=request.messages if isinstance(request, requests.Chat) else [],
            max_tokens=request.max_tokens,
            sampling=request.sampling,
        )
        self._tasks.enqueue(model, Generation(order, ticket, request.stream, outbox))

    def piece(self, model: Model, news: workers.Piece) -> None:
        """Send new text to the client, and the context used to all subscribers."""
        task = self._current(model, news.task)
        if task is None:
            return
        self._set_context(model, news.context_used)
        if task.stream and news.text:
            chunk = replies.Chunk(
                text=news.text, completion_tokens=news.completion_tokens, context_used=news.context_used
            )
            self._outbox.chunk(task.ticket, chunk)
        if self._state.clock - model.context_published_at >= CONTEXT_EVENT_S:
            self._publish_context(model)

    def _current(self, model: Model, number: int) -> Generation | None:
        task = self._tasks.current(model, number)
        return task if isinstance(task, Generation) else None

    def _set_context(self, model: Model, used: int) -> None:
        if model.loaded is not None:
            model.loaded = msgspec.structs.replace(model.loaded, context_used=used)

    def _publish_context(self, model: Model) -> None:
        if model.loaded is not None:
            model.context_published_at = self._state.clock
            used, size = model.loaded.context_used, model.loaded.context_size
            self._outbox.publish(events.ContextUsed(model=model.key, used=used, size=size))

    def answered(self, model: Model, news: workers.Answered) -> None:
        """A generation ended well."""
        task = self._current(model, news.task)
        if task is None:
            return
        self._set_context(model, news.generation.context_used)
        self._publish_context(model)
        if news.generation.finish == "context_full":
            self._outbox.publish(events.ContextFull(model=model.key, size=news.generation.context_size))
        self._outbox.answer(task.ticket, replies.Generated(generation=news.generation))
        self._tasks.end(model)

    def refused(self, model: Model, news: workers.Refused) -> None:
        """A prompt does not fit into the context: the client and all subscribers get both numbers."""
        if self._current(model, news.task) is None:
            return
        self._outbox.publish(
            events.ContextRefused(model=model.key, prompt_tokens=news.prompt_tokens, size=news.context_size)
        )
        failure = Reason.PROMPT_TOO_LONG.failure(
            key=model.key, prompt_tokens=news.prompt_tokens, context_size=news.context_size
        )
        self._tasks.fail(model, news.task, failure)

    def cancel(self, client: bytes, request_id: str | None) -> int:
        """Cancel generations of a client: the one with this request id, or all (None). Returns how many there were."""
        count = 0
        for model in self._state.models.values():
            current = model.current
            if current is not None and _is_of(current, client, request_id):
                count += 1
                self._tasks.stop(model)
            for task in [task for task in model.tasks if _is_of(task, client, request_id)]:
                count += 1
                self._tasks.withdraw(model, task)
                task.fail(Reason.REQUEST_CANCELLED.failure())
        return count


def _is_of(task: Task, client: bytes, request_id: str | None) -> bool:
    if not isinstance(task, Generation) or task.ticket.client != client:
        return False
    return request_id is None or task.ticket.id == request_id


def _wrong(request: requests.Generate | requests.Chat) -> Reason | None:
    """What is wrong with a request; None when nothing is."""
    sampling = request.sampling
    if request.max_tokens < 0:
        return Reason.MAX_TOKENS_INVALID
    if isinstance(request, requests.Chat) and not request.messages:
        return Reason.MESSAGES_EMPTY
    if sampling.temperature is not None and not 0 <= sampling.temperature <= 100:
        return Reason.TEMPERATURE_INVALID
    if any(not 0 <= share <= 1 for share in (sampling.top_p, sampling.min_p) if share is not None):
        return Reason.PROBABILITY_INVALID
    if sampling.top_k is not None and sampling.top_k < 0:
        return Reason.TOP_K_INVALID
    if sampling.repeat_penalty is not None and sampling.repeat_penalty <= 0:
        return Reason.TOP_K_INVALID
    if sampling.repeat_last_n is not None and sampling.repeat_last_n < -1:
        return Reason.REPEAT_LAST_N_INVALID
    if sampling.seed is not None and not 0 <= sampling.seed < 2**32 - 1:  # llama.cpp takes the last for: random
        return Reason.SEED_INVALID
    if any(not stop for stop in sampling.stop) or len(sampling.stop) > 16:
        return Reason.STOP_TEXTS_INVALID
    return None
