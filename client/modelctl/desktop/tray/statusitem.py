"""org.kde.StatusNotifierItem: the icon and its tooltip on the bus.

Source: freedesktop's StatusNotifierItem specification. Badge and progress are drawn into the icon, since few panels
show overlays.
"""

from html import escape
from typing import Annotated

from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.choices import OpenViewer
from modelctl.desktop.tray.dbusmenu import PATH as MENU_PATH
from modelctl.desktop.tray.look import Look
from modelctl.desktop.tray.pixmaps import Pixmap

PATH = "/StatusNotifierItem"

Pixmaps = Annotated[list[list[object]], DBusSignature("a(iiay)")]


class StatusItem(ServiceInterface):
    """The icon; everything here runs on the bus's loop."""

    def __init__(self, listener: Listener) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._listener = listener
        self._pixmaps: list[list[object]] = []
        self._title = "modeld"
        self._details = ""

    def show(self, look: Look, pixmaps: list[Pixmap]) -> None:
        """Show this from now on, and tell the panel what is different."""
        icon = [list(pixmap) for pixmap in pixmaps]
        # Panels read the details as markup.
        words = (look.title, escape("\n".join(look.details), quote=False))
        new_icon, new_words = icon != self._pixmaps, words != (self._title, self._details)
        self._pixmaps, (self._title, self._details) = icon, words
        if new_icon:
            self.new_icon()
        if new_words:
            self.new_title()
            self.new_tool_tip()

    @dbus_property(access=PropertyAccess.READ, name="Category")
    def category(self) -> DBusStr:
        """It shows how a program is."""
        return "ApplicationStatus"

    @dbus_property(access=PropertyAccess.READ, name="Id")
    def id_(self) -> DBusStr:
        """The program's name, the same in every run."""
        return "modeld"

    @dbus_property(access=PropertyAccess.READ, name="Title")
    def title(self) -> DBusStr:
        """What goes on, in a line."""
        return self._title

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        """Always shown: the icon itself says what needs attention."""
        return "Active"

    @dbus_property(access=PropertyAccess.READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        """No window."""
        return 0

    @dbus_property(access=PropertyAccess.READ, name="IconName")
    def icon_name(self) -> DBusStr:
        """No icon of the theme: it is drawn."""
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
        """Where the menu is."""
        return MENU_PATH

    @dbus_property(access=PropertyAccess.READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """A click opens the viewer, not the menu."""
        return False

    @dbus_method(name="Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: ARG002 - D-Bus's signature
        """A click opens the viewer, so the news count as seen."""
        self._listener.opened()
        self._listener.closed()
        self._listener.chosen(OpenViewer())

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> None:
        """A click with the middle button does nothing: it is easily done by mistake."""

    @dbus_method(name="ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> None:
        """The panel draws the menu itself, by ``Menu``."""

    @dbus_method(name="Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:
        """Nothing to turn."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> None:
        """Read the icon again."""

    @dbus_signal(name="NewTitle")
    def new_title(self) -> None:
        """Read the title again."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> None:
        """Read the tooltip again."""

    @dbus_signal(name="NewStatus")
    def new_status(self, status: str) -> DBusStr:
        """The status is another (part of the interface; ours never is)."""
        return status
