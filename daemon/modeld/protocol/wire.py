"""Bytes and back: the version, the limits, and the one decoder and encoder of JSON frames."""

import re
from typing import Annotated

import msgspec

VERSION = 1
MAX_REQUEST_BYTES = 1024 * 1024

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer from outside. JSON allows thousands of digits, which no float, index or database column can hold."""

_encoder = msgspec.json.Encoder()


def snake(name: str) -> str:
    """``JobChanged`` as ``job_changed``: how types are tagged on the wire."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def encode(message: msgspec.Struct) -> bytes:
    """One message as one UTF-8 JSON frame."""
    return _encoder.encode(message)
