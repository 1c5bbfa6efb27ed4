"""Reads the requests of clients, refuses invalid ones, and delivers answers and events."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import msgspec
import zmq

from modeld.adapters.endpoint.limits import Allowance, Limits
from modeld.adapters.endpoint.listener import Listener, LocalListener, RemoteListener
from modeld.core.downloads.source import is_path
from modeld.core.effects import Publish, Send
from modeld.core.facts import AnyFact, Asked, ClientGone
from modeld.protocol import limits
from modeld.protocol.errors import Failure
from modeld.protocol.events import topic
from modeld.protocol.keys import KeyPair
from modeld.protocol.reasons import Reason
from modeld.protocol.replies import Reply
from modeld.protocol.requests import Add, AnyRequest, Restore, Scan
from modeld.protocol.wire import VERSION, encode
from modeld.transport.zap import Gate

log = logging.getLogger(__name__)

REMEMBERED_CLIENTS = 10_000
"""Clients that are remembered where libzmq does not tell that they disconnect."""

LARGE_BYTES = 65_536
"""From this size on an answer is sent without a copy, and counted until it has left."""

MAX_UNREAD_BYTES = 16 * 1024 * 1024
"""Large answers that may wait for one client before it counts as gone."""

ACCEPT_AGAIN_SHARE = 0.9
"""After the limit of connections was reached, new ones are accepted when fewer than this share of it are open."""

LOCAL_CLIENT = b"l"
REMOTE_CLIENT = b"r"
"""A client's name begins with one of these, since each ROUTER names its peers without knowing of the other."""

_OPS = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyRequest)))
_NOT_JSON = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError)


class Envelope(msgspec.Struct):
    """The parts that can be read even of an invalid request."""

    v: int = VERSION
    id: str = ""


