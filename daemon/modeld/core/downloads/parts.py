"""A model in several files, as llama.cpp's gguf-split names and numbers them; pure."""

import re

import msgspec

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

PART_NAME = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf", re.IGNORECASE)
"""The name of one file of a model in several."""


def merge_headers(headers: list[HeaderView]) -> HeaderView:
    """One header for the model, from those of its files in their order."""
    return msgspec.structs.replace(
        headers[0],
        parameters=sum(header.parameters for header in headers),
        file_bytes=sum(header.file_bytes for header in headers),
    )


def wrong_part(header: HeaderView, number: int, count: int, path: str) -> Failure | None:
    """Why the file at ``path`` is not number ``number`` of the ``count`` files of a model; None where it is."""
    if (header.part, header.parts) == (number, count):
        return None
    return Reason.PART_MISMATCH.failure(
        path=path, part=header.part, parts=header.parts, expected_part=number, expected_parts=count
    )
