"""What a worker is asked to do, one task at a time."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from modeld.core.state.undo import Tracked
from modeld.protocol.errors import Failure
from modeld.protocol.workers import Answer, Measure

if TYPE_CHECKING:
    from modeld.core.state.jobs import Job


class Ticket(NamedTuple):
    """Who asked: the client's routing id, the request's id, and its idempotency key (or empty)."""

    client: bytes
    id: str
    key: str = ""


class Task(Tracked, ABC):
    """A generation for a client or the measurement of a benchmark job (``Generation | Measurement``)."""

    def __init__(self, order: Answer | Measure) -> None:
        self.order = order
        self.number = order.task
        """The task's number in the worker's messages."""
        self.stop_asked_s: float | None = None
        """When the worker was asked to stop it, by ``State.awake_s``."""

    @property
    @abstractmethod
    def owner(self) -> "Ticket | Job":
        """The request that it answers, or the job that it belongs to."""

    @abstractmethod
    def fail(self, failure: Failure) -> None:
        """End the task badly: a generation answers its client, a measurement fails its job."""
