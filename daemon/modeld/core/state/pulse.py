"""What a worker's messages last said about its life."""

from dataclasses import dataclass

from modeld.core.state.undo import Tracked
from modeld.protocol.workers import Activity


@dataclass
class Pulse(Tracked):
    """One worker's signs of life; the moments are of ``State.awake_s``."""

    activity: Activity = Activity.LOADING
    since_s: float = 0.0
    """When it began this activity."""

    heard_s: float = 0.0
    """When it last gave a sign of life."""

    resident_bytes: int = 0
    """Its memory at the last sample."""

    def begin(self, activity: Activity, moment_s: float) -> None:
        """Note that the worker begins something."""
        self.activity, self.since_s, self.heard_s = activity, moment_s, moment_s

    def hear(self, moment_s: float) -> None:
        """Note a sign of life."""
        self.heard_s = moment_s
