"""What a tab of the viewer is: built once into a parent, then shown the newest snapshot whenever it changed.

Everything here runs on the drawing thread; ``Ui.post`` brings work to it from any other thread.
"""

from typing import Protocol

from modeld.protocol.events import AnyEvent
from modeld.protocol.views import Snapshot

Tag = int | str
"""How DearPyGui names an item."""


class Tab(Protocol):
    """One tab of the panel."""

    def build(self, parent: Tag) -> None:
        """Make the items, once, inside ``parent``."""

    def show(self, snapshot: Snapshot | None) -> None:
        """Bring the items up to ``snapshot`` (None: the daemon is away); unchanged parts of it are the same objects."""

    def on_event(self, event: AnyEvent) -> None:
        """An event that the snapshot does not show (a refused prompt, a full context, the reason of an eviction)."""
