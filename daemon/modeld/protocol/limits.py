"""How long the texts of a request may be: each field has a limit, declared beside it or ``TEXT``.

The limits count characters, as a person does; in UTF-8 a character has at most four bytes.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, get_args

import msgspec

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.wire import MAX_REQUEST_BYTES

ID = 256
"""Characters of a request's id, and of its idempotency key."""

TEXT = 4_096
"""Characters of a text that declares no other limit: a source, a path, a description."""


class Most(msgspec.Struct, frozen=True):
    """The limit of one field, for ``Annotated``."""

    characters: int


Id = Annotated[str, Most(ID)]
"""The id of a request, or its idempotency key."""

Name = Annotated[str, Most(200)]
"""A name to show."""

SettingsText = Annotated[str, Most(65_536)]
"""A settings file."""

Whole = Annotated[str, Most(MAX_REQUEST_BYTES)]
"""A text that only the size of the request limits: a prompt, a message."""


def exceeded(request: msgspec.Struct) -> Failure | None:
    """The refusal that names the first field with too long a text; None if all are within their limits."""
    for field, size, limit in _too_long(request, ""):
        return Reason.TEXT_TOO_LONG.failure(field=field, size=size, limit=limit)
    return None


def _too_long(message: msgspec.Struct, where: str) -> Iterator[tuple[str, int, int]]:
    """Each text beyond its limit: where it is, its characters, and how many it may have."""
    limits = _limits_of(type(message))
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, str):
            limit = limits.get(name, TEXT)
            if len(value) > limit:
                yield where + name, len(value), limit
        elif isinstance(value, msgspec.Struct):
            yield from _too_long(value, f"{where}{name}.")
        elif isinstance(value, list):
            yield from _too_long_in(value, f"{where}{name}")


def _too_long_in(values: list[object], where: str) -> Iterator[tuple[str, int, int]]:
    for number, value in enumerate(values):
        if isinstance(value, msgspec.Struct):
            yield from _too_long(value, f"{where}[{number}].")
        elif isinstance(value, str) and len(value) > TEXT:
            yield f"{where}[{number}]", len(value), TEXT


@cache
def _limits_of(kind: type[msgspec.Struct]) -> dict[str, int]:
    """The fields of a struct that declare a limit."""
    declared = {field.name: get_args(field.type)[1:] for field in msgspec.structs.fields(kind)}
    return {name: most.characters for name, notes in declared.items() for most in notes if isinstance(most, Most)}
