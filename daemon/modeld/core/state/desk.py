"""What all parts of the manager share: the models and jobs, the moment, and the effects decided so far."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from modeld.core.effects import AnyEffect, Publish, SaveJob, SaveModel, Send
from modeld.core.state.jobs import Job
from modeld.core.state.model import Model, ModelFact
from modeld.core.state.task import Ticket
from modeld.protocol import events, replies
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.views import REMEMBERED_JOBS, DaemonView, SystemView
from modeld.settings import Settings

REMEMBERED_KEYS = 1000
"""Idempotency keys kept; older ones are forgotten once they are answered."""


@dataclass
class Keyed:
    """The first request with a key: its answer once there is one, and who else waits for it."""

    outcome: replies.AnyResult | Failure | None = None
    also: list[Ticket] = field(default_factory=list)


class Desk:
    """The manager's state and outbox. Every change that a client can see is published by the method that makes it."""

    def __init__(self, epoch: str, daemon: DaemonView, settings: Settings, ids: Iterator[str]) -> None:
        self.epoch = epoch
        self.daemon = daemon
        self.settings = settings
        self.ids = ids
        self.models: dict[str, Model] = {}
        self.jobs: dict[str, Job] = {}
        self.removing: set[str] = set()
        """Models whose files are being deleted."""
        self.keyed: OrderedDict[str, Keyed] = OrderedDict()
        self.system = SystemView()
        self.seq = 0
        self.now = 0.0
        self.runs = 0
        self.tasks = 0
        self.stopping = False
        self._effects: list[AnyEffect] = []

    @property
    def at(self) -> str:
        """The moment as ISO 8601 in UTC."""
        return self.moment(self.now)

    @staticmethod
    def moment(seconds: float) -> str:
        """Seconds since the epoch as ISO 8601 in UTC."""
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

    def do(self, effect: AnyEffect) -> None:
        """Put an effect into the outbox."""
        self._effects.append(effect)

    def take_effects(self) -> list[AnyEffect]:
        """Empty the outbox."""
        effects, self._effects = self._effects, []
        return effects

    def next_run(self) -> int:
        """A number for a new worker or a new attempt of a pull."""
        self.runs += 1
        return self.runs

    def next_task(self) -> int:
        """A number for a worker's task."""
        self.tasks += 1
        return self.tasks

    # -- answers -------------------------------------------------------------------------------------------------

    def answer(self, ticket: Ticket, outcome: replies.AnyResult | Failure) -> None:
        """Answer a request, and every repetition of it that came with the same key."""
        self._send(ticket, outcome)
        keyed = self.keyed.get(ticket.key) if ticket.key else None
        if keyed is not None:
            keyed.outcome = outcome
            for other in keyed.also:
                self._send(other, outcome)
            keyed.also.clear()

    def refuse(self, ticket: Ticket, code: ErrorCode, message: str, hint: str = "") -> None:
        """Answer a request with a failure."""
        self.answer(ticket, Failure(code=code, message=message, hint=hint))

    def chunk(self, ticket: Ticket, chunk: replies.Chunk) -> None:
        """Send a piece of a streamed answer."""
        self.do(Send(client=ticket.client, reply=replies.Reply(id=ticket.id, ok=True, chunk=chunk)))

    def is_repetition(self, ticket: Ticket) -> bool:
        """Whether a request with this key came before; if so it is answered with the first answer, now or later."""
        if not ticket.key:
            return False
        known = self.keyed.get(ticket.key)
        if known is None:
            self.keyed[ticket.key] = Keyed()
            self._forget_keys()
            return False
        if known.outcome is None:
            known.also.append(ticket)
        else:
            self._send(ticket, known.outcome)
        return True

    def _forget_keys(self) -> None:
        """Forget the oldest request with a key, but none that is still to be answered."""
        if len(self.keyed) > REMEMBERED_KEYS:
            oldest = next((key for key, keyed in self.keyed.items() if keyed.outcome is not None), None)
            if oldest is not None:
                del self.keyed[oldest]

    def _send(self, ticket: Ticket, outcome: replies.AnyResult | Failure) -> None:
        if isinstance(outcome, Failure):
            reply = replies.Reply(id=ticket.id, ok=False, error=outcome)
        else:
            reply = replies.Reply(id=ticket.id, ok=True, result=outcome)
        self.do(Send(client=ticket.client, reply=reply))

    # -- events --------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self.seq += 1
        return self.seq

    def publish(self, event: events.AnyEvent) -> None:
        """Number an event and tell everyone."""
        self.do(Publish(event=msgspec.structs.replace(event, epoch=self.epoch, seq=self._next(), at=self.at)))

    def heartbeat(self) -> None:
        """Tell everyone the newest sequence number, taking none."""
        self.do(Publish(event=events.Heartbeat(epoch=self.epoch, seq=self.seq, at=self.at)))

    def told(self, model: Model, reason: str = "") -> None:
        """Publish a model as it is now."""
        self.publish(events.ModelChanged(model=model.view(), reason=reason))

    def move(self, model: Model, fact: ModelFact, reason: str = "") -> None:
        """Move a model and publish it."""
        model.move(fact)
        self.told(model, reason)

    def told_job(self, job: Job) -> None:
        """Publish a job as it is now, and remember it."""
        view = job.view()
        self.publish(events.JobChanged(job=view))
        self.do(SaveJob(job=view))

    def end_job(self, job: Job) -> None:
        """Publish a job that reached its final state, once, and answer who waited for it."""
        job.ended_at = self.at
        self.told_job(job)
        for ticket in job.waiters:
            self.answer(ticket, job.failure or replies.Jobs(jobs=[job.view()]))
        job.waiters.clear()
        ended = [known for known in self.jobs.values() if known.ended]
        for old in ended[:-REMEMBERED_JOBS]:
            del self.jobs[old.id]

    def save(self, model: Model) -> None:
        """Remember a model's spec."""
        self.do(SaveModel(spec=model.spec))

    # -- looking up ----------------------------------------------------------------------------------------------

    def find(self, ticket: Ticket, key: str) -> Model | None:
        """The model of exactly this key; None after refusing the request with the nearest names."""
        model = self.models.get(key)
        if model is None:
            near = [known for known in self.models if known.startswith(key[:3])] or list(self.models)
            names = ", ".join(near[:5]) or "none yet"
            self.refuse(ticket, ErrorCode.NOT_FOUND, f"There is no model {key!r}.", f"Known models: {names}.")
        return model

    def job_of(self, key: str) -> Job | None:
        """The unended job of a model, the newest first."""
        for job in reversed(self.jobs.values()):
            if job.model == key and not job.ended:
                return job
        return None
