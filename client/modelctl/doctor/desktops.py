"""Checks the desktop: display, session bus, tray host and notification server. All are optional."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelctl.doctor.finding import Verdict, ok, warning
from modelctl.language.catalogue import _

TRAY_HOST = "org.kde.StatusNotifierWatcher"
NOTIFICATIONS = "org.freedesktop.Notifications"
DEADLINE_S = 3.0


@dataclass(frozen=True)
class Desktop:
    """``owned`` maps each bus name to whether it has an owner; None, with ``why``, if the bus cannot be asked."""

    display: bool
    owned: Mapping[str, bool] | None = None
    why: str = ""


def inspect(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Desktop | None:
    """Inspect the desktop; None on systems that always have one."""
    if platform in ("win32", "darwin"):
        return None
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return Desktop(display=False)
    runtime = environment.get("XDG_RUNTIME_DIR")
    address = environment.get("DBUS_SESSION_BUS_ADDRESS")
    if not address and not (runtime and Path(runtime, "bus").exists()):
        return Desktop(True, why=_("there is no session bus"))
    try:
        from dbus_fast import DBusFastError
    except ImportError:
        return Desktop(True, why=_("the package dbus-fast is missing"))
    try:
        return Desktop(True, asyncio.run(_owned(address or f"unix:path={runtime}/bus")))
    except (DBusFastError, OSError, EOFError, ValueError, TimeoutError) as error:
        return Desktop(True, why=str(error) or type(error).__name__)


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


def judge(desktop: Desktop | None) -> Verdict:
    """The result for a desktop without a session bus."""
    if desktop is None:
        return ok(_("the system's own"))
    if not desktop.display:
        return ok(_("no display: modeld runs without tray icon and viewer"))
    text = _("no tray icon and no notifications: {why}").format(why=desktop.why)
    return warning(text, _("Start the desktop with a session bus (dbus-run-session)."))


def judge_tray(owned: Mapping[str, bool]) -> Verdict:
    """Whether a panel shows tray icons."""
    if owned[TRAY_HOST]:
        return ok(_("the panel shows tray icons"))
    text = _("No panel shows StatusNotifierItem tray icons.")
    return warning(text, _("Switch on the panel's tray; GNOME needs the AppIndicator extension."))


def judge_notifications(owned: Mapping[str, bool]) -> Verdict:
    """Whether a notification server is running."""
    if owned[NOTIFICATIONS]:
        return ok(_("the desktop shows notifications"))
    text = _("No notification server is running.")
    return warning(text, _("Start a notification server, such as dunst. Then: modelctl notify --test"))
