"""The daemon's failures and notes as sentences in the user's language.

They arrive as a reason and its fields, with an English message. In another language the reason's template
(``modeld.protocol.reasons``) is translated and filled with the same fields. A reason that this version does not know,
or knows with other fields, keeps its English message.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from modeld.protocol.errors import Failure, Field, Note
from modeld.protocol.views import BenchmarkRun, Progress

from modelctl.language import system_errors
from modelctl.language.catalogue import _, is_english
from modelctl.language.printable import printable

if TYPE_CHECKING:
    from modeld.protocol.reasons import Reason
    from modelservice import Message


def of_note(note: Note) -> str:
    """A note as a sentence."""
    return printable(_message(note.reason, note.fields) or note.message)


def of_notes(notes: Iterable[Note], english: str) -> str:
    """The notes of an answer, each with its hint; ``english`` is the daemon's own text of them."""
    return printable(english if is_english() else " ".join(map(_with_hint, notes)) or english)


def _with_hint(note: Note) -> str:
    return f"{of_note(note)} {_hint(note.reason, note.fields)}".rstrip()


def of_failure(failure: Failure) -> str | None:
    """The failure's message; None if the reason is unknown, so that only the English message is available."""
    message = failure.message if is_english() else _message(failure.reason, failure.fields)
    return printable(message) or None


def hint_of(failure: Failure) -> str:
    """What to do next; may be empty."""
    return printable(_hint(failure.reason, failure.fields) or failure.hint)


def of_cause(progress: Progress) -> str:
    """Why a download waits or starts over; empty if it does neither."""
    return of_note(progress.cause) if progress.cause is not None else printable(progress.trouble)


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


def _message(name: str, fields: Mapping[str, Field]) -> str:
    reason = _reason(name)
    return _filled(reason.message, fields) if reason is not None else ""


def _hint(name: str, fields: Mapping[str, Field]) -> str:
    reason = _reason(name)
    return _filled(reason.hint, fields) if reason is not None and reason.hint else ""


def _filled(template: str, fields: Mapping[str, Field]) -> str:
    """The translated template with its fields; empty if a daemon of another version sent other fields."""
    words = {name: _word(name, value) for name, value in fields.items()}
    try:
        return _(template).format(**words)
    except (KeyError, ValueError):
        return ""


def _word(name: str, value: Field) -> str | int | float:
    if isinstance(value, Note):
        return of_note(value)
    return system_errors.translated(value) if name == "error" and isinstance(value, str) else value
