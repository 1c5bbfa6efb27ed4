"""The interface of a backend that shows notices, and its errors.

::

    NotShownError          a backend could not show a notice
    ├── UnavailableError   there is no bus, no server or no library; it may appear later
    └── NoAnswerError      the notification server did not answer in time
"""

from typing import Protocol

from modelctl.desktop.notices.notice import Notice

DEADLINE_S = 2.0
"""The time limit for showing one notice."""


class NotShownError(Exception):
    """A backend could not show a notice; the message says why."""


class UnavailableError(NotShownError):
    """There is no notification server to ask; trying again is cheap."""


class NoAnswerError(NotShownError):
    """The notification server did not answer within the deadline; trying again takes that long again."""


class NotifierBackend(Protocol):
    """Shows notices. ``send`` and ``close`` are called from one thread."""

    name: str
    """The backend's name for the log."""
    replaces: bool
    """Whether a notice replaces an earlier one with the same key."""

    def send(self, notice: Notice) -> str:
        """Show ``notice`` within about two seconds; return how it was shown. Raises ``NotShownError``."""

    def close(self) -> None:
        """Release all resources within about a second."""
