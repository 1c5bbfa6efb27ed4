"""The ways an attempt at a download ends before its end.

::

    PullError           carries the Failure that the user will read; trying again will not help
    Retry               a fault that time may cure: reset, time-out, truncated body, 429, 5xx
      Offline           there is no network at all: waiting for it is no failure
    StartOver           what is there is not, or no longer, of the file that the server has
    Stopped             we were told to stop
"""

import errno

from modeld.protocol.errors import ErrorCode, Failure

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PullError(Exception):
    """The download cannot go on."""

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, hint=hint)


class Retry(Exception):  # noqa: N818 - a signal to the loop, not an error by itself
    """This attempt ended; another may go on. ``after_s`` is what the server asked for, else None."""

    def __init__(self, why: str, after_s: float | None = None, *, crowded: bool = False) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.crowded = crowded


class Offline(Retry):
    """No network."""


class StartOver(Exception):  # noqa: N818 - likewise
    """Everything that is there is worthless; ``single`` when the server has no ranges, so one connection must do."""

    def __init__(self, why: str, *, single: bool = False, changed: bool = False) -> None:
        super().__init__(why)
        self.single = single
        self.changed = changed


class Stopped(Exception):  # noqa: N818 - likewise
    """The download was told to stop."""


def disk_error(error: OSError, path: object) -> PullError:
    """An error of the disk as a failure that says whether it is full."""
    if error.errno in _FULL:
        return PullError(
            ErrorCode.DISK_FULL,
            f"The disk is full: {path} cannot be written ({error.strerror}). What is there is kept.",
            "Make room, then pull again: it goes on where it stopped.",
        )
    return PullError(
        ErrorCode.UNWRITABLE,
        f"{path} cannot be written: {error.strerror}.",
        "Check the folder and who may write there; the setting models_dir names another one.",
    )
