"""What a part of the viewer is: built once into a parent, then shown the newest snapshot whenever it changed.

Everything here runs on the one thread that draws; ``Ui.post`` brings work to it from any other.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from modeld.protocol.events import AnyEvent
from modeld.protocol.views import Snapshot

from modelctl.client import Client
from modelctl.errors import ModeldError

_T = TypeVar("_T")

Tag = int | str
"""How DearPyGui names an item."""


class Ui(Protocol):
    """What a pane may ask of the viewer around it."""

    def post(self, action: Callable[[], None]) -> None:
        """Run ``action`` on the drawing thread, soon, and draw a frame; may be called from any thread."""

    def ask(
        self,
        call: Callable[[Client], _T],
        done: Callable[[_T], None] | None = None,
        failed: Callable[[ModeldError], None] | None = None,
    ) -> None:
        """Run ``call`` in another thread, then ``done`` or ``failed`` on the drawing thread.

        Without ``failed`` the failure is shown as a message at the foot of the panel.
        """

    def say(self, text: str, *, error: bool = False) -> None:
        """Show a message at the foot of the panel."""


class Pane(Protocol):
    """One part of the panel."""

    def build(self, parent: Tag) -> None:
        """Make the items, once, inside ``parent``."""

    def show(self, snapshot: Snapshot | None) -> None:
        """Bring the items up to ``snapshot`` (None: the daemon is away); unchanged parts of it are the same objects."""

    def heard(self, event: AnyEvent) -> None:
        """An event that leaves no trace in the snapshot (a refused prompt, a full context, an eviction's reason)."""
