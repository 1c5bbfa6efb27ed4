"""The last minutes of the machine's load, and the parts of its memory; pure."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from modeld.protocol.views import ModelView, Snapshot, SystemView

from modelctl.language.catalogue import _

SAMPLES = 600
"""The number of samples kept: ten minutes at one per second, the daemon's maximum rate."""

WINDOW_S = 600.0
"""The time span of the plot."""


@dataclass(frozen=True)
class SystemSample:
    """One sample: seconds since the epoch, and the percentages of memory and CPU in use."""

    at_s: float
    memory: float
    cpu: float


class SampleSeries:
    """A ring of samples; the oldest are dropped when it is full."""

    def __init__(self, samples: int = SAMPLES) -> None:
        self._ring: deque[SystemSample] = deque(maxlen=samples)
        self._seen: SystemView | None = None

    def __len__(self) -> int:
        return len(self._ring)

    def take(self, snapshot: Snapshot) -> bool:
        """Add the machine's figures of ``snapshot`` if they are new; return whether they were."""
        system = snapshot.system
        if system is self._seen or system == self._seen:
            return False
        self._seen = system
        self._ring.append(SystemSample(seconds(snapshot.at), memory_percent(system), system.cpu_percent))
        return True

    def plot(self) -> tuple[list[float], list[float], list[float]]:
        """Minutes before the newest sample (negative), memory and CPU in percent, oldest first."""
        if not self._ring:
            return [], [], []
        newest = self._ring[-1].at_s
        near = [sample for sample in self._ring if newest - sample.at_s <= WINDOW_S]
        minutes = [(sample.at_s - newest) / 60 for sample in near]
        return minutes, [sample.memory for sample in near], [sample.cpu for sample in near]


@dataclass(frozen=True)
class MemoryPart:
    """A part of the machine's memory; ``key`` is a model's key, or ``daemon``, ``other`` or ``free`` with a colon."""

    key: str
    label: str
    size_bytes: int


def memory_parts(snapshot: Snapshot) -> list[MemoryPart]:
    """The parts of the machine's memory, models first; their sum is the total."""
    system = snapshot.system
    models = [MemoryPart(model.key, model.key.upper(), _measured(model)) for model in with_worker(snapshot)]
    ours = system.daemon_memory + sum(part.size_bytes for part in models)
    # Shared pages count in several processes, so the sum of ours can exceed what the machine reports as used.
    other = max(system.memory_total - system.memory_available - ours, 0)
    free = max(system.memory_total - ours - other, 0)
    return [
        *models,
        MemoryPart(":daemon", "modeld", system.daemon_memory),
        MemoryPart(":other", _("Other programs"), other),
        MemoryPart(":free", _("Available"), free),
    ]


def with_worker(snapshot: Snapshot) -> list[ModelView]:
    """The models that have, or will have, a worker process."""
    return [model for model in snapshot.models if model.loaded is not None]


def edges(sizes: list[int], width: float) -> list[float]:
    """The edges of the parts of a stacked bar ``width`` wide, to scale, starting at 0; one more than parts."""
    total = sum(sizes)
    found, reached = [0.0], 0
    for size in sizes:
        reached += size
        found.append(width * reached / total if total else 0.0)
    return found


def memory_percent(system: SystemView) -> float:
    """The used part of the memory."""
    if not system.memory_total:
        return 0.0
    return 100 * (system.memory_total - system.memory_available) / system.memory_total


def seconds(at: str) -> float:
    """An ISO time as seconds since the epoch; 0 for an empty one."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0


def _measured(model: ModelView) -> int:
    return model.loaded.memory_bytes if model.loaded is not None else 0
