"""Reads and writes the files of ``modelctl backup``, and splits them into requests that fit the size limit. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
from modeld.protocol import replies, requests, wire
from modeld.protocol.errors import ErrorCode, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import Backup, BenchmarkResult

from modelctl.errors import LocalFailure, ModeldError
from modelctl.language.catalogue import _
from modelctl.transport.transport import new_id

FORMAT = 1
"""The newest backup format that this version reads."""

MAX_PART_BYTES = 500_000

_V = TypeVar("_V", bound=msgspec.Struct)


class _Format(msgspec.Struct):
    """The field that identifies a backup file."""

    format: int


def text(backup: Backup) -> bytes:
    """The contents of a backup file."""
    return msgspec.json.format(wire.encode(backup), indent=1) + b"\n"


def read(content: bytes, name: str) -> tuple[Backup, list[BenchmarkResult]]:
    """Parse a backup, or the records of a ``model_benchmarks.json``; ``name`` is for messages. Raises ModeldError."""
    try:
        found = msgspec.json.decode(content, type=_Format).format
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _nothing(), _records(content, name)
    if found != FORMAT:
        newer = _("{name} has format {found}; this modelctl knows {known}.")
        raise _refused(newer.format(name=name, found=found, known=FORMAT), _("Use the modelctl version that wrote it."))
    try:
        return msgspec.json.decode(content, type=Backup), []
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _unusable(name, error) from error


def parts(
    backup: Backup, results: Sequence[BenchmarkResult] = (), *, trust_settings: bool = False
) -> Iterator[requests.Restore]:
    """Requests that together restore the backup; each has its own repeat key, so it may be sent again.

    A backup that fits into one request is one, which is stored all or none.
    """
    whole = requests.Restore(
        id=new_id(),
        key=new_id(),
        settings=backup.settings,
        trust_settings=trust_settings,
        models=backup.models,
        runs=backup.runs,
        results=list(results),
    )
    if len(wire.encode(whole)) <= MAX_PART_BYTES:
        yield whole
        return
    yield requests.Restore(id=new_id(), key=new_id(), settings=backup.settings, trust_settings=trust_settings)
    for models in _portions(backup.models):
        yield requests.Restore(id=new_id(), key=new_id(), models=models)
    for runs in _portions(backup.runs):
        yield requests.Restore(id=new_id(), key=new_id(), runs=runs)
    for records in _portions(results):
        yield requests.Restore(id=new_id(), key=new_id(), results=records)


def held_back(done: replies.Restored) -> list[Note]:
    """Why settings were not restored that need the user's agreement; a note has the ``name`` and the ``value``."""
    return [note for note in done.refusals if note.reason == Reason.RESTORE_SETTING_HELD_BACK.id]


def with_settings(done: replies.Restored, agreed: replies.Restored) -> replies.Restored:
    """The combined result of a restore and of the restore of its settings that the user has agreed to."""
    refusals = [note for note in done.refusals if note not in held_back(done)]
    refusals += [note for note in agreed.refusals if note not in refusals]
    return msgspec.structs.replace(
        done,
        settings=done.settings + agreed.settings,
        refused=[note.message for note in refusals],
        refusals=refusals,
    )


def sum_of(one: replies.Restored, other: replies.Restored) -> replies.Restored:
    """The combined result of two restore requests."""
    fields = replies.Restored.__struct_fields__
    return replies.Restored(**{name: getattr(one, name) + getattr(other, name) for name in fields})


def _portions(items: Sequence[_V]) -> Iterator[list[_V]]:
    portion: list[_V] = []
    size = 0
    for item in items:
        more = len(wire.encode(item))
        if portion and size + more > MAX_PART_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += more
    if portion:
        yield portion


def _records(content: bytes, name: str) -> list[BenchmarkResult]:
    try:
        by_key = msgspec.json.decode(content, type=dict[str, list[BenchmarkResult]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(name, error) from error
    return [msgspec.structs.replace(record, model_key=key) for key, records in by_key.items() for record in records]


def _nothing() -> Backup:
    return Backup(format=FORMAT, at="", daemon_version="")


def _unusable(name: str, error: Exception) -> ModeldError:
    wrong = _("{name} is neither a backup nor a model_benchmarks.json: {error}.")
    return _refused(wrong.format(name=name, error=error), _("Nothing was changed."))


def _refused(message: str, hint: str) -> ModeldError:
    return ModeldError(LocalFailure(code=ErrorCode.BAD_REQUEST, message=message, hint=hint))
