"""The client's exceptions: the daemon's ``Failure`` is raised as one of them.

The tree::

    ModeldError            any failure; ``code``, ``message`` and ``hint`` are the daemon's
    ├── NotFound           no such model or job
    ├── Refused            understood, and not now (the codes in ``modeld.protocol.errors.REFUSALS``)
    ├── BadRequest         the request itself is wrong
    └── DaemonUnavailable  no daemon answers; raised by the transport, never by a daemon
        ├── DaemonDied     it ended without being stopped: it crashed or was killed
        └── DaemonSilent   it runs, and has not responded for 20 s; what it has begun continues
"""

from typing import assert_never

from modeld.protocol.errors import REFUSALS, ErrorCode, Failure

from modelctl.language import sentences
from modelctl.language.catalogue import _
from modelctl.language.printable import printable


class LocalFailure(Failure, frozen=True, kw_only=True, omit_defaults=True):
    """A failure found on the client's side; its message is already in the user's language."""


class ModeldError(Exception):
    """A failure that the daemon reported, or a failure to reach it."""

    exit_code = 1

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    @property
    def code(self) -> ErrorCode:
        """The kind of failure, for programs to branch on."""
        return self.failure.code

    @property
    def message(self) -> str:
        """What went wrong and why, in one sentence."""
        return self.failure.message

    @property
    def hint(self) -> str:
        """What to do next; may be empty."""
        return self.failure.hint


class NotFound(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """There is no such model or job."""

    exit_code = 4


class Refused(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """The request was understood but refused; nothing was changed."""

    exit_code = 5


class BadRequest(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """The request itself is invalid."""

    exit_code = 2


class DaemonUnavailable(ModeldError):  # noqa: N818 - the name is the public vocabulary
    """No daemon answers for this home."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        hint = hint or _("Start it with: modelctl up")
        super().__init__(LocalFailure(code=ErrorCode.UNREACHABLE, message=message, hint=hint))


class DaemonDied(DaemonUnavailable):
    """The daemon ended without being stopped: it crashed or was killed."""


class DaemonSilent(DaemonUnavailable):
    """The daemon runs, but has not responded for so long that the caller gives up; what it has begun continues."""

    exit_code = 6


DaemonAway = DaemonUnavailable
"""The former name, kept for existing programs."""


def of(failure: Failure) -> ModeldError:
    """The exception for a failure; its code decides the class."""
    if failure.code is ErrorCode.NOT_FOUND:
        return NotFound(failure)
    if failure.code in REFUSALS:
        return Refused(failure)
    if failure.code in (ErrorCode.BAD_REQUEST, ErrorCode.TOO_LARGE):
        return BadRequest(failure)
    return ModeldError(failure)


def explained(failure: Failure) -> str:
    """What went wrong, in the user's language; an unknown reason stays English, after a headline."""
    if isinstance(failure, LocalFailure):
        return printable(failure.message)
    return sentences.of_failure(failure) or f"{headline(failure.code)} – {printable(failure.message)}"


def advice(failure: Failure) -> str:
    """What to do next, in the user's language; may be empty."""
    return printable(failure.hint) if isinstance(failure, LocalFailure) else sentences.hint_of(failure)


def headline(code: ErrorCode) -> str:
    """The kind of failure in a few words, in the current language."""
    match code:
        case ErrorCode.BAD_REQUEST:
            return _("The request is wrong")
        case ErrorCode.UNSUPPORTED_VERSION:
            return _("The versions are incompatible")
        case ErrorCode.TOO_LARGE:
            return _("The request is too large")
        case ErrorCode.NOT_FOUND:
            return _("Not found")
        case ErrorCode.ALREADY_EXISTS:
            return _("Already exists")
        case ErrorCode.NOT_ON_DISK:
            return _("The model is not on disk")
        case ErrorCode.BAD_MODEL_FILE:
            return _("The model file is damaged or not supported")
        case ErrorCode.IN_USE:
            return _("In use")
        case ErrorCode.BUSY:
            return _("Too much to do at the moment")
        case ErrorCode.CONTEXT_OVERFLOW:
            return _("The text does not fit into the context")
        case ErrorCode.NOT_ENOUGH_MEMORY:
            return _("Not enough memory")
        case ErrorCode.NOT_ALLOWED:
            return _("Not allowed")
        case ErrorCode.SHUTTING_DOWN:
            return _("The daemon is stopping")
        case ErrorCode.DISK_FULL:
            return _("The disk is full")
        case ErrorCode.UNWRITABLE:
            return _("Cannot write")
        case ErrorCode.UNREACHABLE:
            return _("Not reachable")
        case ErrorCode.HTTP_ERROR:
            return _("The server refused the download")
        case ErrorCode.CHANGED_REMOTELY:
            return _("The file changed on the server")
        case ErrorCode.HASH_MISMATCH:
            return _("The file's checksum is wrong")
        case ErrorCode.LOAD_FAILED:
            return _("The model could not be loaded")
        case ErrorCode.WORKER_CRASHED:
            return _("The model's process crashed")
        case ErrorCode.GENERATION_FAILED:
            return _("The answer failed")
        case ErrorCode.IMPLAUSIBLE:
            return _("The measurement is implausible")
        case ErrorCode.CANCELLED:
            return _("Cancelled")
        case ErrorCode.INTERRUPTED:
            return _("Interrupted")
        case ErrorCode.INTERNAL:
            return _("An unexpected error")
        case _:
            assert_never(code)
