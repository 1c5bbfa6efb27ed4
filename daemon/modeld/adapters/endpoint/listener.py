"""One place that clients connect to: a ROUTER for commands and a PUB for events."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import zmq

from modeld.protocol.keys import KeyPair
from modeld.protocol.wire import MAX_REQUEST_BYTES
from modeld.transport import binding
from modeld.transport.loop_socket import ClientSocket
from modeld.transport.monitor import ConnectionMonitor
from modeld.transport.zap import LOCAL, REMOTE, Gate

log = logging.getLogger(__name__)

REQUEST_QUEUE = 8
"""Requests of one client that may wait here; the others wait in the kernel, and with the client."""

CLIENT_QUEUE = 8_000
"""Frames that may wait for one client before it counts as gone."""

EVENT_QUEUE = 2_000
"""Events that may wait for one subscriber before it loses the newest (and notices by the hole in ``seq``)."""

MAX_SUBSCRIPTION_BYTES = 4_096

WAITING_CONNECTIONS = 2
"""Connections that may wait until libzmq accepts them; others try again 0.1 s later.

So few, because libzmq accepts all that wait before the daemon can stop it, and a crowd must not take every descriptor.
"""

BIND_AGAIN_S = 0.05
LINGER_MS = 500
"""The last answers and events have this long to leave when the daemon stops."""

_Context = zmq.Context[zmq.Socket[bytes]]
Receive = Callable[[list[bytes]], None]
Changed = Callable[[], None]
Gone = Callable[[bytes], None]
Bind = Callable[["zmq.Socket[bytes]"], str]


def _router(context: _Context) -> "zmq.Socket[bytes]":
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
    router.setsockopt(zmq.RCVHWM, REQUEST_QUEUE)
    router.setsockopt(zmq.BACKLOG, WAITING_CONNECTIONS)
    router.setsockopt(zmq.SNDHWM, CLIENT_QUEUE)
    return router


def _publisher(context: _Context) -> "zmq.Socket[bytes]":
    publisher = context.socket(zmq.PUB)
    publisher.setsockopt(zmq.BACKLOG, WAITING_CONNECTIONS)
    publisher.setsockopt(zmq.SNDHWM, EVENT_QUEUE)
    publisher.setsockopt(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION_BYTES)
    return publisher


class Publisher:
    """Events out, to subscribers of whom only the connections are known."""

    def __init__(self, context: _Context, bind: Bind, changed: Changed) -> None:
        self._socket = _publisher(context)
        self.monitor = ConnectionMonitor(context, self._socket, changed, gone=lambda _peer: None)
        try:
            self.endpoint = bind(self._socket)
        except binding.BindError:
            self.close(0)
            raise

    def publish(self, frames: list[bytes]) -> None:
        """Send an event to every subscriber; one that is too slow misses it."""
        self._socket.send_multipart(frames, zmq.NOBLOCK)

    def close(self, linger_ms: int) -> None:
        """End all subscriptions."""
        self.monitor.close()
        self._socket.close(linger_ms)


class Listener:
    """Commands and events at one place; ``changed`` is called when the number of connections has changed."""

    def __init__(
        self, context: _Context, bind: tuple[Bind, Bind], receive: Receive, changed: Changed, gone: Gone, *, keyed: bool
    ) -> None:
        self._context = context
        self._changed = changed
        router = _router(context)
        self._monitor = ConnectionMonitor(context, router, changed, gone)
        self.commands = bind[0](router)
        self._router = ClientSocket(router, receive, self._monitor, keyed=keyed)
        self._publisher: Publisher | None = Publisher(context, bind[1], changed)
        self.events = self._publisher.endpoint

    @property
    def connections(self) -> int:
        """How many connections there are, to both sockets."""
        subscribers = len(self._publisher.monitor.peers) if self._publisher is not None else 0
        return len(self._monitor.peers) + subscribers

    def send(self, frames: list[bytes]) -> bool:
        """Answer a client; False if it cannot be reached."""
        return self._router.send(frames)

    def send_large(self, frames: list[bytes]) -> zmq.MessageTracker | None:
        """Answer a client, and tell when the answer has left; None if it cannot be reached."""
        return self._router.send_large(frames)

    def publish(self, frames: list[bytes]) -> None:
        """Send an event to every subscriber; one that is too slow misses it."""
        if self._publisher is not None:
            self._publisher.publish(frames)

    def close(self) -> None:
        """Close both sockets, letting the last answers and events leave."""
        self._monitor.close()
        self._router.close()
        if self._publisher is not None:
            self._publisher.close(LINGER_MS)


class LocalListener(Listener):
    """For this user on this machine."""

    def __init__(
        self, context: _Context, runtime_dir: Path, gate: Gate, receive: Receive, changed: Changed, gone: Gone
    ) -> None:
        def bind_at(name: str) -> Bind:
            return lambda socket: binding.bind_own(socket, runtime_dir / name, gate, LOCAL)

        super().__init__(
            context, (bind_at("commands.sock"), bind_at("events.sock")), receive, changed, gone, keyed=False
        )
        self._full = False

    def admit(self, more: bool) -> None:
        """Let new connections come, or not; this works where sockets are files only."""
        if more is not self._full or not self.commands.startswith("ipc://"):
            return
        self._full = not more
        for endpoint in (self.commands, self.events):
            (binding.let_connections if more else binding.stop_connections)(endpoint)

    def close(self) -> None:
        """Close both sockets, letting the last answers and events leave."""
        self.admit(True)  # libzmq removes the files by their own names
        super().close()


class RemoteListener(Listener):
    """For the network: commands on the port that was asked for, events on the next one, both behind CURVE."""

    def __init__(
        self, context: _Context, endpoint: str, pair: KeyPair, receive: Receive, changed: Changed, gone: Gone
    ) -> None:
        commands, events = _two_ports(endpoint)
        self._pair = pair
        super().__init__(context, (self._bind_at(commands), self._bind_at(events)), receive, changed, gone, keyed=True)

    def _bind_at(self, endpoint: str) -> Bind:
        return lambda socket: binding.bind_curve(socket, endpoint, self._pair, REMOTE)

    def expel(self) -> None:
        """End all subscriptions, since libzmq cannot end one; allowed clients reconnect and notice what they missed.

        Until the port is free again, events are missed by all.
        """
        if self._publisher is not None:
            self._publisher.close(0)
            self._publisher = None
            self._publish_again()

    def _publish_again(self) -> None:
        if self._context.closed or self._router.closed:
            return
        try:
            self._publisher = Publisher(self._context, self._bind_at(self.events), self._changed)
        except binding.BindError as error:  # libzmq closes in its own thread, and the port is taken until then
            log.debug("%s", error)
            asyncio.get_running_loop().call_later(BIND_AGAIN_S, self._publish_again)
        else:
            self._changed()


def _two_ports(endpoint: str) -> tuple[str, str]:
    """The endpoints of commands and events; port 0 is any free one, for both."""
    address, _, port = endpoint.rpartition(":")
    return endpoint, f"{address}:{int(port) + 1 if int(port) else 0}"
