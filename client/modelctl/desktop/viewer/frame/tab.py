"""The interface of a tab: built once into a parent, then updated with every new snapshot.

All methods run on the drawing thread; ``Ui.post`` runs an action there from any other thread.
"""

from typing import Protocol

from modeld.protocol.events import AnyEvent
from modeld.protocol.views import Snapshot

Tag = int | str
"""DearPyGui's type for item names."""


class Tab(Protocol):
    """One tab of the panel."""

    def build(self, parent: Tag) -> None:
        """Create the items, once, inside ``parent``."""

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the items to ``snapshot`` (None: the daemon is not reachable); unchanged parts are identical."""

    def on_event(self, event: AnyEvent) -> None:
        """Handle an event that snapshots do not show (a refused prompt, a full context, the reason for an eviction)."""
