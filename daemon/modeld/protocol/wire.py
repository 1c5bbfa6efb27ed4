"""Bytes and back: the version, the limits, and the one decoder and encoder of JSON frames."""

import re

import msgspec

VERSION = 1
MAX_REQUEST_BYTES = 1024 * 1024

_encoder = msgspec.json.Encoder()


def snake(name: str) -> str:
    """``JobChanged`` as ``job_changed``: how types are tagged on the wire."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def encode(message: msgspec.Struct) -> bytes:
    """One message as one UTF-8 JSON frame."""
    return _encoder.encode(message)
