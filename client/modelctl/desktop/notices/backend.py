"""The seam between notices and the desktop: one way of showing them, and what can be wrong with it.

::

    NotShownError          a way could not show a notice
    ├── NobodyThereError   nobody is there to show it: no bus, no server, no library; may come later
    └── NoAnswerError      whoever is there did not answer in time
"""

from typing import Protocol

from modelctl.desktop.notices.notice import Notice

DEADLINE_S = 2.0
"""How long one notice may take to be shown."""


class NotShownError(Exception):
    """A way could not show a notice; the message says why."""


class NobodyThereError(NotShownError):
    """Nobody is there to show it; asking again is cheap."""


class NoAnswerError(NotShownError):
    """Whoever is there did not answer within the deadline; asking again costs that time again."""


class NotifierBackend(Protocol):
    """One way of showing notices. ``send`` and ``close`` are called from one thread."""

    name: str
    """What a log calls it."""
    replaces: bool
    """Whether a notice takes the place of an earlier one of its key."""

    def send(self, notice: Notice) -> str:
        """Show ``notice`` and say how, within about two seconds; raises ``NotShownError``."""

    def close(self) -> None:
        """Let go of everything, within about a second."""
