"""Bugs planted in the core: a method of a part raises now and then, before or after it has done its work."""

import contextlib
import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any

from modeld.core.backups import Backups
from modeld.core.benchmarks.measuring import Benchmarks, Measurement
from modeld.core.benchmarks.schedule import BenchmarkSchedule
from modeld.core.downloads.lookups import HubLookups
from modeld.core.downloads.queue import Queue
from modeld.core.downloads.scheduler import Scheduler
from modeld.core.machine import Machine
from modeld.core.models.external import ExternalModels
from modeld.core.models.library import Library
from modeld.core.serving.answering import Generation, Generations
from modeld.core.serving.loading import Loader
from modeld.core.serving.tasks import Tasks

PARTS = (
    *(Backups, BenchmarkSchedule, Benchmarks, ExternalModels, Generation, Generations, HubLookups, Library, Loader),
    *(Machine, Measurement, Queue, Scheduler, Tasks),
)

SPARED = frozenset({"any_left", "any_running", "by_run", "forget", "give_up_looking", "owner", "runs", "unended"})
"""Methods that look something up for the recovery, or for whether the daemon may end."""


class PlantedBugError(Exception):
    """A bug that the fuzzer planted."""


@contextlib.contextmanager
def planted(rng: random.Random, share: float) -> Iterator[None]:
    """Let this share of the calls of the parts' methods raise."""
    with contextlib.ExitStack() as planting:
        for part in PARTS:
            for name, method in vars(part).items() if share else ():
                if inspect.isfunction(method) and not name.startswith("__") and name not in SPARED:
                    planting.enter_context(_replaced(part, name, _faulty(method, rng, share)))
        yield


@contextlib.contextmanager
def _replaced(part: type, name: str, replacement: Callable[..., object]) -> Iterator[None]:
    original = vars(part)[name]
    setattr(part, name, replacement)
    try:
        yield
    finally:
        setattr(part, name, original)


def _faulty(method: Callable[..., Any], rng: random.Random, share: float) -> Callable[..., Any]:
    def faulty(*arguments: Any, **named: Any) -> Any:
        chance = rng.random()
        if chance < share / 2:
            raise PlantedBugError(f"before {method.__qualname__}")
        result = method(*arguments, **named)
        if chance < share:
            raise PlantedBugError(f"after {method.__qualname__}")
        return result

    return faulty
