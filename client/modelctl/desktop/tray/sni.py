"""The tray on Linux: our own StatusNotifierItem over D-Bus, without a toolkit or X.

If the bus or the panel is missing, or the panel restarts, the tray waits for it and logs one line.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import modelicons
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError, DBusFastError

from modelctl.desktop.tray import dbusmenu, statusitem
from modelctl.desktop.tray.appearance import Appearance
from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.menu import Menu
from modelctl.desktop.tray.pixmaps import Pixmap, pixmaps

WATCHER = "org.kde.StatusNotifierWatcher"
RETRY_S = 30.0
ANSWER_S = 5.0

_log = logging.getLogger("modelctl.desktop.tray")


class SniTray:
    """The icon on the session bus."""

    def __init__(self, listener: Listener, panel: modelicons.Panel, *, retry_s: float = RETRY_S) -> None:
        self._panel = panel
        self._retry_s = retry_s
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._dressed = asyncio.Event()
        self._watcher_came = asyncio.Event()
        self._item = statusitem.StatusItem(listener)
        self._menu = dbusmenu.MenuService(listener)
        self._drawn: tuple[modelicons.IconState, float | None, bool] | None = None
        self._icon: list[Pixmap] = []
        self._last_logged = ""
        # Guards the loop against calls from other threads after it ended; a signal may call stop on the main thread.
        self._ending = threading.RLock()

    def set_appearance(self, appearance: Appearance) -> None:
        """Set the icon and the tooltip; draws in the caller's thread."""
        key = (appearance.state, appearance.progress, appearance.unseen)
        if key != self._drawn:
            self._drawn, self._icon = key, pixmaps(appearance, self._panel)
        icon = self._icon

        def show() -> None:
            self._item.show(appearance, icon)
            self._dressed.set()

        self._post(show)

    def set_menu(self, menu: Menu) -> None:
        """Set the menu."""
        self._post(lambda: self._menu.show(menu))

    def run(self) -> None:
        """Stay on the bus until ``stop``, across restarts of the bus and the panel."""
        try:
            self._loop.run_until_complete(self._keep_on_bus())
        finally:
            with self._ending:
                self._loop.close()

    def stop(self) -> None:
        """Make ``run`` return."""
        self._post(self._stopping.set)

    def _post(self, call: Callable[[], None]) -> None:
        with self._ending:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(call)

    async def _keep_on_bus(self) -> None:
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            try:
                await self._on_bus(stopped)
            except (OSError, EOFError, DBusFastError, DBusError) as error:
                self._log_once(f"no session bus ({error or 'it ended'}): the tray waits for one")
            await asyncio.wait({stopped}, timeout=self._retry_s)

    async def _on_bus(self, stopped: "asyncio.Future[Literal[True]]") -> None:
        """Serve one bus connection until it ends or the tray is stopped."""
        bus = MessageBus(bus_address=_address(), auth_timeout=ANSWER_S)
        await bus.connect()
        registering = asyncio.ensure_future(self._keep_registered(bus))
        gone = asyncio.ensure_future(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]  # dbus-fast has none
        try:
            done, _ = await asyncio.wait({registering, gone, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {stopped}:
                ended.result()
        finally:
            registering.cancel()
            bus.unexport(statusitem.PATH)
            bus.unexport(dbusmenu.PATH)
            bus.disconnect()
            await asyncio.gather(registering, gone, return_exceptions=True)

    async def _keep_registered(self, bus: MessageBus) -> None:
        """Export the item and register it with every new watcher; starts once there is an icon to show."""
        await self._dressed.wait()
        name = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        bus.export(statusitem.PATH, self._item)
        bus.export(dbusmenu.PATH, self._menu)
        await bus.request_name(name)
        bus.add_message_handler(self._on_message)
        rule = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{WATCHER}'"
        await _call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", rule)
        while True:
            self._watcher_came.clear()
            try:
                await _call(bus, WATCHER, "/StatusNotifierWatcher", WATCHER, "RegisterStatusNotifierItem", name)
            except (DBusError, TimeoutError) as error:
                self._log_once(f"no tray on this desktop ({error or 'it does not answer'}): the icon waits for one")
            else:
                self._log_once("the icon is in the tray")
            await self._watcher_came.wait()

    def _on_message(self, message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.body[:1] == [WATCHER] and message.body[2]:
            self._watcher_came.set()

    def _log_once(self, text: str) -> None:
        """Log the message, unless it is the same as the last one."""
        if text != self._last_logged:
            self._last_logged = text
            _log.info("%s", text)


async def _call(bus: MessageBus, destination: str, path: str, interface: str, member: str, argument: str) -> None:
    """Call a method with one text; raises DBusError for an error reply and TimeoutError without a reply."""
    message = Message(
        destination=destination, path=path, interface=interface, member=member, signature="s", body=[argument]
    )
    reply = await asyncio.wait_for(bus.call(message), ANSWER_S)
    if reply is not None and reply.message_type is MessageType.ERROR:
        raise DBusError(reply.error_name or "unknown", str(reply.body[0]) if reply.body else reply.error_name or "")


def _address() -> str | None:
    """The bus address if the environment does not define it: systemd's default; None: use the environment."""
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    folder = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(folder or f"/run/user/{os.getuid()}") / "bus"
    if not path.exists():
        raise FileNotFoundError(f"DBUS_SESSION_BUS_ADDRESS is not set and {path} does not exist")
    return f"unix:path={path}"


async def watcher_there() -> bool:
    """Whether the bus has a StatusNotifierItem watcher (a panel or a helper of one)."""
    try:
        bus = await MessageBus(bus_address=_address(), auth_timeout=ANSWER_S).connect()
    except (OSError, EOFError, DBusFastError):
        return False
    message = Message(
        destination="org.freedesktop.DBus",
        path="/org/freedesktop/DBus",
        interface="org.freedesktop.DBus",
        member="NameHasOwner",
        signature="s",
        body=[WATCHER],
    )
    try:
        reply = await asyncio.wait_for(bus.call(message), ANSWER_S)
        return reply is not None and reply.body == [True]
    except TimeoutError:
        return False
    finally:
        bus.disconnect()
