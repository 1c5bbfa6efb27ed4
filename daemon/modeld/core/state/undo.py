"""Undo: when handling a fact raises, the state becomes again what it was before that fact.

Every mutable object of the core is ``Tracked``. While a fact is handled, each change of an attribute or of a container
is recorded first; ``roll_back`` takes the changes back, the newest first. A list, dict, set or deque that is assigned
to an attribute becomes its tracked kind by itself, so no change can be forgotten. tests/core/test_undo.py looks for
mutable objects that are not tracked.

One fact is handled at a time, in one thread: the record is a variable of this module.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_ABSENT: Final = object()
"""The old value of an attribute or key that did not exist."""

_CONTENTS: Final = object()
"""Stands for a key where the old value is a copy of all contents."""

_changes: list[tuple[Any, Any, Any]] | None = None
"""What changed: the object, the attribute or key, and the old value. None while no fact is handled."""

_copied: set[int] = set()
"""Ids of the containers whose contents are in ``_changes`` already."""


def begin() -> None:
    """Begin to record."""
    global _changes
    _changes = []
    _copied.clear()


def commit() -> None:
    """Keep the changes, and stop recording."""
    global _changes
    _changes = None


def roll_back() -> None:
    """Take back all changes since ``begin``, and stop recording."""
    global _changes
    changes, _changes = _changes or [], None
    for owner, key, old in reversed(changes):
        if key is _CONTENTS:
            _REFILL[type(owner)](owner, old)
        elif not isinstance(owner, dict):
            _reset(owner, key, old)
        elif old is _ABSENT:
            dict.__delitem__(owner, key)
        else:
            dict.__setitem__(owner, key, old)


def _reset(owner: object, name: str, old: object) -> None:
    if old is _ABSENT:
        object.__delattr__(owner, name)
    else:
        object.__setattr__(owner, name, old)


class Tracked:
    """An object whose changes can be undone."""

    def __setattr__(self, name: str, value: object) -> None:
        kind = _KINDS.get(type(value))
        if kind is not None:
            value = kind(value)
        if _changes is not None:
            _changes.append((self, name, getattr(self, name, _ABSENT)))
        object.__setattr__(self, name, value)


def _copy_first(owner: Any, copy: Callable[[Any], object]) -> None:
    """Record the contents of a container, once for each fact."""
    if _changes is not None and id(owner) not in _copied:
        _copied.add(id(owner))
        _changes.append((owner, _CONTENTS, copy(owner)))


class TrackedDict(dict[_K, _V]):
    """A dict; taking out its newest key costs no copy."""

    def __setitem__(self, key: _K, value: _V) -> None:
        if _changes is not None:
            _changes.append((self, key, self.get(key, _ABSENT)))
        super().__setitem__(key, value)

    def __delitem__(self, key: _K) -> None:
        self._record_removal(key)
        super().__delitem__(key)

    def pop(self, key: _K, *default: Any) -> Any:
        """See dict."""
        self._record_removal(key)
        return super().pop(key, *default)

    def _record_removal(self, key: _K) -> None:
        if _changes is None or not self:
            return
        if next(reversed(self)) == key:
            _changes.append((self, key, self[key]))
        elif key in self:
            _copy_first(self, dict)  # only a copy brings it back to its place


class TrackedList(list[_V]):
    """A list."""


class TrackedSet(set[_V]):
    """A set."""


class TrackedDeque(deque[_V]):
    """A deque."""


def _recording(kind: type, method: str) -> Callable[..., object]:
    change = getattr(kind, method)

    def record_and_change(self: object, *arguments: object, **named: object) -> object:
        _copy_first(self, kind)
        return change(self, *arguments, **named)

    return record_and_change


_CHANGING = {
    (dict, TrackedDict): ("clear", "popitem", "setdefault", "update", "__ior__"),
    (list, TrackedList): (
        *("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"),
        *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
    ),
    (set, TrackedSet): (
        *("add", "discard", "remove", "pop", "clear", "update"),
        *("difference_update", "intersection_update", "symmetric_difference_update"),
        *("__ior__", "__iand__", "__isub__", "__ixor__"),
    ),
    (deque, TrackedDeque): (
        *("append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "remove", "rotate", "clear"),
        *("reverse", "__setitem__", "__delitem__", "__iadd__", "__imul__"),
    ),
}

for (_plain, _tracked), _methods in _CHANGING.items():
    for _method in _methods:
        setattr(_tracked, _method, _recording(_plain, _method))


def _refill_list(owner: list[Any], old: list[Any]) -> None:
    list.__setitem__(owner, slice(None), old)


def _refill_dict(owner: dict[Any, Any], old: dict[Any, Any]) -> None:
    dict.clear(owner)
    dict.update(owner, old)


def _refill_set(owner: set[Any], old: set[Any]) -> None:
    set.clear(owner)
    set.update(owner, old)


def _refill_deque(owner: deque[Any], old: deque[Any]) -> None:
    deque.clear(owner)
    deque.extend(owner, old)


_KINDS: dict[type, Callable[[Any], object]] = dict(_CHANGING.keys())
_REFILL: dict[type, Callable[[Any, Any], None]] = {
    TrackedList: _refill_list,
    TrackedDict: _refill_dict,
    TrackedSet: _refill_set,
    TrackedDeque: _refill_deque,
}
