"""Reads what clients ask, refuses what cannot be used, and brings answers and events to those they are for."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

import msgspec
import zmq

from modeld.adapters.endpoint.limits import Allowance, Limits
from modeld.adapters.endpoint.listener import LocalListener, RemoteListener
from modeld.core.downloads.source import is_path
from modeld.core.effects import Publish, Send
from modeld.core.facts import AnyFact, Asked, ClientGone
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.events import topic
from modeld.protocol.keys import KeyPair
from modeld.protocol.replies import Reply
from modeld.protocol.requests import Add, AnyRequest, Restore, Scan
from modeld.protocol.wire import VERSION, encode
from modeld.transport.zap import Gate

log = logging.getLogger(__name__)

REMEMBERED_CLIENTS = 10_000

LOCAL_CLIENT = b"l"
REMOTE_CLIENT = b"r"
"""A client's name begins with one of these, since each ROUTER names its peers without knowing of the other."""

_V = TypeVar("_V")

_OPS = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyRequest)))
_NOT_JSON = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError)


class Envelope(msgspec.Struct):
    """What can still be read of a request that is wrong otherwise."""

    v: int = VERSION
    id: str = ""


class Server:
    """Binds the sockets at construction; ``report`` gets what clients ask."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        runtime_dir: Path,
        gate: Gate,
        report: Callable[[AnyFact], None],
        limits: Limits,
    ) -> None:
        self._context = context
        self._gate = gate
        self._report = report
        self._allowance = Allowance(limits)
        self._decoder = msgspec.json.Decoder(AnyRequest)
        self._envelopes = msgspec.json.Decoder(Envelope)
        self._delimited: OrderedDict[bytes, bool] = OrderedDict()
        self._keys: OrderedDict[bytes, str] = OrderedDict()
        self._local = LocalListener(context, runtime_dir, gate, self._asked_here)
        self._remote: RemoteListener | None = None
        self.commands = self._local.commands
        self.events = self._local.events
        self.remote_commands = ""
        self.remote_events = ""

    def listen(self, endpoint: str, pair: KeyPair) -> None:
        """Serve the network too, at ``tcp://ADDRESS:PORT`` and the port after it."""
        self._remote = RemoteListener(self._context, endpoint, pair, self._asked_from_afar)
        self.remote_commands = self._remote.commands
        self.remote_events = self._remote.events

    # -- in ------------------------------------------------------------------------------------------------------

    def _asked_here(self, frames: list[bytes]) -> None:
        client = LOCAL_CLIENT + frames[0]
        self._received(client, client, frames[1:], welcome=True)

    def _asked_from_afar(self, frames: list[bytes]) -> None:
        key, peer, *rest = frames
        client = REMOTE_CLIENT + peer
        self._remember(self._keys, client, key.decode())
        self._received(client, key, rest, welcome=bool(self._gate.remote_name(key.decode())))

    def _received(self, client: bytes, payer: bytes, rest: list[bytes], *, welcome: bool) -> None:
        """Frames are a delimiter and the request; without the delimiter it is understood too."""
        delimited = len(rest) > 1 and rest[0] == b""
        self._remember(self._delimited, client, delimited)
        body = rest[1:] if delimited else rest
        left = self._allowance.spend(payer, time.monotonic())
        if left < 0:
            if self._allowance.worth_a_word(left):
                rate = self._allowance.limits.requests_per_s
                text = f"More than {rate:.0f} requests a second came from you; this one was not looked at."
                self._refuse(client, self._id_of(body[-1]), ErrorCode.BUSY, text, "Ask again in a second, and slower.")
            return
        if not welcome:
            self._cut(client)
            text = "Your key is not allowed here any more."
            self._refuse(client, self._id_of(body[-1]), ErrorCode.NOT_ALLOWED, text, "Ask whoever runs this daemon.")
            return
        if len(body) != 1:
            self._refuse(
                client, "", ErrorCode.BAD_REQUEST, f"A request is one frame of JSON; this one had {len(body)}."
            )
            return
        try:
            request = self._decoder.decode(body[0])
        except _NOT_JSON as error:
            self._explain(client, body[0], str(error))
        else:
            self._take_up(client, request)

    def _take_up(self, client: bytes, request: AnyRequest) -> None:
        if client.startswith(REMOTE_CLIENT) and isinstance(request, Add) and is_path(request.source):
            text = "A file of this machine cannot be added over the network."
            self._refuse(client, request.id, ErrorCode.NOT_ALLOWED, text, "Add it on the machine itself.")
        elif client.startswith(REMOTE_CLIENT) and isinstance(request, Restore):
            text = "A backup cannot be restored over the network: it holds settings."
            self._refuse(client, request.id, ErrorCode.NOT_ALLOWED, text, "Restore it on the machine itself.")
        elif client.startswith(REMOTE_CLIENT) and isinstance(request, Scan):
            text = "The folders of this machine are not looked through over the network."
            self._refuse(client, request.id, ErrorCode.NOT_ALLOWED, text, "Scan on the machine itself.")
        elif self._allowance.open(client, self._payer(client)):
            self._report(Asked(client=client, request=request))
        else:
            count = self._allowance.open_of(self._payer(client))
            text = f"{count} requests of yours wait for their answers; there may be no more."
            if count < self._allowance.limits.open_requests:
                text = "All clients together have as many requests open as there may be."
            self._refuse(client, request.id, ErrorCode.BUSY, text, "Wait for an answer, or cancel one.")

    def _explain(self, client: bytes, body: bytes, error: str) -> None:
        try:
            envelope = self._envelopes.decode(body)
        except _NOT_JSON:
            envelope = Envelope()
        if envelope.v != VERSION:
            text = f"This daemon speaks version {VERSION} of the protocol, not {envelope.v}."
            self._refuse(client, envelope.id, ErrorCode.UNSUPPORTED_VERSION, text, "Update the older of the two.")
        else:
            hint = f"The ops: {_OPS}." if "$.op" in error or "`op`" in error else "See docs/protocol.md."
            self._refuse(client, envelope.id, ErrorCode.BAD_REQUEST, f"The request cannot be used: {error}.", hint)

    def _id_of(self, body: bytes) -> str:
        try:
            return self._envelopes.decode(body).id
        except _NOT_JSON:
            return ""

    # -- out -----------------------------------------------------------------------------------------------------

    def send(self, effect: Send) -> None:
        """Answer a client; one that cannot be reached is reported gone."""
        if effect.reply.chunk is msgspec.UNSET:
            self._allowance.answered(effect.client)
        if not self._deliver(effect.client, effect.reply):
            self._report(ClientGone(client=effect.client))

    def _refuse(self, client: bytes, request_id: str, code: ErrorCode, message: str, hint: str = "") -> None:
        failure = Failure(code=code, message=message, hint=hint)
        self._deliver(client, Reply(id=request_id, ok=False, error=failure))

    def _deliver(self, client: bytes, reply: Reply) -> bool:
        listener = self._local if client.startswith(LOCAL_CLIENT) else self._remote
        if listener is None:
            return False
        delimiter = [b""] if self._delimited.get(client, True) else []
        body = encode(reply)
        self._allowance.charge(self._payer(client), len(body), time.monotonic())
        return listener.send([client[1:], *delimiter, body])

    def _payer(self, client: bytes) -> bytes:
        return self._keys[client].encode() if client in self._keys else client

    def publish(self, effect: Publish) -> None:
        """Tell everyone; a subscriber that is too slow loses it."""
        frames = [topic(effect.event).encode(), encode(effect.event)]
        self._local.publish(frames)
        if self._remote is not None:
            self._remote.publish(frames)

    # -- keys that are allowed no more ---------------------------------------------------------------------------

    def look(self) -> None:
        """Notice keys that were revoked; call it now and then, since events are not asked for one by one."""
        if self._remote is not None and self._gate.any_revoked():
            log.info("a key was revoked: subscribers from the network have to connect again")
            for client in [client for client, key in self._keys.items() if not self._gate.remote_name(key)]:
                self._cut(client)
            self._remote.expel()

    def _cut(self, client: bytes) -> None:
        """What a client has running ends; it is told so by its answers."""
        if self._keys.pop(client, None) is not None:
            self._report(ClientGone(client=client))

    def _remember(self, memory: "OrderedDict[bytes, _V]", client: bytes, value: "_V") -> None:
        memory[client] = value
        memory.move_to_end(client)
        if len(memory) > REMEMBERED_CLIENTS:
            memory.popitem(last=False)

    def close(self) -> None:
        """Close the sockets, letting the last answers and events leave."""
        self._local.close()
        if self._remote is not None:
            self._remote.close()
