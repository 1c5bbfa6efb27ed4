"""What goes wrong, as exceptions: the daemon's ``Failure`` raised on the client's side.

The tree::

    ModeldError            any failure; ``code``, ``message`` and ``hint`` are the daemon's
    ├── NotFound           no such model or job
    ├── Refused            understood, and not now (the codes in ``modeld.protocol.errors.REFUSALS``)
    ├── BadRequest         the request itself is wrong
    └── DaemonAway         no daemon answers; raised by the link, never by a daemon
"""

from modeld.protocol.errors import REFUSALS, ErrorCode, Failure


class ModeldError(Exception):
    """A failure the daemon reported, or one of reaching it."""

    exit_code = 1

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    @property
    def code(self) -> ErrorCode:
        """The kind of failure, to branch on."""
        return self.failure.code

    @property
    def message(self) -> str:
        """What went wrong and why, as a sentence."""
        return self.failure.message

    @property
    def hint(self) -> str:
        """What to do next; may be empty."""
        return self.failure.hint


class NotFound(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """There is no such model or job."""

    exit_code = 4


class Refused(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """The daemon understood and will not do it now; nothing was broken and nothing was done."""

    exit_code = 5


class BadRequest(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """The request itself is wrong."""

    exit_code = 2


class DaemonAway(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """No daemon answers at this home."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "Start it with: modelctl up") -> None:
        super().__init__(Failure(code=ErrorCode.UNREACHABLE, message=message, hint=hint))


def of(failure: Failure) -> ModeldError:
    """The exception for a failure, of the class its code belongs to."""
    if failure.code is ErrorCode.NOT_FOUND:
        return NotFound(failure)
    if failure.code in REFUSALS:
        return Refused(failure)
    if failure.code in (ErrorCode.BAD_REQUEST, ErrorCode.TOO_LARGE):
        return BadRequest(failure)
    return ModeldError(failure)
