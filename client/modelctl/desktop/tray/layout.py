"""The menu tree in the form of com.canonical.dbusmenu: numbered entries with properties; pure.

An entry keeps its number for the life of the process, so a host that shows an open menu can be sent new labels only.
Source of the properties: libdbusmenu's dbus-menu.xml.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from modelctl.desktop.tray.choices import Choice
from modelctl.desktop.tray.menu import Menu, MenuItem

ROOT = 0

Value = str | bool | int
Properties = Mapping[str, Value]


@dataclass(frozen=True)
class MenuNode:
    """An entry, its properties and its children."""

    number: int
    properties: Properties
    children: tuple["MenuNode", ...] = ()
    action: Choice | None = None


@dataclass(frozen=True)
class Update:
    """What a new menu changed. ``restructured``: ask for the layout again; else only these properties differ.

    ``removed`` names properties that an entry no longer has (they are back at their default).
    """

    restructured: bool = False
    changed: tuple[tuple[int, Properties], ...] = ()
    removed: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass
class MenuLayout:
    """The current menu; ``revision`` grows with every change of structure."""

    revision: int = 1
    root: MenuNode = field(default_factory=lambda: MenuNode(ROOT, {"children-display": "submenu"}))
    _numbers: dict[str, int] = field(default_factory=dict)
    _nodes: dict[int, MenuNode] = field(default_factory=dict)

    def show(self, menu: Menu) -> Update:
        """Set the menu; return what has changed."""
        before, nodes_before = self.root, self._nodes
        self.root = MenuNode(ROOT, before.properties, tuple(self._node(item) for item in menu))
        self._nodes = {node.number: node for node in _all(self.root)}
        if _structure(before) != _structure(self.root):
            self.revision += 1
            return Update(restructured=True)
        changed, removed = [], []
        for number, node in self._nodes.items():
            old = nodes_before[number].properties if number in nodes_before else before.properties
            new = {name: value for name, value in node.properties.items() if old.get(name) != value}
            gone = tuple(name for name in old if name not in node.properties)
            if new:
                changed.append((number, new))
            if gone:
                removed.append((number, gone))
        return Update(changed=tuple(changed), removed=tuple(removed))

    def node(self, number: int) -> MenuNode | None:
        """The entry with this number; None if there is none."""
        return self.root if number == ROOT else self._nodes.get(number)

    def nodes(self, numbers: Collection[int]) -> list[MenuNode]:
        """The existing entries with these numbers; all if none are given."""
        if not numbers:
            return list(_all(self.root))
        return [node for number in numbers if (node := self.node(number)) is not None]

    def _node(self, item: MenuItem) -> MenuNode:
        number = self._numbers.setdefault(item.id, len(self._numbers) + 1)
        return MenuNode(number, _properties(item), tuple(self._node(child) for child in item.children), item.action)


def selected(properties: Properties, names: Collection[str]) -> Properties:
    """The properties with these names; all if none are given."""
    return {name: value for name, value in properties.items() if not names or name in names}


def _properties(item: MenuItem) -> Properties:
    """Only what differs from dbusmenu's defaults (enabled, visible, no submenu)."""
    if item.separator:
        return {"type": "separator"}
    properties: dict[str, Value] = {"label": item.label.replace("_", "__")}  # a single underscore marks the access key
    if not item.enabled:
        properties["enabled"] = False
    if item.checked is not None:
        properties |= {"toggle-type": "checkmark", "toggle-state": int(item.checked)}
    if item.children:
        properties["children-display"] = "submenu"
    return properties


def _structure(node: MenuNode) -> tuple[object, ...]:
    """Which entries exist and in which order: what a host cannot learn from properties alone."""
    return (node.number, *(_structure(child) for child in node.children))


def _all(node: MenuNode) -> Iterable[MenuNode]:
    yield node
    for child in node.children:
        yield from _all(child)
