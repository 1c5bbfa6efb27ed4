"""What the daemon knows now: its models and jobs, the machine, the settings, and the moment."""

from collections.abc import Iterator
from datetime import UTC, datetime

from modeld.core.state.jobs import Job
from modeld.core.state.model import Model
from modeld.core.state.undo import Tracked
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import DaemonView, SystemView
from modeld.settings import Settings

LONGEST_GAP_S = 2.0
"""Facts come at least once a second. After a longer gap the daemon itself was stopped and received nothing."""


class State(Tracked):
    """The state that all parts of the manager share, and the moment of the fact that is being handled.

    ``now`` is the date, in seconds since the epoch. ``clock`` measures durations: it never jumps, but may stand still
    while the machine sleeps. ``awake_s`` is like ``clock``, but counts only while the daemon ran: deadlines of workers
    use it.
    """

    def __init__(self, epoch: str, daemon: DaemonView, settings: Settings, ids: Iterator[str]) -> None:
        self.epoch = epoch
        self.daemon = daemon
        self.settings = settings
        self.ids = ids
        self.models: dict[str, Model] = {}
        self.jobs: dict[str, Job] = {}
        self.removing: set[str] = set()
        """Models whose files are being deleted."""
        self.wanted: list[str] = []
        """Models that are to be loaded once there is room, the first one first."""
        self.system = SystemView()
        self.now = 0.0
        self.clock = 0.0
        self.awake_s = 0.0
        self.stopping = False
        self._runs = 0
        self._tasks = 0

    def advance(self, now: float, clock: float) -> None:
        """Note the moment of the fact that is handled next; it is not undone with that fact's changes."""
        passed = min(max(clock - self.clock, 0.0), LONGEST_GAP_S)
        object.__setattr__(self, "awake_s", self.awake_s + passed)
        object.__setattr__(self, "now", now)
        object.__setattr__(self, "clock", clock)

    @property
    def at(self) -> str:
        """The moment as ISO 8601 in UTC."""
        return self.moment(self.now)

    @staticmethod
    def moment(seconds: float) -> str:
        """Seconds since the epoch as ISO 8601 in UTC."""
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

    def next_run(self) -> int:
        """A number for a new worker or a new attempt of a pull."""
        self._runs += 1
        return self._runs

    def next_task(self) -> int:
        """A number for a worker's task."""
        self._tasks += 1
        return self._tasks

    def find(self, key: str) -> Model | Failure:
        """The model of exactly this key, or the refusal that names the nearest ones."""
        model = self.models.get(key)
        if model is not None:
            return model
        if not self.models:
            return Reason.NO_MODELS.failure(key=key)
        near = [known for known in self.models if known.startswith(key[:3])] or list(self.models)
        return Reason.MODEL_UNKNOWN.failure(key=key, names=", ".join(near[:5]))

    def job_of(self, key: str) -> Job | None:
        """The unended job of a model, the newest first."""
        for job in reversed(self.jobs.values()):
            if job.model == key and not job.ended:
                return job
        return None
