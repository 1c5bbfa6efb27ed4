"""The desktop: a display, a session bus, who shows icons and who shows notifications. None is needed."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelctl.doctor.finding import Finding, ok, warning
from modelctl.language.catalogue import _

TRAY_HOST = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
DEADLINE_S = 3.0


@dataclass(frozen=True)
class Desktop:
    """``owned`` maps a bus name to whether somebody has it; None where the bus cannot be asked, with ``why``."""

    display: bool
    owned: Mapping[str, bool] | None = None
    why: str = ""


def look(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Desktop | None:
    """What is there; None on systems that have a desktop always."""
    if platform in ("win32", "darwin"):
        return None
    display = bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    runtime = environment.get("XDG_RUNTIME_DIR")
    address = environment.get("DBUS_SESSION_BUS_ADDRESS")
    if not address and not (runtime and Path(runtime, "bus").exists()):
        return Desktop(display, why=_("there is no session bus"))
    try:
        from dbus_fast import DBusFastError
    except ImportError:
        return Desktop(display, why=_("the package dbus-fast is missing"))
    try:
        return Desktop(display, asyncio.run(_owned(address or f"unix:path={runtime}/bus")))
    except (DBusFastError, OSError, EOFError, ValueError, TimeoutError) as error:
        return Desktop(display, why=str(error) or type(error).__name__)


async def _owned(address: str) -> dict[str, bool]:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

    async with asyncio.timeout(DEADLINE_S):
        bus = await MessageBus(bus_address=address).connect()
        try:
            owned = {}
            for name in (TRAY_HOST, NOTIFICATIONS):
                question = Message(
                    destination="org.freedesktop.DBus",
                    path="/org/freedesktop/DBus",
                    interface="org.freedesktop.DBus",
                    member="NameHasOwner",
                    signature="s",
                    body=[name],
                )
                answer = await bus.call(question)
                owned[name] = bool(answer is not None and answer.body and answer.body[0])
            return owned
        finally:
            bus.disconnect()


def judge(desktop: Desktop | None) -> Iterator[Finding]:
    """What will be seen of modeld, and what not."""
    if desktop is None:
        yield ok("desktop", _("the system's own"))
    elif not desktop.display:
        yield ok("desktop", _("no display: modeld runs without tray icon and viewer"))
    elif desktop.owned is None:
        text = _("no tray icon and no notifications: {why}").format(why=desktop.why)
        yield warning("desktop", text, _("Start the desktop with a session bus (dbus-run-session)."))
    else:
        if desktop.owned[TRAY_HOST]:
            yield ok("tray", _("the panel shows tray icons"))
        else:
            text = _("No panel shows tray icons of the new kind.")
            yield warning("tray", text, _("Switch on the panel's tray; GNOME needs the AppIndicator extension."))
        if desktop.owned[NOTIFICATIONS]:
            yield ok("notifications", _("the desktop shows notifications"))
        else:
            text = _("Nobody shows notifications.")
            yield warning(
                "notifications", text, _("Start a notification server, such as dunst. Then: modelctl notify --test")
            )
