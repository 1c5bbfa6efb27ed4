"""The tray through pystray: Windows, macOS, and Linux desktops with an XEmbed tray and PyGObject only.

pystray's own X backend is never used: it has no menu. Its backends do not report that the menu was opened, so a choice
in the menu counts as having seen it.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Protocol

import modelicons
from PIL import Image

from modelctl.desktop.tray.appearance import Appearance
from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.choices import Choice, OpenViewer
from modelctl.desktop.tray.menu import Menu, MenuItem
from modelctl.desktop.tray.pixmaps import picture
from modelctl.language.catalogue import _

SIZE = 64
"""One size; every desktop scales it down."""

TIP_CHARACTERS = 127
"""Windows shows no more of a tooltip, and pystray fails with more."""


class PystrayError(Exception):
    """pystray cannot be used here; the message says why."""


class PystrayIcon(Protocol):
    """The used part of ``pystray.Icon``, which has no types."""

    icon: Image.Image
    title: str
    menu: object

    def run(self) -> None:
        """Show it until ``stop``."""

    def stop(self) -> None:
        """End ``run``."""


class PystrayTray:
    """The icon through pystray."""

    def __init__(self, listener: Listener, panel: modelicons.Panel, pystray: ModuleType) -> None:
        self._listener = listener
        self._panel = panel
        self._pystray = pystray
        self._lock = threading.RLock()
        self._stopped = False
        self._icon: PystrayIcon | None = None
        self._appearance: Appearance | None = None
        self._menu: Menu = ()

    def set_appearance(self, appearance: Appearance) -> None:
        """Show this icon and tooltip."""
        with self._lock:
            self._appearance = appearance
            if self._icon is not None:
                self._icon.icon = picture(appearance, SIZE, self._panel)
                self._icon.title = tip(appearance)

    def set_menu(self, menu: Menu) -> None:
        """Offer this menu."""
        with self._lock:
            self._menu = menu
            if self._icon is not None:
                self._icon.menu = self._converted(menu)

    def run(self) -> None:
        """Show the icon until ``stop``; must run on the main thread, as macOS requires."""
        with self._lock:
            if self._stopped:
                return
            first = self._appearance or Appearance(modelicons.IconState.OFFLINE, None, False, "modeld")
            icon: PystrayIcon = self._pystray.Icon(
                "modeld", picture(first, SIZE, self._panel), tip(first), self._converted(self._menu)
            )
            self._icon = icon
        icon.run()

    def stop(self) -> None:
        """Make ``run`` return."""
        with self._lock:
            self._stopped = True
            icon = self._icon
        if icon is not None:
            icon.stop()

    def _converted(self, menu: Menu) -> object:
        return self._pystray.Menu(*converted(menu, self._pystray, self._chosen))

    def _chosen(self, choice: Choice) -> None:
        self._listener.opened()
        self._listener.closed()
        self._listener.chosen(choice)


def converted(menu: Menu, pystray: ModuleType, chosen: Callable[[Choice], None]) -> list[object]:
    """The entries as pystray's; a click on the icon opens the viewer."""
    return [_converted_item(item, pystray, chosen) for item in menu]


def _converted_item(item: MenuItem, pystray: ModuleType, chosen: Callable[[Choice], None]) -> object:
    if item.separator:
        return pystray.Menu.SEPARATOR
    label = item.label.replace("&", "&&") if sys.platform == "win32" else item.label
    if item.children:
        below = pystray.Menu(*converted(item.children, pystray, chosen))
        return pystray.MenuItem(label, below, enabled=item.enabled)
    action, checked = item.action, item.checked

    def activate(_icon: object, _item: object) -> None:
        if action is not None:
            chosen(action)

    return pystray.MenuItem(
        label,
        activate,
        enabled=item.enabled,
        checked=None if checked is None else lambda _item: checked,
        default=isinstance(action, OpenViewer) and item.id == "viewer",
    )


def tip(appearance: Appearance) -> str:
    """The tooltip, cut to what every desktop can show."""
    text = appearance.tooltip
    return text if len(text) <= TIP_CHARACTERS else text[: TIP_CHARACTERS - 1] + "…"


def load() -> ModuleType:
    """Import pystray with a backend that has menus. Raises PystrayError, whatever pystray's import raises."""
    if sys.platform not in ("win32", "darwin"):
        os.environ["PYSTRAY_BACKEND"] = "gtk"
    try:
        return importlib.import_module("pystray")
    except Exception as error:
        text = _("pystray cannot be used here: {why}")
        raise PystrayError(text.format(why=f"{type(error).__name__}: {error}")) from error
