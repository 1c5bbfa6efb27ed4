"""JSON integers have no limit; those of requests do, since a larger one overflows floats, indexes and formatting."""

from typing import get_args

import msgspec
import pytest
from modeld.protocol import requests
from modeld.protocol.wire import Int64


@pytest.mark.parametrize("kind", [*get_args(requests.AnyRequest), requests.Sampling])
def test_every_integer_of_a_request_is_limited(kind: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(kind):
        alternatives = (field.type,) if field.type == Int64 else (field.type, *get_args(field.type))
        assert int not in alternatives, f"{kind.__name__}.{field.name} takes any integer; its type should be Int64"


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 10**400, -(2**63) - 1])
def test_a_request_with_a_larger_integer_is_not_decoded(number: int) -> None:
    body = msgspec.json.encode({"op": "move", "id": "1", "job": "j", "place": number})
    with pytest.raises(msgspec.ValidationError, match=r"place"):
        msgspec.json.decode(body, type=requests.AnyRequest)
