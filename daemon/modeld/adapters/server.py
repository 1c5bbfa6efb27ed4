"""The two sockets of the wire: commands in and answers out (ROUTER), events out (PUB)."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import zmq

from modeld.core.effects import Publish, Send
from modeld.core.facts import AnyFact, Asked, ClientGone
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.events import topic
from modeld.protocol.replies import Reply
from modeld.protocol.requests import AnyRequest
from modeld.protocol.wire import MAX_REQUEST_BYTES, VERSION, encode
from modeld.sockets import LoopSocket

CLIENT_QUEUE = 20_000
"""Frames that may wait for one client before it counts as gone."""

EVENT_QUEUE = 10_000
"""Events that may wait for one subscriber before it loses the newest (and notices by the hole in ``seq``)."""

REMEMBERED_CLIENTS = 10_000

_OPS = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyRequest)))


class Envelope(msgspec.Struct):
    """What can still be read of a request that is wrong otherwise."""

    v: int = VERSION
    id: str = ""


class Server:
    """Binds both sockets at construction; ``report`` gets what clients ask."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], runtime_dir: Path, report: Callable[[AnyFact], None]
    ) -> None:
        self._report = report
        self._decoder = msgspec.json.Decoder(AnyRequest)
        self._envelopes = msgspec.json.Decoder(Envelope)
        self._delimited: OrderedDict[bytes, bool] = OrderedDict()
        self.commands = f"ipc://{runtime_dir / 'commands.sock'}"
        self.events = f"ipc://{runtime_dir / 'events.sock'}"
        router = context.socket(zmq.ROUTER)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        router.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
        router.setsockopt(zmq.SNDHWM, CLIENT_QUEUE)
        self._publisher = context.socket(zmq.PUB)
        self._publisher.setsockopt(zmq.SNDHWM, EVENT_QUEUE)
        self._publisher.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
        before = os.umask(0o077)
        try:
            router.bind(self.commands)
            self._publisher.bind(self.events)
        finally:
            os.umask(before)
        self._router = LoopSocket(router, self._received)

    def _received(self, frames: list[bytes]) -> None:
        """Frames are client, delimiter, request; without the delimiter it is understood too."""
        client, *rest = frames
        delimited = len(rest) > 1 and rest[0] == b""
        self._delimited[client] = delimited
        self._delimited.move_to_end(client)
        if len(self._delimited) > REMEMBERED_CLIENTS:
            self._delimited.popitem(last=False)
        body = rest[1:] if delimited else rest
        if len(body) != 1:
            self._refuse(
                client, "", ErrorCode.BAD_REQUEST, f"A request is one frame of JSON; this one had {len(body)}."
            )
            return
        try:
            request = self._decoder.decode(body[0])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._explain(client, body[0], str(error))
        else:
            self._report(Asked(client=client, request=request))

    def _explain(self, client: bytes, body: bytes, error: str) -> None:
        try:
            envelope = self._envelopes.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            envelope = Envelope()
        if envelope.v != VERSION:
            text = f"This daemon speaks version {VERSION} of the protocol, not {envelope.v}."
            self._refuse(client, envelope.id, ErrorCode.UNSUPPORTED_VERSION, text, "Update the older of the two.")
        else:
            hint = f"The ops: {_OPS}." if "$.op" in error or "`op`" in error else "See docs/protocol.md."
            self._refuse(client, envelope.id, ErrorCode.BAD_REQUEST, f"The request cannot be used: {error}.", hint)

    def _refuse(self, client: bytes, request_id: str, code: ErrorCode, message: str, hint: str = "") -> None:
        failure = Failure(code=code, message=message, hint=hint)
        self._deliver(client, Reply(id=request_id, ok=False, error=failure))

    def _deliver(self, client: bytes, reply: Reply) -> bool:
        delimiter = [b""] if self._delimited.get(client, True) else []
        return self._router.send([client, *delimiter, encode(reply)])

    def send(self, effect: Send) -> None:
        """Answer a client; one that cannot be reached is reported gone."""
        if not self._deliver(effect.client, effect.reply):
            self._report(ClientGone(client=effect.client))

    def publish(self, effect: Publish) -> None:
        """Tell everyone; a subscriber that is too slow loses it."""
        self._publisher.send_multipart([topic(effect.event).encode(), encode(effect.event)], zmq.NOBLOCK)

    def close(self) -> None:
        """Close both sockets, letting the last answers and events leave."""
        self._router.close()
        self._publisher.close(linger=500)
