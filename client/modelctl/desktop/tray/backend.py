"""The interface between the tray and the desktop: a backend shows an icon with a menu and reports clicks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelctl.desktop.tray.appearance import Appearance
from modelctl.desktop.tray.choices import Choice
from modelctl.desktop.tray.menu import Menu


@dataclass(frozen=True)
class Listener:
    """Receives what a backend reports, from any thread; the calls return at once."""

    chosen: Callable[[Choice], None]
    opened: Callable[[], None]
    closed: Callable[[], None]


class TrayBackend(Protocol):
    """An icon in a tray. All but ``run`` may be called from any thread, before and while it runs."""

    def set_appearance(self, appearance: Appearance) -> None:
        """Set the icon and the tooltip."""

    def set_menu(self, menu: Menu) -> None:
        """Set the menu."""

    def run(self) -> None:
        """Show the icon until ``stop``; on the main thread."""

    def stop(self) -> None:
        """Make ``run`` return, even before it is called."""
