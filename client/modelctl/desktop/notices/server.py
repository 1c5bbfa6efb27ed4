"""A notification server on the session bus, addressed as its specification describes.

Source: Desktop Notifications Specification 1.2, https://specifications.freedesktop.org/notification-spec/
"""

import html
from collections.abc import Callable

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from modelctl.desktop.notices.backend import UnavailableError
from modelctl.desktop.notices.notice import FAILURES, Notice, NoticeAction, NoticeKind
from modelctl.language.catalogue import _

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
APPLICATION = "modeld"
ICON_SIZE = 64
REMEMBERED = 100
"""How many notices are remembered for clicks and replacement; servers need not report every closed notice."""

Clicked = Callable[[Notice, NoticeAction], None]


class NotificationServer:
    """The server's capabilities, and which of our notices it shows."""

    def __init__(self, bus: MessageBus, clicked: Clicked) -> None:
        self.bus = bus
        self._clicked = clicked
        self._name = ""
        self._can: frozenset[str] = frozenset()
        self._shown: dict[int, Notice] = {}

    async def listen(self) -> None:
        """Subscribe to clicks, closed notices, and the server's exit."""
        self.bus.add_message_handler(self._on_message)
        for rule in (
            f"type='signal',sender='{NAME}',path='{PATH}'",
            f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{NAME}'",
        ):
            await self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", [rule])

    async def show(self, notice: Notice) -> str:
        """Show ``notice``, replacing an earlier one with its key; return the server's name."""
        if not self._name:
            found = await self._call(NAME, PATH, "GetCapabilities")
            self._can = frozenset(found) if isinstance(found, list) else frozenset()
            self._name = str(await self._call(NAME, PATH, "GetServerInformation"))
        keys = {notice.key, notice.instead_of}
        replaced = next((id_ for id_, shown in self._shown.items() if shown.key in keys), 0)
        arguments = [
            APPLICATION,
            replaced,
            "",
            notice.title,
            html.escape(notice.body, quote=False) if "body-markup" in self._can else notice.body,
            _actions(notice) if "actions" in self._can else [],
            _hints(notice),
            -1,
        ]
        id_ = await self._call(NAME, PATH, "Notify", "susssasa{sv}i", arguments)
        self._shown.pop(replaced, None)
        if isinstance(id_, int):
            self._shown[id_] = notice
        while len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return self._name

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [name, *_rest] if name == NAME:
                # A new server numbers its notices from 1, so our old numbers could replace notices of other programs.
                self._name = ""
                self._shown.clear()
            case "NotificationClosed", [int(id_), *_rest]:
                self._shown.pop(id_, None)
            case "ActionInvoked", [int(id_), str(action)] if id_ in self._shown and action in set(NoticeAction):
                self._clicked(self._shown[id_], NoticeAction(action))

    async def _call(
        self,
        destination: str,
        path: str,
        member: str,
        signature: str = "",
        body: list[object] | None = None,
    ) -> object:
        """The first value of the reply; raises UnavailableError for an error reply."""
        reply = await self.bus.call(
            Message(
                destination=destination,
                path=path,
                interface=destination,
                member=member,
                signature=signature,
                body=body or [],
            )
        )
        if reply is None or reply.message_type is MessageType.ERROR:
            raise UnavailableError(str(reply.body[0]) if reply and reply.body else "no answer")
        return reply.body[0] if reply.body else None


def _actions(notice: Notice) -> list[str]:
    """The actions in the specification's form: key, label, key, label."""
    labels = {NoticeAction.OPEN: _("Open"), NoticeAction.RETRY: _("Retry"), NoticeAction.SHOW_LOG: _("Show log")}
    return [text for action in notice.actions for text in (action.value, labels[action])]


def _hints(notice: Notice) -> dict[str, Variant]:
    hints = {
        "urgency": Variant("y", int(notice.urgency)),
        "category": Variant("s", _category(notice.kind)),
        "desktop-entry": Variant("s", APPLICATION),
    }
    if notice.progress is not None:
        hints["value"] = Variant("i", notice.progress)
    icon = _icon()
    if icon is not None:
        hints["image-data"] = icon
    return hints


def _category(kind: NoticeKind) -> str:
    """The closest category of the specification."""
    if kind is NoticeKind.DOWNLOAD_FINISHED:
        return "transfer.complete"
    if kind is NoticeKind.DOWNLOAD_FAILED:
        return "transfer.error"
    return "device.error" if kind in FAILURES else "device"


def _icon() -> Variant | None:
    """The application's icon as ``image-data`` (width, height, rowstride, alpha, bits, channels, bytes)."""
    try:
        from modelicons import app_icon
    except ImportError:
        return None
    image = app_icon(ICON_SIZE)
    return Variant("(iiibiiay)", [image.width, image.height, image.width * 4, True, 8, 4, image.tobytes()])