@dataclass
class _Client:
    """How a client frames its requests, its public key if it comes over the network, and what it has yet to read."""

    delimited: bool = True
    key: str = ""
    unread: list[tuple[zmq.MessageTracker, int]] = field(default_factory=list)
    """Large answers and their bytes."""

    def unread_bytes(self) -> int:
        """The bytes of the large answers that wait until the client reads."""
        self.unread = [(tracker, size) for tracker, size in self.unread if not tracker.done]
        return sum(size for _, size in self.unread)


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
        self._clients: OrderedDict[bytes, _Client] = OrderedDict()
        self._full = False
        self._local = LocalListener(
            context,
            runtime_dir,
            gate,
            self._asked_here,
            self._count_connections,
            lambda peer: self._left(LOCAL_CLIENT + peer),
        )
        self._remote: RemoteListener | None = None
        self.commands = self._local.commands
        self.events = self._local.events
        self.remote_commands = ""
        self.remote_events = ""

    def listen(self, endpoint: str, pair: KeyPair) -> None:
        """Serve the network too, at ``tcp://ADDRESS:PORT`` and the port after it."""
        self._remote = RemoteListener(
            self._context,
            endpoint,
            pair,
            self._asked_from_afar,
            self._count_connections,
            lambda peer: self._left(REMOTE_CLIENT + peer),
        )
        self.remote_commands = self._remote.commands
        self.remote_events = self._remote.events

    # -- in ------------------------------------------------------------------------------------------------------

    def _asked_here(self, frames: list[bytes]) -> None:
        self._received(LOCAL_CLIENT + frames[0], "", frames[1:], welcome=True)

    def _asked_from_afar(self, frames: list[bytes]) -> None:
        key = frames[0].decode()
        self._received(REMOTE_CLIENT + frames[1], key, frames[2:], welcome=bool(self._gate.remote_name(key)))

    def _received(self, client: bytes, key: str, rest: list[bytes], *, welcome: bool) -> None:
        """Frames are a delimiter and the request; without the delimiter it is understood too."""
        delimited = len(rest) > 1 and rest[0] == b""
        self._remember(client, delimited, key)
        body = rest[1:] if delimited else rest
        left = self._allowance.spend(self._payer(client), time.monotonic(), len(body[-1]))
        if left < 0:
            if self._allowance.worth_a_word(left):
                limit = self._allowance.limits.requests_per_s
                self._refuse(client, self._id_of(body[-1]), Reason.REQUESTS_TOO_MANY.failure(limit=limit))
            return
        if not welcome:
            self._cut(client)
            self._refuse(client, self._id_of(body[-1]), Reason.KEY_NOT_ALLOWED.failure())
            return
        if len(body) != 1:
            self._refuse(client, "", Reason.REQUEST_FRAMES.failure(count=len(body)))
            return
        try:
            request = self._decoder.decode(body[0])
        except _NOT_JSON as error:
            self._explain(client, body[0], str(error))
        else:
            self._take_up(client, request)

    def _take_up(self, client: bytes, request: AnyRequest) -> None:
        refused = _too_long(request) or (_refuse_remote(request) if client.startswith(REMOTE_CLIENT) else None)
        if refused is not None:
            self._refuse(client, request.id, refused)
        elif self._allowance.open(client, self._payer(client)):
            self._report(Asked(client=client, request=request))
        else:
            count = self._allowance.open_of(self._payer(client))
            if count < self._allowance.limits.open_requests:
                self._refuse(client, request.id, Reason.ALL_TOO_MANY_OPEN.failure())
            else:
                self._refuse(client, request.id, Reason.CLIENT_TOO_MANY_OPEN.failure(count=count))

    def _explain(self, client: bytes, body: bytes, error: str) -> None:
        try:
            envelope = self._envelopes.decode(body)
        except _NOT_JSON:
            envelope = Envelope()
        if envelope.v != VERSION:
            failure = Reason.VERSION_UNSUPPORTED.failure(supported=VERSION, asked=envelope.v)
        elif "$.op" in error or "`op`" in error:
            failure = Reason.REQUEST_OP_INVALID.failure(error=error, ops=_OPS)
        else:
            failure = Reason.REQUEST_INVALID.failure(error=error)
        self._refuse(client, envelope.id, failure)

    def _id_of(self, body: bytes) -> str:
        try:
            return self._envelopes.decode(body).id
        except _NOT_JSON:
            return ""

    # -- out -----------------------------------------------------------------------------------------------------

    def send(self, effect: Send) -> None:
        """Answer a client; one that cannot be reached is reported gone, and one that has disconnected was."""
        if effect.client not in self._clients:
            return
        if effect.reply.chunk is msgspec.UNSET:
            self._allowance.answered(effect.client)
        if not self._deliver(effect.client, effect.reply):
            self._report(ClientGone(client=effect.client))

    def _refuse(self, client: bytes, request_id: str, failure: Failure) -> None:
        known = request_id if len(request_id) <= limits.ID else ""
        self._deliver(client, Reply(id=known, ok=False, error=failure))

    def _deliver(self, client: bytes, reply: Reply) -> bool:
        listener = self._local if client.startswith(LOCAL_CLIENT) else self._remote
        if listener is None:
            return False
        delimiter = [b""] if self._clients[client].delimited else []
        body = encode(reply)
        self._allowance.charge(self._payer(client), len(body), time.monotonic())
        frames = [client[1:], *delimiter, body]
        return listener.send(frames) if len(body) < LARGE_BYTES else self._deliver_large(client, listener, frames)

    def _deliver_large(self, client: bytes, listener: Listener, frames: list[bytes]) -> bool:
        """Deliver an answer unless too much waits for this client already; libzmq counts messages, not bytes."""
        known, size = self._clients[client], len(frames[-1])
        waiting = known.unread_bytes()
        if waiting and waiting + size > MAX_UNREAD_BYTES:
            return False
        tracker = listener.send_large(frames)
        if tracker is not None:
            known.unread.append((tracker, size))
        return tracker is not None

    def _payer(self, client: bytes) -> bytes:
        return self._clients[client].key.encode() or client

    def publish(self, effect: Publish) -> None:
        """Send an event to every subscriber; one that is too slow misses it."""
        frames = [topic(effect.event).encode(), encode(effect.event)]
        self._local.publish(frames)
        if self._remote is not None:
            self._remote.publish(frames)

    # -- keys that are allowed no more ---------------------------------------------------------------------------

    def look(self) -> None:
        """Notice keys that were revoked; call it now and then, since events are not asked for one by one."""
        if self._remote is not None and self._gate.any_revoked():
            log.info("a key was revoked: subscribers from the network have to connect again")
            keyed = [(name, client.key) for name, client in self._clients.items() if client.key]
            for name in [name for name, key in keyed if not self._gate.remote_name(key)]:
                self._cut(name)
            self._remote.expel()

    def _cut(self, client: bytes) -> None:
        """Cancel everything that a client has running; its answers say so."""
        if self._clients[client].key:
            self._clients[client].key = ""
            self._report(ClientGone(client=client))

    # -- connections ---------------------------------------------------------------------------------------------

    def _count_connections(self) -> None:
        """At the limit, let no new connections reach the local sockets until some have ended.

        Without descriptors libzmq ends the process when it accepts a connection to a file; one to a port it refuses.
        """
        count = self._local.connections + (self._remote.connections if self._remote is not None else 0)
        limit = self._allowance.limits.connections
        if count >= limit and not self._full:
            log.warning("%d connections are open, which is the limit: new local ones have to wait", count)
            self._full = True
            self._local.admit(False)
        elif count < limit * ACCEPT_AGAIN_SHARE and self._full:
            self._full = False
            self._local.admit(True)

    # -- which clients there are ---------------------------------------------------------------------------------

    def _remember(self, client: bytes, delimited: bool, key: str) -> None:
        known = self._clients.setdefault(client, _Client())
        known.delimited, known.key = delimited, key
        self._clients.move_to_end(client)
        if len(self._clients) > REMEMBERED_CLIENTS:
            self._clients.popitem(last=False)

    def _left(self, client: bytes) -> None:
        """A client has disconnected: forget it, and have what it waits for cancelled."""
        self._clients.pop(client, None)
        if self._allowance.left(client):
            self._report(ClientGone(client=client))

    def close(self) -> None:
        """Close the sockets, letting the last answers and events leave."""
        self._local.close()
        if self._remote is not None:
            self._remote.close()


def _too_long(request: AnyRequest) -> Failure | None:
    """Why a text of a request is refused; the parts of a backup are refused one by one, by who restores them."""
    if isinstance(request, Restore):
        request = msgspec.structs.replace(request, models=[], runs=[], results=[])
    return limits.exceeded(request)


def _refuse_remote(request: AnyRequest) -> Failure | None:
    """Why a request must not come over the network; None if it may."""
    match request:
        case Add(source=source) if is_path(source):
            return Reason.REMOTE_ADD_REFUSED.failure()
        case Restore():
            return Reason.REMOTE_RESTORE_REFUSED.failure()
        case Scan():
            return Reason.REMOTE_SCAN_REFUSED.failure()
        case _:
            return None
