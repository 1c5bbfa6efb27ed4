"""The panel's view of the tray: its item and menu over D-Bus, and a running ``modelctl tray``."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import modelicons
from dbus_fast import Message, MessageType, Variant, unpack_variants
from dbus_fast.aio import MessageBus
from modelicons import IconState
from PIL import Image

from support.waiting import until

DEADLINE_S = 30.0
SIZE = 22


@dataclass(frozen=True)
class Entry:
    """A menu entry, as the panel receives it."""

    number: int
    properties: Mapping[str, object]
    children: Sequence["Entry"]

    @property
    def label(self) -> str:
        return str(self.properties.get("label", "---"))

    @property
    def enabled(self) -> bool:
        return bool(self.properties.get("enabled", True))


@dataclass(frozen=True)
class Shown:
    """The icon, recognised by its pixels; ``percent`` of a download's ring, None without a known share."""

    state: IconState
    unseen: bool = False
    percent: int | None = None


class TrayHost:
    """Calls to the tray of one process, by its pid."""

    def __init__(self, address: str, pid: int) -> None:
        self._address = address
        self._name = f"org.kde.StatusNotifierItem-{pid}-1"

    def menu(self) -> Sequence[Entry]:
        """The whole menu now."""
        _revision, root = self._call("/MenuBar", "com.canonical.dbusmenu", "GetLayout", "iias", [0, -1, []])
        return _entry(root).children

    def entry(self, *labels: str) -> Entry | None:
        """The entry whose label starts like this, each in the submenu of the previous one."""
        entries, found = self.menu(), None
        for label in labels:
            found = next((entry for entry in entries if entry.label.startswith(label)), None)
            if found is None:
                return None
            entries = found.children
        return found

    def click(self, *labels: str) -> None:
        """Choose an entry like a panel; waits until it exists and is enabled."""
        self.event(self._wait_for(labels).number, "clicked")

    def event(self, number: int, kind: str) -> None:
        """Send an event on an entry."""
        body = [number, kind, Variant("i", 0), 0]
        self._call("/MenuBar", "com.canonical.dbusmenu", "Event", "isvu", body)

    def activate(self) -> None:
        """Click the icon."""
        self._call("/StatusNotifierItem", "org.kde.StatusNotifierItem", "Activate", "ii", [0, 0])

    def texts(self) -> list[str]:
        """All labels, from top to bottom."""
        return [entry.label for entry in _all(self.menu())]

    def tooltip(self) -> str:
        """The tooltip's title and details."""
        return "\n".join(self.property("ToolTip")[2:]).strip()

    def property(self, name: str) -> Any:
        """A property of the item."""
        body = ["org.kde.StatusNotifierItem", name]
        (value,) = self._call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", "ss", body)
        return value

    def icon(self) -> Shown | None:
        """The icon's current state."""
        pixels = next(bytes(pixels) for width, _height, pixels in self.property("IconPixmap") if width == SIZE)
        return next((shown for shown, known in _icons() if known == pixels), None)

    def wait_for_icon(self, state: IconState, *, unseen: bool = False) -> Shown:
        """Wait until the icon shows this state."""

        def look() -> Shown | None:
            shown = self.icon()
            return shown if shown is not None and (shown.state, shown.unseen) == (state, unseen) else None

        return until(look, f"the icon as {state}, unseen {unseen}")

    def there(self) -> bool:
        """Whether a panel has the item."""
        try:
            body = ["org.kde.StatusNotifierWatcher", "RegisteredStatusNotifierItems"]
            (items,) = _ask(
                self._address,
                "org.kde.StatusNotifierWatcher",
                "/StatusNotifierWatcher",
                "org.freedesktop.DBus.Properties",
                "Get",
                "ss",
                body,
            )
        except NoSuchError:
            return False
        return any(self._name in item for item in items)

    def _wait_for(self, labels: Sequence[str]) -> Entry:
        def choosable() -> Entry | None:
            found = self.entry(*labels)
            return found if found is not None and found.enabled else None

        return until(choosable, f"{labels} in {self.texts()}")

    def _call(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> list[Any]:
        return _ask(self._address, self._name, path, interface, member, signature, body)


class NoSuchError(Exception):
    """The call returned an error."""


class TrayProcess:
    """``modelctl tray`` as a child process."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self.log_file = home / "logs" / "tray.log"
        command = [sys.executable, "-P", "-m", "modelctl", "tray"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.host = TrayHost(environment.get("DBUS_SESSION_BUS_ADDRESS", ""), self.process.pid)

    def log(self) -> str:
        """Its log so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def wait_for_log(self, text: str) -> None:
        """Wait until the log contains this text."""
        until(lambda: text in self.log(), f"{text!r} in the tray's log: {self.log()}")

    def wait_until_shown(self) -> None:
        """Wait until a panel has the icon."""
        until(self.host.there, f"the icon at the panel; {self.log()}")

    def end(self) -> int:
        """Send it a signal, unless it has ended; return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        self.output, _ = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode


def _icons() -> Iterator[tuple[Shown, bytes]]:
    """Every possible icon, as the panel receives it."""
    for unseen in (False, True):
        for state in IconState:
            yield Shown(state, unseen), _pixels(modelicons.draw(state, SIZE, unseen=unseen))
        for percent in range(101):
            image = modelicons.draw(IconState.DOWNLOADING, SIZE, progress=percent / 100, unseen=unseen)
            yield Shown(IconState.DOWNLOADING, unseen, percent), _pixels(image)


def _pixels(image: Image.Image) -> bytes:
    rgba = image.tobytes()
    return b"".join(rgba[i + 3 : i + 4] + rgba[i : i + 3] for i in range(0, len(rgba), 4))


def _all(entries: Sequence[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        yield from _all(entry.children)


def _entry(body: Sequence[Any]) -> Entry:
    number, properties, children = body
    return Entry(number, properties, [_entry(child) for child in children])


def _ask(
    address: str, destination: str, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any]:
    async def ask() -> list[Any]:
        bus = await MessageBus(bus_address=address).connect()
        try:
            message = Message(
                destination=destination, path=path, interface=interface, member=member, signature=signature, body=body
            )
            reply = await asyncio.wait_for(bus.call(message), DEADLINE_S)
        finally:
            bus.disconnect()
        if reply.message_type is MessageType.ERROR:
            raise NoSuchError(f"{member}: {reply.error_name}: {reply.body}")
        return [unpack_variants(value) for value in reply.body]

    return asyncio.run(ask())
