"""The seam between the tray and the desktop: what shows an icon with a menu, and what it tells back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelctl.desktop.tray.choices import Choice
from modelctl.desktop.tray.look import Look
from modelctl.desktop.tray.menu import Menu


@dataclass(frozen=True)
class Listener:
    """What a backend reports, from whichever thread it likes; the calls return at once."""

    chosen: Callable[[Choice], None]
    opened: Callable[[], None]
    closed: Callable[[], None]


class TrayBackend(Protocol):
    """An icon in a tray. All but ``run`` may be called from any thread, before and while it runs."""

    def set_look(self, look: Look) -> None:
        """Show this icon and tooltip from now on."""

    def set_menu(self, menu: Menu) -> None:
        """Offer this menu from now on."""

    def run(self) -> None:
        """Show the icon until ``stop``; on the main thread."""

    def stop(self) -> None:
        """Make ``run`` return; also before it was called."""
