"""Every sentence the daemon says to a person, as data: one closed table of reasons.

The daemon and its workers never build a sentence. They name a reason and its fields, and the table has the words::

    Reason.MODEL_UNKNOWN.failure(key="phi", names="mistral, qwen")     # a Failure, with code, message and hint
    Reason.IDLE.note(seconds=1800)                                     # a Note: an answer's remark, a cause

The message and the hint of what is sent are English, for clients that know no reasons. ``modelctl`` takes the template
of the same reason in the user's language and fills it with the same fields (``modelctl.language.sentences``).

A field is text, a number, or a Note (why something else was done). Templates are format strings
(https://docs.python.org/3/library/string.html#formatstrings). A field that is called ``error`` holds words of the
operating system or of a library. Reasons may be added in every version; a client that does not know one shows the
English message.
"""

from enum import Enum

from modeld.protocol.errors import ErrorCode, Failure, Field, Note

_C = ErrorCode


class Reason(Enum):
    """A reason: the code of its failure (None for a note), its sentence, and the hint what to do next (may be empty).

    On the wire it is its name in lower case.
    """

    def __init__(self, code: ErrorCode | None, message: str, hint: str = "") -> None:
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def id(self) -> str:
        """The name of the reason on the wire."""
        return self.name.lower()

    def failure(self, **fields: Field) -> Failure:
        """The failure for this reason; ``fields`` are those of its sentence and its hint."""
        if self.code is None:
            raise ValueError(f"{self.name} is the reason of a note, not of a failure")
        words = _english(fields)
        return Failure(
            code=self.code,
            reason=self.id,
            fields=fields,
            message=self.message.format(**words),
            hint=self.hint.format(**words),
        )

    def note(self, **fields: Field) -> Note:
        """The note for this reason."""
        return Note(reason=self.id, fields=fields, message=self.message.format(**_english(fields)))

    # -- the request ---------------------------------------------------------------------------------------------

    MODEL_UNKNOWN = (_C.NOT_FOUND, "There is no model {key!r}.", "Known models: {names}.")
    INTERNAL_ERROR = (_C.INTERNAL, "A bug in modeld: {error}.", "See modelctl logs.")

    # -- core: models, downloads, memory, answers, benchmarks ------------------------------------------------------

    # -- the downloader --------------------------------------------------------------------------------------------

    # -- the hub ---------------------------------------------------------------------------------------------------

    # -- files and folders -----------------------------------------------------------------------------------------

    # -- the endpoint ----------------------------------------------------------------------------------------------

    # -- the worker ------------------------------------------------------------------------------------------------


def _english(fields: dict[str, Field]) -> dict[str, str | int | float]:
    return {name: value.message if isinstance(value, Note) else value for name, value in fields.items()}


def known(reason: str) -> Reason | None:
    """The reason of this name on the wire; None for one that this version does not have."""
    return Reason.__members__.get(reason.upper())
