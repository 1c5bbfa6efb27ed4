"""Notifications over D-Bus.

The backend connects on first use, and again after the bus was unavailable. A loop in its own thread holds the
connection, since clicks arrive at any time; ``send`` waits for it until the deadline at most.
"""

import asyncio
import os
import threading
from concurrent.futures import CancelledError
from pathlib import Path

from dbus_fast import BusType, DBusFastError
from dbus_fast.aio import MessageBus

from modelctl.desktop.notices.backend import DEADLINE_S, NoAnswerError, UnavailableError
from modelctl.desktop.notices.notice import Notice
from modelctl.desktop.notices.server import Clicked, NotificationServer
from modelctl.language.catalogue import _


class DBusBackend:
    """Shows notices through the desktop's notification server; ``clicked`` is called in the connection's thread."""

    name = "D-Bus"
    replaces = True

    def __init__(self, clicked: Clicked, *, address: str = "", deadline_s: float = DEADLINE_S) -> None:
        self._clicked = clicked
        self._address = address
        self._deadline_s = deadline_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: NotificationServer | None = None

    def send(self, notice: Notice) -> str:
        """Show it and return the server's name; raises UnavailableError or NoAnswerError."""
        loop = self._loop or self._start()
        future = asyncio.run_coroutine_threadsafe(self._send(notice), loop)
        try:
            return future.result(self._deadline_s + 1.0)
        except TimeoutError:
            future.cancel()
            raise NoAnswerError(_("no answer within {seconds} s").format(seconds=f"{self._deadline_s:g}")) from None
        except CancelledError:
            raise UnavailableError(_("the connection was closed")) from None

    def close(self) -> None:
        """Disconnect from the bus; notifications on the screen stay."""
        loop, thread = self._loop, self._thread
        self._loop = None
        if loop is None or thread is None:
            return
        future = asyncio.run_coroutine_threadsafe(self._leave(), loop)
        try:
            future.result(1.0)
        except (TimeoutError, CancelledError):
            future.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(1.0)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()

        def run() -> None:
            try:
                loop.run_forever()
            finally:
                loop.close()

        self._loop = loop
        self._thread = threading.Thread(target=run, name="notices dbus", daemon=True)
        self._thread.start()
        return loop

    async def _send(self, notice: Notice) -> str:
        try:
            async with asyncio.timeout(self._deadline_s):
                server = await self._connected()
                return await server.show(notice)
        except TimeoutError:
            raise NoAnswerError(_("no answer within {seconds} s").format(seconds=f"{self._deadline_s:g}")) from None
        except (OSError, EOFError, DBusFastError) as error:
            await self._leave()
            raise UnavailableError(str(error) or type(error).__name__) from error

    async def _connected(self) -> NotificationServer:
        if self._server is not None and self._server.bus.connected:
            return self._server
        address = self._address or session_bus_address()
        if not address:
            raise UnavailableError(_("there is no session bus"))
        bus = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
        server = NotificationServer(bus, self._clicked)
        try:
            await server.listen()
        except BaseException:
            bus.disconnect()
            raise
        self._server = server
        return server

    async def _leave(self) -> None:
        server, self._server = self._server, None
        if server is not None and server.bus.connected:
            server.bus.disconnect()


def session_bus_address() -> str:
    """The session bus address: from the environment, else systemd's default for this user; empty if there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    socket = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere") / "bus"
    return f"unix:path={socket}" if socket.exists() else ""
