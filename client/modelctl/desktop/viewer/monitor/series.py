"""The last minutes of the machine, and what its memory goes to; pure."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from modeld.protocol.views import ModelView, Snapshot, SystemView

from modelctl.language.catalogue import _

SAMPLES = 600
"""How many samples are kept: ten minutes at one a second, the most the daemon sends."""

WINDOW_S = 600.0
"""How far back the plot reaches."""


@dataclass(frozen=True)
class SystemSample:
    """The machine at one moment: seconds since the epoch, and percentages of memory and of all cores."""

    at_s: float
    memory: float
    cpu: float


class SampleSeries:
    """A ring of samples; the oldest go when it is full."""

    def __init__(self, samples: int = SAMPLES) -> None:
        self._ring: deque[SystemSample] = deque(maxlen=samples)
        self._seen: SystemView | None = None

    def __len__(self) -> int:
        return len(self._ring)

    def take(self, snapshot: Snapshot) -> bool:
        """Keep the machine of ``snapshot`` if it is another than the one taken last; whether it was."""
        system = snapshot.system
        if system is self._seen or system == self._seen:
            return False
        self._seen = system
        self._ring.append(SystemSample(seconds(snapshot.at), memory_percent(system), system.cpu_percent))
        return True

    def plot(self) -> tuple[list[float], list[float], list[float]]:
        """Minutes before the newest sample (negative), memory and processor in percent, oldest first."""
        if not self._ring:
            return [], [], []
        newest = self._ring[-1].at_s
        near = [sample for sample in self._ring if newest - sample.at_s <= WINDOW_S]
        minutes = [(sample.at_s - newest) / 60 for sample in near]
        return minutes, [sample.memory for sample in near], [sample.cpu for sample in near]


@dataclass(frozen=True)
class MemoryPart:
    """A part of the machine's memory: ``key`` is a model's key, or ``daemon``, ``other`` or ``free`` with a colon."""

    key: str
    label: str
    size_bytes: int


def memory_parts(snapshot: Snapshot) -> list[MemoryPart]:
    """What the machine's memory goes to, models first; the parts sum up to its total."""
    system = snapshot.system
    models = [MemoryPart(model.key, model.key.upper(), _measured(model)) for model in with_worker(snapshot)]
    ours = system.daemon_memory + sum(part.size_bytes for part in models)
    # Shared pages count in several processes, so the sum of ours can exceed what the machine calls used.
    other = max(system.memory_total - system.memory_available - ours, 0)
    free = max(system.memory_total - ours - other, 0)
    return [
        *models,
        MemoryPart(":daemon", "modeld", system.daemon_memory),
        MemoryPart(":other", _("Other programs"), other),
        MemoryPart(":free", _("Available"), free),
    ]


def with_worker(snapshot: Snapshot) -> list[ModelView]:
    """The models a worker process holds or is about to."""
    return [model for model in snapshot.models if model.loaded is not None]


def edges(sizes: list[int], width: float) -> list[float]:
    """Where the parts of a stacked bar of ``width`` end, to scale; one edge more than parts, from 0."""
    total = sum(sizes)
    found, reached = [0.0], 0
    for size in sizes:
        reached += size
        found.append(width * reached / total if total else 0.0)
    return found


def memory_percent(system: SystemView) -> float:
    """How much of the memory is taken."""
    if not system.memory_total:
        return 0.0
    return 100 * (system.memory_total - system.memory_available) / system.memory_total


def seconds(at: str) -> float:
    """An ISO time as seconds since the epoch; 0 for none."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0


def _measured(model: ModelView) -> int:
    return model.loaded.memory_bytes if model.loaded is not None else 0
