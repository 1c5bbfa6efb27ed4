"""The daemon's failures and notes as sentences in the user's language.

They arrive as a reason and its fields, with an English message. In another language the reason's template
(``modeld.protocol.reasons``) is translated and filled with the same fields. A reason that this version does not know
keeps its English message.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from modeld.protocol.errors import Failure, Field, Note
from modeld.protocol.views import BenchmarkRun, Progress

from modelctl.language import system_errors
from modelctl.language.catalogue import _, is_english

if TYPE_CHECKING:
    from modeld.protocol.reasons import Reason
    from modelservice import Message


def of_note(note: Note) -> str:
    """A note as a sentence."""
    reason = _reason(note.reason)
    return _filled(reason.message, note.fields) if reason is not None else note.message


def of_notes(notes: Iterable[Note], english: str) -> str:
    """The notes of an answer, each with its hint; ``english`` is the daemon's own text of them."""
    return english if is_english() else " ".join(map(_with_hint, notes)) or english


def _with_hint(note: Note) -> str:
    reason = _reason(note.reason)
    hint = _filled(reason.hint, note.fields) if reason is not None and reason.hint else ""
    return f"{of_note(note)} {hint}".rstrip()


def of_failure(failure: Failure) -> str | None:
    """The failure's message; None if the reason is unknown, so that only the English message is available."""
    if is_english():
        return failure.message
    reason = _reason(failure.reason)
    return _filled(reason.message, failure.fields) if reason is not None else None


def hint_of(failure: Failure) -> str:
    """What to do next; may be empty."""
    reason = _reason(failure.reason)
    return _filled(reason.hint, failure.fields) if reason is not None and reason.hint else failure.hint


def of_cause(progress: Progress) -> str:
    """Why a download waits or starts over; empty if it does neither."""
    return of_note(progress.cause) if progress.cause is not None else progress.trouble


def of_disturbance(run: BenchmarkRun) -> str:
    """What disturbed a benchmark; empty if nothing did, or if it is unknown."""
    return of_notes(run.disturbances, run.disturbance)


def of_message(message: "Message") -> str:
    """A message of the service installers."""
    words = {name: _word(name, value) for name, value in message.fields}
    return _(message.template).format(**words)


def _reason(name: str) -> "Reason | None":
    """The reason with this name, if its template is needed; English messages are complete already."""
    if not name or is_english():
        return None
    from modeld.protocol import reasons

    return reasons.known(name)


def _filled(template: str, fields: Mapping[str, Field]) -> str:
    words = {name: _word(name, value) for name, value in fields.items()}
    return _(template).format(**words)


def _word(name: str, value: Field) -> str | int | float:
    if isinstance(value, Note):
        return of_note(value)
    return system_errors.translated(value) if name == "error" and isinstance(value, str) else value
