"""The machine's memory and processors: published when they changed by enough to show."""

from itertools import zip_longest

from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.undo import Tracked
from modeld.protocol import events
from modeld.protocol.views import GpuView, SystemView

MEMORY_STEP_BYTES = 16 * 1024 * 1024
"""Memory that moved by less is not worth an event; the machine's own moves all the time, so for it four times this."""

BUSY_STEP_PERCENT = 10.0
"""A processor whose load moved by less is not worth an event."""


class Machine(Tracked):
    """The newest sample, and the one that was published last."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox
        self.published = SystemView()
        """The sample that clients know, which a snapshot shows too."""

    def sampled(self, now: SystemView) -> None:
        """Keep a sample; publish it when it shows something new."""
        self._state.system = now
        if moved(self.published, now):
            self.published = now
            self._outbox.publish(events.SystemSampled(system=now))


def moved(before: SystemView, now: SystemView) -> bool:
    """Whether a person would see a difference."""
    memory = max(
        abs(before.memory_available - now.memory_available) // 4,
        abs(before.disk_free - now.disk_free) // 4,
        abs(before.workers_memory - now.workers_memory),
        abs(before.daemon_memory - now.daemon_memory),
    )
    busy = abs(before.cpu_percent - now.cpu_percent)
    gpus = (_gpu_moved(*pair) for pair in zip_longest(before.gpus, now.gpus))
    return memory >= MEMORY_STEP_BYTES or busy >= BUSY_STEP_PERCENT or any(gpus)


def _gpu_moved(before: GpuView | None, now: GpuView | None) -> bool:
    if before is None or now is None:
        return True
    busy = abs((before.busy_percent or 0.0) - (now.busy_percent or 0.0))
    return abs(before.memory_used - now.memory_used) >= MEMORY_STEP_BYTES or busy >= BUSY_STEP_PERCENT
