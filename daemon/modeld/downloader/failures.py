"""The ways an attempt at a download ends early.

::

    PullError           carries the Failure that the user will read; another attempt would not help
    Retry               a temporary fault: reset, time-out, truncated body, 429, 5xx
      Offline           there is no network at all; waiting for it does not count as a failure
    StartOver           the downloaded bytes are not of the file that the server has now
    Stopped             the download was stopped
"""

import errno

from modeld.protocol.errors import FailureError, Note
from modeld.protocol.reasons import Reason

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PullError(FailureError):
    """The download cannot continue."""


class Retry(Exception):  # noqa: N818 - a signal to the loop, not an error by itself
    """This attempt ended; the next may continue, after ``after_s`` if the server asked for that."""

    def __init__(self, cause: Note, after_s: float | None = None, *, crowded: bool = False) -> None:
        super().__init__(cause.message)
        self.cause = cause
        self.after_s = after_s
        self.crowded = crowded


class Offline(Retry):
    """No network."""


class StartOver(Exception):  # noqa: N818 - likewise
    """The downloaded bytes cannot be used; ``single``: the server has no ranges, so use one connection."""

    def __init__(self, cause: Note, *, single: bool = False, changed: bool = False) -> None:
        super().__init__(cause.message)
        self.cause = cause
        self.single = single
        self.changed = changed


class Stopped(Exception):  # noqa: N818 - likewise
    """The download was stopped."""


def disk_error(error: OSError, path: object) -> PullError:
    """A failure to write ``path`` that says whether the disk is full."""
    reason = Reason.DISK_FULL if error.errno in _FULL else Reason.NOT_WRITABLE
    return PullError(reason.failure(path=str(path), error=error.strerror or str(error)))
