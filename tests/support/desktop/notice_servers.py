"""Unusual notification servers: a bus without one, and one that never answers."""

import asyncio
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from dbus_fast import Message, MessageType, RequestNameReply
from dbus_fast.aio import MessageBus

NAME = "org.freedesktop.Notifications"
DEADLINE_S = 30.0

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


class BareBus:
    """A session bus without service files: calls on it start no programs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bare-bus"
        config = folder / "bare-bus.conf"
        config.write_text(_BUS.format(path=self.path))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address, "dbus-daemon did not come up"

    def close(self) -> None:
        """Stop the bus."""
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._process.stdout.close()


class Server:
    """Owns the notification server's name on a bus; answers if ``answers``, with the capabilities ``can``.

    ``calls`` are the called members, ``notified`` the arguments of each Notify.
    """

    def __init__(self, address: str, *, answers: bool, can: tuple[str, ...] = ()) -> None:
        self.calls: list[str | None] = []
        self.notified: list[list[object]] = []
        self._answers = answers
        self._can = can
        self._address = address
        self._there, self._leave = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._there.wait(DEADLINE_S)

    def invoke(self, number: int, action: str) -> None:
        """Simulate that the user chose an action of notification ``number``."""
        self._loop.call_soon_threadsafe(self._signal, "ActionInvoked", "us", [number, action])

    def close_notification(self, number: int) -> None:
        """Simulate that the user closed it."""
        self._loop.call_soon_threadsafe(self._signal, "NotificationClosed", "uu", [number, 2])

    def close(self) -> None:
        """Leave the bus."""
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    async def _serve(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._heard)
        assert await self._bus.request_name(NAME) is RequestNameReply.PRIMARY_OWNER
        self._there.set()
        await self._leave.wait()
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast's own

    def _signal(self, member: str, signature: str, body: Sequence[object]) -> None:
        path = "/org/freedesktop/Notifications"
        self._bus.send(Message.new_signal(path, NAME, member, signature, [*body]))

    def _heard(self, message: Message) -> "Message | bool":
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        self.calls.append(message.member)
        if not self._answers:
            return True
        if message.member == "GetCapabilities":
            return Message.new_method_return(message, "as", [list(self._can)])
        if message.member == "GetServerInformation":
            return Message.new_method_return(message, "ssss", ["small", "test", "1", "1.2"])
        self.notified.append(list(message.body))
        return Message.new_method_return(message, "u", [len(self.notified)])
