"""What a worker is asked to do, one at a time, and who waits for it."""

from dataclasses import dataclass, field

from modeld.protocol.workers import Answer, Measure


@dataclass(frozen=True)
class Ticket:
    """Who asked: the client's routing id, the request's id, and its idempotency key (or empty)."""

    client: bytes
    id: str
    key: str = ""


@dataclass
class Task:
    """A generation for ``ticket``, or the measurement of benchmark ``job``; exactly one of the two is set."""

    order: Answer | Measure
    ticket: Ticket | None = None
    stream: bool = False
    job: str = ""
    stopped: bool = field(default=False)

    @property
    def number(self) -> int:
        """The task's number in the worker's messages."""
        return self.order.task
