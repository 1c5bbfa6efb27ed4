"""A state table: which state follows on which fact."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

_State = TypeVar("_State", bound=StrEnum)
_Fact = TypeVar("_Fact", bound=StrEnum)


class ImpossibleMoveError(Exception):
    """A fact that does not fit the state: a bug of ours, never a client's fault."""


def follow(table: Mapping[tuple[_State, _Fact], _State], state: _State, fact: _Fact, owner: str) -> _State:
    """The state after ``fact``; raises ImpossibleMoveError, naming its ``owner``, where the table has none."""
    try:
        return table[state, fact]
    except KeyError:
        raise ImpossibleMoveError(f"{owner}: {fact} does not fit {state}") from None
