"""Every text of a request has a limit, and the refusal of a longer one names the field, its size and the limit."""

from collections.abc import Iterator
from typing import get_args, get_origin

import msgspec
import pytest
from modeld.protocol import limits, requests, views
from modeld.protocol.errors import ErrorCode

UNLIMITED = {"prompt", "content"}
"""Texts that only the size of the request limits."""

REQUIRED: dict[str, object] = dict.fromkeys(("id", "model", "source", "words", "repo", "prompt"), "")
REQUIRED |= {"place": 1, "bytes_per_s": 1, "messages": []}


def texts() -> Iterator[tuple[type[requests.Request], str, object]]:
    """Each field of a request that is a text or a list of texts, with far too long a value."""
    for kind in get_args(requests.AnyRequest):
        for field in msgspec.structs.fields(kind):
            is_text = field.type is str or get_args(field.type)[:1] == (str,)
            if is_text and field.name not in UNLIMITED:
                long = "x" * 100_000
                yield kind, field.name, [long] if get_origin(field.type) is list else long


LONG_TEXTS = list(texts())
NAMES = [f"{kind.__name__}-{name}" for kind, name, _ in LONG_TEXTS]


@pytest.mark.parametrize(("kind", "name", "long"), LONG_TEXTS, ids=NAMES)
def test_no_text_of_a_request_may_be_long(kind: type[requests.Request], name: str, long: object) -> None:
    needed = {field.name: REQUIRED[field.name] for field in msgspec.structs.fields(kind) if field.required}
    refused = limits.exceeded(msgspec.convert(needed | {name: long, "op": kind.__struct_config__.tag}, kind))
    assert refused is not None and refused.code is ErrorCode.TOO_LARGE
    assert refused.fields["field"] in (name, f"{name}[0]") and refused.fields["size"] == 100_000


LONG = "x" * 4_097
STOP = requests.Sampling(stop=[LONG])
ADDED = views.AddedModel(key="m", source="s", display_name="x" * 201)
JUST_TOO_LONG = [
    (requests.Ping(id="x" * 257), "id", 256),
    (requests.Unload(id="1", key="x" * 257), "key", 256),
    (requests.Add(id="1", model="m", source="s", display_name="x" * 201), "display_name", 200),
    (requests.Add(id="1", model="m", source="s", description=LONG), "description", 4_096),
    (requests.Benchmark(id="1", models=["m", LONG]), "models[1]", 4_096),
    (requests.Generate(id="1", model="m", prompt="", sampling=STOP), "sampling.stop[0]", 4_096),
    (requests.Chat(id="1", model="m", messages=[requests.Message(role=LONG, content="")]), "messages[0].role", 4_096),
    (requests.Restore(id="1", models=[ADDED]), "models[0].display_name", 200),
]


@pytest.mark.parametrize(("asked", "field", "limit"), JUST_TOO_LONG, ids=[field for _, field, _ in JUST_TOO_LONG])
def test_one_character_too_many_is_refused_with_the_field_its_size_and_the_limit(
    asked: requests.Request, field: str, limit: int
) -> None:
    refused = limits.exceeded(asked)
    assert refused is not None
    assert refused.fields == {"field": field, "size": limit + 1, "limit": limit}


def test_a_prompt_and_a_message_are_limited_by_the_size_of_the_request_alone() -> None:
    long = "x" * 1_000_000
    turns = [requests.Message(role="user", content=long)]
    assert limits.exceeded(requests.Generate(id="1", model="m", prompt=long)) is None
    assert limits.exceeded(requests.Chat(id="1", model="m", messages=turns)) is None
