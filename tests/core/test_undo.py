"""What a fact changed can be taken back completely: attributes, containers and their order."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from typing import Any

import msgspec
import pytest
from modeld.core.manager import Manager
from modeld.core.state import undo
from modeld.core.state.outbox import Effects
from support.core_fuzz.simulation import Simulation


@dataclass
class Thing(undo.Tracked):
    """An object with each kind of container."""

    number: int = 1
    names: list[str] = field(default_factory=lambda: ["a", "b", "c"])
    places: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 2, "c": 3})
    marked: set[str] = field(default_factory=lambda: {"a"})
    waiting: deque[str] = field(default_factory=lambda: deque(["a", "b"]))


def _contents(thing: Thing) -> dict[str, object]:
    return {
        "attributes": sorted(vars(thing)),
        "number": thing.number,
        "names": list(thing.names),
        "places": list(thing.places.items()),
        "marked": set(thing.marked),
        "waiting": list(thing.waiting),
    }


def _new_attribute(thing: Thing) -> None:
    thing.extra = [1]  # type: ignore[attr-defined]  # what a bug may do


def _replaced_and_changed(thing: Thing) -> None:
    before, thing.names = thing.names, []
    before.append("d")
    thing.names.append("e")


CHANGES: list[Callable[[Thing], object]] = [
    lambda thing: setattr(thing, "number", 2),
    _new_attribute,
    _replaced_and_changed,
    lambda thing: thing.names.append("d"),
    lambda thing: thing.names.extend(["d"]),
    lambda thing: thing.names.insert(0, "d"),
    lambda thing: thing.names.remove("a"),
    lambda thing: thing.names.sort(reverse=True),
    lambda thing: thing.names.__setitem__(0, "z"),
    lambda thing: thing.names.__delitem__(0),
    lambda thing: thing.names.__iadd__(["z"]),
    lambda thing: thing.places.__setitem__("a", 9),
    lambda thing: thing.places.__setitem__("new", 9),
    lambda thing: thing.places.__delitem__("a"),
    lambda thing: thing.places.pop("c"),
    lambda thing: thing.places.pop("b"),
    lambda thing: thing.places.pop("none", None),
    lambda thing: thing.places.update(a=7, z=8),
    lambda thing: thing.places.setdefault("z", 8),
    lambda thing: thing.places.popitem(),
    lambda thing: thing.places.clear(),
    lambda thing: (thing.places.pop("c"), thing.places.__setitem__("c", 4), thing.places.pop("a")),
    lambda thing: thing.marked.add("b"),
    lambda thing: thing.marked.discard("a"),
    lambda thing: thing.marked.__iand__(set()),
    lambda thing: thing.marked.clear(),
    lambda thing: thing.waiting.append("c"),
    lambda thing: thing.waiting.appendleft("c"),
    lambda thing: thing.waiting.popleft(),
    lambda thing: thing.waiting.remove("b"),
    lambda thing: thing.waiting.clear(),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_a_change_is_taken_back(number: int) -> None:
    thing = Thing()
    before = _contents(thing)
    undo.begin()
    CHANGES[number](thing)
    undo.roll_back()
    assert _contents(thing) == before


def test_all_changes_of_one_fact_are_taken_back_together() -> None:
    thing = Thing()
    before = _contents(thing)
    undo.begin()
    for change in CHANGES[3:]:
        if thing.names and thing.places and thing.waiting:
            change(thing)
    undo.roll_back()
    assert _contents(thing) == before


def test_what_was_committed_stays() -> None:
    thing = Thing()
    undo.begin()
    thing.names.append("d")
    undo.commit()
    undo.begin()
    thing.names.append("e")
    undo.roll_back()
    assert thing.names == ["a", "b", "c", "d"]


def test_every_mutable_object_of_the_core_is_tracked() -> None:
    untracked: set[str] = set()
    for seed in range(30):
        life = Simulation(seed, 400)
        life.run()
        untracked |= set(_untracked(life.manager))
    assert untracked == set()


def _untracked(manager: Manager) -> Iterator[str]:
    """The places of the plain containers, and of the objects of unknown kind, that a manager can change."""
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [(f"Manager.{name}", value) for name, value in vars(manager).items()]
    while todo:
        place, value = todo.pop()
        if id(value) in seen or isinstance(value, IMMUTABLE):
            continue
        seen.add(id(value))
        if not isinstance(value, TRACKED) and not _is_frozen(value) and not callable(value):
            yield f"{place}: {type(value).__name__}"
        todo.extend((f"{type(value).__name__}.{name}", inner) for name, inner in _inside(value))


IMMUTABLE = (str, int, float, bytes, type(None), Enum, msgspec.Struct, type, Iterator)
"""Messages are immutable by convention, with the lists inside them; the ids come from an iterator."""

TRACKED = (tuple, Effects, undo.Tracked, undo.TrackedDict, undo.TrackedList, undo.TrackedSet, undo.TrackedDeque)


def _is_frozen(value: object) -> bool:
    return is_dataclass(value) and bool(getattr(value, "__dataclass_params__").frozen)  # noqa: B009 - not in the types


def _inside(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", inner) for key, inner in value.items())
    elif isinstance(value, list | set | deque | tuple):
        yield from ((f"[{number}]", inner) for number, inner in enumerate(value))
    elif callable(value):
        cells = getattr(value, "__closure__", None) or ()
        yield from (("closure", cell.cell_contents) for cell in cells)
        yield "self", getattr(value, "__self__", None)
    else:
        yield from vars(value).items()
