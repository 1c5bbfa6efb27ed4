"""What leaves the core: effects, answers to clients, and events for everyone."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec

from modeld.core.effects import AnyEffect, Publish, SaveJob, SaveModel, Send
from modeld.core.state.jobs import Job
from modeld.core.state.model import Model, ModelFact
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.protocol import events, replies
from modeld.protocol.errors import Failure, Field, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import AnyRequest
from modeld.protocol.views import REMEMBERED_JOBS
from modeld.protocol.wire import encode

REMEMBERED_KEYS = 1000
"""Idempotency keys kept; older ones are forgotten once they are answered."""

REMEMBERED_BYTES = 4 * 1024 * 1024
"""What the answers to requests with keys may take together, as they are sent; older ones are forgotten."""


@dataclass
class Keyed:
    """The first request with a key: its answer once there is one, and the repetitions that wait for it."""

    op: str
    digest: bytes
    outcome: replies.AnyResult | Failure | None = None
    size_bytes: int = 0
    also: list[Ticket] = field(default_factory=list)


class Outbox:
    """Collects the effects of one fact. A change that clients can see is published by the method that makes it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.seq = 0
        self._unanswered: dict[Ticket, None] = {}
        self._keyed: OrderedDict[str, Keyed] = OrderedDict()
        self._keyed_bytes = 0
        self._effects: list[AnyEffect] = []

    def do(self, effect: AnyEffect) -> None:
        """Ask an adapter to do something."""
        self._effects.append(effect)

    def take_effects(self) -> list[AnyEffect]:
        """Empty the outbox."""
        effects, self._effects = self._effects, []
        return effects

    # -- answers -------------------------------------------------------------------------------------------------

    def expect(self, ticket: Ticket) -> None:
        """Note that a request has to be answered."""
        self._unanswered[ticket] = None

    def forget(self, client: bytes) -> None:
        """A client has disconnected: its requests need no answer any more."""
        for ticket in [ticket for ticket in self._unanswered if ticket.client == client]:
            del self._unanswered[ticket]

    def answer_all(self, failure: Failure) -> None:
        """Answer every request that still waits; the daemon ends."""
        for ticket in list(self._unanswered):
            self._send(ticket, failure)

    def answer(self, ticket: Ticket, outcome: replies.AnyResult | Failure) -> None:
        """Answer a request, and every repetition of it that came with the same key."""
        self._send(ticket, outcome)
        keyed = self._keyed.get(ticket.key) if ticket.key else None
        if keyed is not None:
            for other in keyed.also:
                self._send(other, outcome)
            keyed.also.clear()
            self._remember(keyed, outcome)

    def refuse(self, ticket: Ticket, reason: Reason, **fields: Field) -> None:
        """Answer a request with the failure for ``reason``."""
        self.answer(ticket, reason.failure(**fields))

    def chunk(self, ticket: Ticket, chunk: replies.Chunk) -> None:
        """Send a piece of a streamed answer."""
        self.do(Send(client=ticket.client, reply=replies.Reply(id=ticket.id, ok=True, chunk=chunk)))

    def is_repetition(self, ticket: Ticket, request: AnyRequest) -> bool:
        """Whether a request with this key came before; if so it is answered with the first answer, now or later."""
        if not ticket.key:
            return False
        op, digest = str(request.__struct_config__.tag), _digest(request)
        known = self._keyed.get(ticket.key)
        if known is None:
            self._keyed[ticket.key] = Keyed(op, digest)
            self._forget_keys()
            return False
        if known.digest != digest:
            self._send(ticket, Reason.KEY_USED_OTHERWISE.failure(key=ticket.key, op=known.op))
        elif known.outcome is None:
            known.also.append(ticket)
        else:
            self._send(ticket, known.outcome)
        return True

    def _remember(self, keyed: Keyed, outcome: replies.AnyResult | Failure) -> None:
        self._keyed_bytes -= keyed.size_bytes
        keyed.outcome, keyed.size_bytes = outcome, len(encode(outcome))
        self._keyed_bytes += keyed.size_bytes
        self._forget_keys()

    def _forget_keys(self) -> None:
        """Forget the oldest requests with a key until few enough are left, but none that is still to be answered."""
        while len(self._keyed) > REMEMBERED_KEYS or self._keyed_bytes > REMEMBERED_BYTES:
            oldest = next((key for key, keyed in self._keyed.items() if keyed.outcome is not None), None)
            if oldest is None:
                return
            self._keyed_bytes -= self._keyed.pop(oldest).size_bytes

    def _send(self, ticket: Ticket, outcome: replies.AnyResult | Failure) -> None:
        self._unanswered.pop(ticket, None)
        if isinstance(outcome, Failure):
            reply = replies.Reply(id=ticket.id, ok=False, error=outcome)
        else:
            reply = replies.Reply(id=ticket.id, ok=True, result=outcome)
        self.do(Send(client=ticket.client, reply=reply))

    # -- events --------------------------------------------------------------------------------------------------

    def publish(self, event: events.AnyEvent) -> None:
        """Number an event and send it to all subscribers."""
        self.seq += 1
        state = self._state
        self.do(Publish(event=msgspec.structs.replace(event, epoch=state.epoch, seq=self.seq, at=state.at)))

    def heartbeat(self) -> None:
        """Send all subscribers the newest sequence number; a heartbeat takes none."""
        self.do(Publish(event=events.Heartbeat(epoch=self._state.epoch, seq=self.seq, at=self._state.at)))

    def publish_model(self, model: Model, cause: Note | None = None) -> None:
        """Publish a model as it is now; ``cause`` says why it changed where that is not obvious."""
        reason = cause.message if cause is not None else ""
        self.publish(events.ModelChanged(model=model.view(), reason=reason, cause=cause))

    def move(self, model: Model, fact: ModelFact, cause: Note | None = None, failure: Failure | None = None) -> None:
        """Move a model and publish it."""
        model.move(fact, failure)
        self.publish_model(model, cause)

    def publish_job(self, job: Job) -> None:
        """Publish a job as it is now, and remember it."""
        view = job.view()
        self.publish(events.JobChanged(job=view))
        self.do(SaveJob(job=view))

    def end_job(self, job: Job) -> None:
        """Publish a job that reached its final state, once, and answer the clients that wait for it."""
        job.ended_at = self._state.at
        self.publish_job(job)
        for ticket in job.waiters:
            self.answer(ticket, job.failure or replies.Jobs(jobs=[job.view()]))
        job.waiters.clear()
        ended = [known for known in self._state.jobs.values() if known.ended]
        for old in ended[:-REMEMBERED_JOBS]:
            self.forget_job(old)

    def forget_job(self, job: Job) -> None:
        """Forget a job that ended, and publish that."""
        del self._state.jobs[job.id]
        self.publish(events.JobRemoved(job=job.id, kind=job.kind, model=job.model))

    def save(self, model: Model) -> None:
        """Remember a model's spec."""
        self.do(SaveModel(spec=model.spec))


def _digest(request: AnyRequest) -> bytes:
    """What makes a request the same as another: everything but its id."""
    return hashlib.blake2b(encode(msgspec.structs.replace(request, id="")), digest_size=16).digest()
