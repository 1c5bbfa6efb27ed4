"""What can go wrong, as values.

One struct for every refusal and every fault that reaches a client: a code to branch on, a reason with its fields, a
sentence to read, a hint to act on. The sentences are in ``modeld.protocol.reasons``. The codes in their families::

    the request        bad_request, unsupported_version, too_large
    the thing          not_found, already_exists, not_on_disk, bad_model_file
    refused            in_use, busy, context_overflow, not_enough_memory, not_allowed, shutting_down
    the disk           disk_full, unwritable
    the network        unreachable, http_error, changed_remotely, hash_mismatch
    the worker         load_failed, worker_crashed, generation_failed, implausible
    the end            cancelled, interrupted
    us                 internal
"""

from enum import StrEnum
from typing import Union

import msgspec


class ErrorCode(StrEnum):
    """The kinds of failure a program can tell apart."""

    BAD_REQUEST = "bad_request"
    UNSUPPORTED_VERSION = "unsupported_version"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    NOT_ON_DISK = "not_on_disk"
    BAD_MODEL_FILE = "bad_model_file"
    IN_USE = "in_use"
    BUSY = "busy"
    CONTEXT_OVERFLOW = "context_overflow"
    NOT_ENOUGH_MEMORY = "not_enough_memory"
    NOT_ALLOWED = "not_allowed"
    SHUTTING_DOWN = "shutting_down"
    DISK_FULL = "disk_full"
    UNWRITABLE = "unwritable"
    UNREACHABLE = "unreachable"
    HTTP_ERROR = "http_error"
    CHANGED_REMOTELY = "changed_remotely"
    HASH_MISMATCH = "hash_mismatch"
    LOAD_FAILED = "load_failed"
    WORKER_CRASHED = "worker_crashed"
    GENERATION_FAILED = "generation_failed"
    IMPLAUSIBLE = "implausible"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


REFUSALS = frozenset(
    {
        ErrorCode.ALREADY_EXISTS,
        ErrorCode.NOT_ON_DISK,
        ErrorCode.IN_USE,
        ErrorCode.BUSY,
        ErrorCode.CONTEXT_OVERFLOW,
        ErrorCode.NOT_ENOUGH_MEMORY,
        ErrorCode.NOT_ALLOWED,
        ErrorCode.SHUTTING_DOWN,
        ErrorCode.DISK_FULL,
    }
)
"""Codes that mean "understood, and not now": nothing was broken and nothing was done."""


Field = Union[str, int, float, "Note"]
"""What a sentence is about: a name, a number, or another sentence (the cause of a decision)."""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sentence as data: a ``reason`` of ``modeld.protocol.reasons`` with its ``fields``; ``message`` is English."""

    reason: str
    fields: dict[str, Field] = {}
    message: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One failure: ``message`` says what and why, ``hint`` what to do next (may be empty), both in English.

    ``reason`` and ``fields`` say the same as data (see ``modeld.protocol.reasons``); a failure that an older version
    stored has none.
    """

    code: ErrorCode
    message: str
    hint: str = ""
    reason: str = ""
    fields: dict[str, Field] = {}

    def note(self) -> Note:
        """The failure as a note, where it is the reason for something else."""
        return Note(reason=self.reason, fields=self.fields, message=self.message)

    def in_full(self) -> str:
        """The message and the hint."""
        return f"{self.message} {self.hint}".rstrip()


class FailureError(Exception):
    """A failure as an exception; its text is the English message."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
