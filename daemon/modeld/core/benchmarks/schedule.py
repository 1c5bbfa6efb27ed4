"""Scheduled benchmarks: once a week by default, and only while the machine is idle."""

from datetime import datetime

from modeld.core.benchmarks.measuring import Benchmarks
from modeld.core.models import kinds
from modeld.core.state.model import Model
from modeld.core.state.state import State
from modeld.core.state.undo import Tracked
from modeld.protocol.states import ModelState

DAY_S = 86_400.0

QUIET_S = 600.0
"""The machine must have been idle for so long."""

QUIET_PERCENT = 20.0
"""Other programs may take so much of the processors."""

ASLEEP_S = 60.0
"""Ticks come each second. When so much time passed since the last one, the machine slept."""

AGAIN_S = DAY_S
"""A benchmark that failed is not tried again before."""

_RESTING = frozenset({ModelState.ON_DISK, ModelState.LOADED})


class BenchmarkSchedule(Tracked):
    """Looks each second whether a benchmark is due; models that were never benchmarked are left to the person."""

    def __init__(self, state: State, benchmarks: Benchmarks) -> None:
        self._state = state
        self._benchmarks = benchmarks
        self._quiet_since: float | None = None
        self._ticked_at = (0.0, 0.0)
        self._tried: dict[str, float] = {}

    def ticked(self) -> None:
        """A second passed."""
        state = self._state
        if not state.settings.benchmark_every_days:
            return
        slept = self._has_slept()
        if self._is_needed():
            self._quiet_since = None
            return
        if slept or self._quiet_since is None:
            self._quiet_since = state.clock
        if state.clock - self._quiet_since < QUIET_S:
            return
        due = [model for model in state.models.values() if self._is_due(model)]
        if due:
            model = min(due, key=_measured_at)
            self._tried[model.key] = state.clock
            self._benchmarks.queue_scheduled(model.key)

    def _has_slept(self) -> bool:
        """Whether the machine slept since the last tick: someone has just opened it.

        On Linux and macOS the monotonic clock stands still meanwhile, so the date is looked at too.
        """
        before, self._ticked_at = self._ticked_at, (self._state.now, self._state.clock)
        return any(after - then > ASLEEP_S for then, after in zip(before, self._ticked_at, strict=True))

    def _is_needed(self) -> bool:
        """Whether the machine is in use, or runs on its battery."""
        state = self._state
        system = state.system
        return (
            state.stopping
            or system.cpu_percent > QUIET_PERCENT
            or system.on_battery
            or any(not job.ended for job in state.jobs.values())
            or any(model.current is not None or model.tasks for model in state.models.values())
        )

    def _is_due(self, model: Model) -> bool:
        state = self._state
        if model.latest is None or model.state not in _RESTING or model.key in self._state.removing:
            return False
        tried = self._tried.get(model.key, -AGAIN_S)
        if state.clock - tried < AGAIN_S or kinds.refusal(model.header) is not None:
            return False
        return state.now - _measured_at(model) >= state.settings.benchmark_every_days * DAY_S


def _measured_at(model: Model) -> float:
    """When its newest benchmark ended, in seconds since the epoch; what cannot be read counts as never."""
    try:
        return datetime.fromisoformat(model.latest.timestamp).timestamp() if model.latest is not None else 0.0
    except (ValueError, OverflowError, OSError):  # the last two: a year that this system's clock does not have
        return 0.0
