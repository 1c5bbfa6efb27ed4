"""What a worker is asked to do, one task at a time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from modeld.protocol.errors import Failure
from modeld.protocol.workers import Answer, Measure


@dataclass(frozen=True)
class Ticket:
    """Who asked: the client's routing id, the request's id, and its idempotency key (or empty)."""

    client: bytes
    id: str
    key: str = ""


class Task(ABC):
    """A generation for a client or the measurement of a benchmark job (``Generation | Measurement``)."""

    def __init__(self, order: Answer | Measure) -> None:
        self.order = order
        self.number = order.task
        """The task's number in the worker's messages."""
        self.stopped = False

    @abstractmethod
    def fail(self, failure: Failure) -> None:
        """End the task badly: a generation answers its client, a measurement fails its job."""
