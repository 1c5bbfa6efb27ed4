"""org.kde.StatusNotifierItem: publishes the icon and its tooltip on the bus.

Source: freedesktop's StatusNotifierItem specification. Badge and progress are drawn into the icon, since few panels
show overlays.
"""

from html import escape
from typing import Annotated

from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from modelctl.desktop.tray.appearance import Appearance
from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.choices import OpenViewer
from modelctl.desktop.tray.dbusmenu import PATH as MENU_PATH
from modelctl.desktop.tray.pixmaps import Pixmap

PATH = "/StatusNotifierItem"

Pixmaps = Annotated[list[list[object]], DBusSignature("a(iiay)")]


class StatusItem(ServiceInterface):
    """The icon on the bus; all methods run on the bus's loop."""

    def __init__(self, listener: Listener) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._listener = listener
        self._pixmaps: list[list[object]] = []
        self._title = "modeld"
        self._details = ""

    def show(self, appearance: Appearance, pixmaps: list[Pixmap]) -> None:
        """Set the icon and the tooltip, and tell the panel what has changed."""
        icon = [list(pixmap) for pixmap in pixmaps]
        # Panels parse the details as markup.
        words = (appearance.title, escape("\n".join(appearance.details), quote=False))
        new_icon, new_words = icon != self._pixmaps, words != (self._title, self._details)
        self._pixmaps, (self._title, self._details) = icon, words
        if new_icon:
            self.new_icon()
        if new_words:
            self.new_title()
            self.new_tool_tip()

    @dbus_property(access=PropertyAccess.READ, name="Category")
    def category(self) -> DBusStr:
        """The category for a program that shows its state."""
        return "ApplicationStatus"

    @dbus_property(access=PropertyAccess.READ, name="Id")
    def id_(self) -> DBusStr:
        """The program's name, the same in every run."""
        return "modeld"

    @dbus_property(access=PropertyAccess.READ, name="Title")
    def title(self) -> DBusStr:
        """The current activity in one line."""
        return self._title

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Always active: the icon itself shows what needs attention."""
        return "Active"

    @dbus_property(access=PropertyAccess.READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        """No window."""
        return 0

    @dbus_property(access=PropertyAccess.READ, name="IconName")
    def icon_name(self) -> DBusStr:
        """No themed icon: we draw our own."""
        return ""

    @dbus_property(access=PropertyAccess.READ, name="IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        """The icon, in every size."""
        return self._pixmaps

    @dbus_property(access=PropertyAccess.READ, name="ToolTip")
    def tool_tip(self) -> Annotated[list[object], DBusSignature("(sa(iiay)ss)")]:
        """Icon name, icon, title, text."""
        return ["", [], self._title, self._details]

    @dbus_property(access=PropertyAccess.READ, name="Menu")
    def menu(self) -> DBusObjectPath:
        """The object path of the menu."""
        return MENU_PATH

    @dbus_property(access=PropertyAccess.READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """A click opens the viewer, not the menu."""
        return False

    @dbus_method(name="Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: ARG002 - D-Bus's signature
        """A click opens the viewer, so the news counts as seen."""
        self._listener.opened()
        self._listener.closed()
        self._listener.chosen(OpenViewer())

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> None:
        """A middle click does nothing, since it easily happens by mistake."""

    @dbus_method(name="ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> None:
        """Nothing to do: the panel draws the menu itself, from ``Menu``."""

    @dbus_method(name="Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:
        """Scrolling does nothing."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> None:
        """Tells the panel to read the icon again."""

    @dbus_signal(name="NewTitle")
    def new_title(self) -> None:
        """Tells the panel to read the title again."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> None:
        """Tells the panel to read the tooltip again."""

    @dbus_signal(name="NewStatus")
    def new_status(self, status: str) -> DBusStr:
        """The status has changed (required by the interface; ours never changes)."""
        return status
