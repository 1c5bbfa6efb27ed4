"""What leaves the core: effects, answers to clients, and events for everyone."""

import hashlib
from dataclasses import dataclass, field
from typing import get_args

import msgspec

from modeld.core.effects import AnyEffect, AnySave, Publish, SaveJob, SaveModel, SaveResident, Send
from modeld.core.state.jobs import Job
from modeld.core.state.model import Model, ModelFact
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
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
class Keyed(Tracked):
    """The first request with a key: its answer once there is one, and the repetitions that wait for it."""

    op: str
    digest: bytes
    outcome: replies.AnyResult | Failure | None = None
    size_bytes: int = 0
    also: list[Ticket] = field(default_factory=list)


class Effects(list[AnyEffect]):
    """The effects of the fact being handled. It is not tracked: the manager cuts it back itself (``drop_after``)."""


class Outbox(Tracked):
    """Collects the effects of one fact. A change that clients can see is published by the method that makes it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.seq = 0
        self._unanswered: dict[Ticket, None] = {}
        self._keyed: dict[str, Keyed] = {}
        self._keyed_bytes = 0
        self._effects: Effects = Effects()

    def count(self) -> int:
        """How many effects there are so far."""
        return len(self._effects)

    def drop_after(self, count: int) -> None:
        """Keep the first ``count`` effects: the fact that wanted the others could not be handled."""
        del self._effects[count:]

    def do(self, effect: AnyEffect) -> None:
        """Ask an adapter to do something."""
        self._effects.append(effect)

    def take_effects(self) -> list[AnyEffect]:
        """Empty the outbox. If something is saved, the answers that promise it come last and leave after the commit."""
        effects = self._effects.copy()
        self._effects.clear()
        kinds = _SAVES.intersection(map(type, effects))
        if not kinds:
            return effects
        even_unsaved = kinds == {SaveResident}
        promises = [effect for effect in effects if isinstance(effect, Send) and _promises(effect.reply)]
        others = [effect for effect in effects if not (isinstance(effect, Send) and _promises(effect.reply))]
        held = (msgspec.structs.replace(promise, after_commit=True, even_unsaved=even_unsaved) for promise in promises)
        return [*others, *held]

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
        self._answer_repetitions(ticket, outcome)

    def abandon(self, ticket: Ticket, failure: Failure) -> None:
        """Answer a request that cannot be finished, and its repetitions, as far as they still wait."""
        if ticket in self._unanswered:
            self._send(ticket, failure)
        keyed = self._keyed.get(ticket.key)
        if keyed is not None and keyed.outcome is None:
            self._answer_repetitions(ticket, failure)

    def _answer_repetitions(self, ticket: Ticket, outcome: replies.AnyResult | Failure) -> None:
        keyed = self._keyed.get(ticket.key) if ticket.key else None
        if keyed is not None:
            for other in keyed.also:
                self._send(other, outcome)
            keyed.also.clear()
            self._remember(keyed, outcome)

    def refuse(self, ticket: Ticket, reason: Reason, **fields: Field) -> None:
        """Answer a request with the failure for ``reason``."""
        self.answer(ticket, reason.failure(**fields))

    def reject(self, ticket: Ticket, failure: Failure) -> None:
        """Answer a request that could not be handled; a repetition of it with the same key is handled again."""
        self._send(ticket, failure)

    def turn_away(self, ticket: Ticket, failure: Failure) -> None:
        """Refuse a request that has the id of one that still waits for its own answer."""
        self.do(Send(client=ticket.client, reply=replies.Reply(id=ticket.id, ok=False, error=failure)))

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
            self._send(ticket, known.outcome, after_commit=True)
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

    def _send(self, ticket: Ticket, outcome: replies.AnyResult | Failure, *, after_commit: bool = False) -> None:
        self._unanswered.pop(ticket, None)
        if isinstance(outcome, Failure):
            reply = replies.Reply(id=ticket.id, ok=False, error=outcome)
        else:
            reply = replies.Reply(id=ticket.id, ok=True, result=outcome)
        self.do(Send(client=ticket.client, reply=reply, after_commit=after_commit and _promises(reply)))

    # -- events --------------------------------------------------------------------------------------------------

    def publish(self, event: events.AnyEvent) -> None:
        """Number an event and send it to all subscribers."""
        self.seq += 1
        state = self._state
        self.do(Publish(event=msgspec.structs.replace(event, epoch=state.epoch, seq=self.seq, at=state.at)))

    def heartbeat(self) -> None:
        """Send all subscribers the newest sequence number; a heartbeat takes none."""
        self.do(Publish(event=events.Heartbeat(epoch=self._state.epoch, seq=self.seq, at=self._state.at)))

    def show_saving(self, failure: Failure | None) -> None:
        """Show why nothing can be saved (None: saving works), and publish it."""
        state = self._state
        state.daemon = msgspec.structs.replace(state.daemon, not_saving=failure)
        self.publish(events.DaemonChanged(daemon=state.daemon))

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

    def save_resident(self, model: Model) -> None:
        """Remember whether a model is in memory."""
        self.do(SaveResident(spec=model.spec))


_SAVES = frozenset({*get_args(AnySave), SaveResident})


def _promises(reply: replies.Reply) -> bool:
    """Whether an answer says that something was done; a failure, a chunk and a generated text do not."""
    return reply.ok and reply.chunk is msgspec.UNSET and not isinstance(reply.result, replies.Generated)


def _digest(request: AnyRequest) -> bytes:
    """What makes a request the same as another: everything but its id."""
    return hashlib.blake2b(encode(msgspec.structs.replace(request, id="")), digest_size=16).digest()
