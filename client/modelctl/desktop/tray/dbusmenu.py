"""com.canonical.dbusmenu: publishes the menu on the bus, where the panel reads it and reports clicks.

Source: libdbusmenu's dbus-menu.xml. KDE uses the group calls, other panels the single ones; both are implemented.
"""

from collections.abc import Collection, Mapping
from typing import Annotated

from dbus_fast import DBusError, ErrorType, PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.layout import ROOT, MenuLayout, MenuNode, Properties, Value, selected
from modelctl.desktop.tray.menu import Menu

PATH = "/MenuBar"

Variants = dict[str, Variant]
Numbers = Annotated[list[int], DBusSignature("ai")]
Names = Annotated[list[str], DBusSignature("as")]
Entry = list[object]
"""(ia{sv}av): number, properties, children."""


class MenuService(ServiceInterface):
    """The menu on the bus; all methods run on the bus's loop."""

    def __init__(self, listener: Listener) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._listener = listener
        self._layout = MenuLayout()

    def show(self, menu: Menu) -> None:
        """Publish this menu, and tell the panel what has changed."""
        update = self._layout.show(menu)
        if update.restructured:
            self.layout_updated(self._layout.revision, ROOT)
        elif update.changed or update.removed:
            changed = [[number, _variants(properties)] for number, properties in update.changed]
            self.items_properties_updated(changed, [[number, list(names)] for number, names in update.removed])

    @dbus_property(access=PropertyAccess.READ, name="Version")
    def version(self) -> DBusUInt32:
        """The protocol version."""
        return 3

    @dbus_property(access=PropertyAccess.READ, name="TextDirection")
    def text_direction(self) -> DBusStr:
        """Left to right."""
        return "ltr"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """The menu never requests attention."""
        return "normal"

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> Names:
        """No icons of its own."""
        return []

    @dbus_method(name="GetLayout")
    def get_layout(
        self, parent: DBusInt32, depth: DBusInt32, names: Names
    ) -> Annotated[list[object], DBusSignature("u(ia{sv}av)")]:
        """The entries below ``parent``, ``depth`` levels deep (-1: all), with these properties (none: all)."""
        return [self._layout.revision, _entry(self._known(parent), depth, names)]

    @dbus_method(name="GetGroupProperties")
    def get_group_properties(
        self, numbers: Numbers, names: Names
    ) -> Annotated[list[list[object]], DBusSignature("a(ia{sv})")]:
        """The properties of these entries (none: all)."""
        return [[node.number, _variants(selected(node.properties, names))] for node in self._layout.nodes(numbers)]

    @dbus_method(name="GetProperty")
    def get_property(self, number: DBusInt32, name: DBusStr) -> DBusVariant:
        """One property of one entry."""
        value = self._known(number).properties.get(name)
        if value is None:
            raise DBusError(ErrorType.INVALID_ARGS, f"entry {number} has no {name}")
        return _variant(value)

    @dbus_method(name="Event")
    def event(self, number: DBusInt32, kind: DBusStr, data: DBusVariant, timestamp: DBusUInt32) -> None:  # noqa: ARG002 - D-Bus's signature
        """Handle an event on an entry; an event for an entry that no longer exists is ignored."""
        self._happened(number, kind)

    @dbus_method(name="EventGroup")
    def event_group(self, events: Annotated[list[tuple[int, str, Variant, int]], DBusSignature("a(isvu)")]) -> Numbers:
        """Several events; returns the numbers of entries that do not exist."""
        for number, kind, _data, _timestamp in events:
            self._happened(number, kind)
        return [number for number, *_ in events if self._layout.node(number) is None]

    @dbus_method(name="AboutToShow")
    def about_to_show(self, number: DBusInt32) -> DBusBool:
        """A submenu will open; the layout is always current."""
        if number == ROOT:
            self._listener.opened()
        return False

    @dbus_method(name="AboutToShowGroup")
    def about_to_show_group(self, numbers: Numbers) -> Annotated[list[list[int]], DBusSignature("aiai")]:
        """Several submenus will open; return those that changed, and those that do not exist."""
        if ROOT in numbers:
            self._listener.opened()
        return [[], [number for number in numbers if self._layout.node(number) is None]]

    @dbus_signal(name="LayoutUpdated")
    def layout_updated(self, revision: int, parent: int) -> Annotated[list[int], DBusSignature("ui")]:
        """The entries have changed."""
        return [revision, parent]

    @dbus_signal(name="ItemsPropertiesUpdated")
    def items_properties_updated(
        self, changed: list[list[object]], removed: list[list[object]]
    ) -> Annotated[list[object], DBusSignature("a(ia{sv})a(ias)")]:
        """Properties of existing entries have changed."""
        return [changed, removed]

    def _happened(self, number: int, kind: str) -> None:
        if number == ROOT:
            # AboutToShow already reported this; some panels send only this event.
            if kind == "opened":
                self._listener.opened()
            elif kind == "closed":
                self._listener.closed()
            return
        node = self._layout.node(number)
        if kind == "clicked" and node is not None and node.action is not None:
            self._listener.closed()
            self._listener.chosen(node.action)

    def _known(self, number: int) -> MenuNode:
        node = self._layout.node(number)
        if node is None:
            raise DBusError(ErrorType.INVALID_ARGS, f"there is no entry {number}")
        return node


def _entry(node: MenuNode, depth: int, names: Collection[str]) -> Entry:
    below = [] if depth == 0 else [Variant("(ia{sv}av)", _entry(child, depth - 1, names)) for child in node.children]
    return [node.number, _variants(selected(node.properties, names)), below]


def _variants(properties: Mapping[str, Value] | Properties) -> Variants:
    return {name: _variant(value) for name, value in properties.items()}


def _variant(value: Value) -> Variant:
    return Variant({str: "s", bool: "b", int: "i"}[type(value)], value)
