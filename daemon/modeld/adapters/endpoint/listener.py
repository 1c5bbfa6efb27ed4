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

CLIENT_QUEUE = 20_000
"""Frames that may wait for one client before it counts as gone."""

EVENT_QUEUE = 10_000
"""Events that may wait for one subscriber before it loses the newest (and notices by the hole in ``seq``)."""

MAX_SUBSCRIPTION_BYTES = 4_096

BIND_AGAIN_S = 0.05

_Context = zmq.Context[zmq.Socket[bytes]]
Receive = Callable[[list[bytes]], None]
Gone = Callable[[bytes], None]


def _router(context: _Context) -> "zmq.Socket[bytes]":
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
    router.setsockopt(zmq.SNDHWM, CLIENT_QUEUE)
    return router


def _publisher(context: _Context) -> "zmq.Socket[bytes]":
    publisher = context.socket(zmq.PUB)
    publisher.setsockopt(zmq.SNDHWM, EVENT_QUEUE)
    publisher.setsockopt(zmq.MAXMSGSIZE, MAX_SUBSCRIPTION_BYTES)
    return publisher


class LocalListener:
    """For this user on this machine."""

    def __init__(self, context: _Context, runtime_dir: Path, gate: Gate, receive: Receive, gone: Gone) -> None:
        router, self._publisher = _router(context), _publisher(context)
        monitor = ConnectionMonitor(context, router, gone)
        self.commands = binding.bind_own(router, runtime_dir / "commands.sock", gate, LOCAL)
        self.events = binding.bind_own(self._publisher, runtime_dir / "events.sock", gate, LOCAL)
        self._router = ClientSocket(router, receive, monitor, keyed=False)

    def send(self, frames: list[bytes]) -> bool:
        """Answer a client; False if it cannot be reached."""
        return self._router.send(frames)

    def publish(self, frames: list[bytes]) -> None:
        """Send an event to every subscriber; one that is too slow misses it."""
        self._publisher.send_multipart(frames, zmq.NOBLOCK)

    def close(self) -> None:
        """Close both sockets, letting the last answers and events leave."""
        self._router.close()
        self._publisher.close(linger=500)


class RemoteListener:
    """For the network: commands on the port that was asked for, events on the next one, both behind CURVE."""

    def __init__(self, context: _Context, endpoint: str, pair: KeyPair, receive: Receive, gone: Gone) -> None:
        self._context = context
        self._pair = pair
        commands, events = _two_ports(endpoint)
        router, self._publisher = _router(context), _publisher(context)
        monitor = ConnectionMonitor(context, router, gone)
        self.commands = binding.bind_curve(router, commands, pair, REMOTE)
        self.events = binding.bind_curve(self._publisher, events, pair, REMOTE)
        self._router = ClientSocket(router, receive, monitor, keyed=True)

    def send(self, frames: list[bytes]) -> bool:
        """Answer a client; False if it cannot be reached."""
        return self._router.send(frames)

    def publish(self, frames: list[bytes]) -> None:
        """Send an event to every subscriber; one that is too slow misses it, and during ``expel`` all do."""
        if not self._publisher.closed:
            self._publisher.send_multipart(frames, zmq.NOBLOCK)

    def expel(self) -> None:
        """End all subscriptions, since libzmq cannot end one; allowed clients reconnect and notice what they missed."""
        self._publisher.close(0)
        self._bind_again()

    def _bind_again(self) -> None:
        publisher = _publisher(self._context)
        try:
            binding.bind_curve(publisher, self.events, self._pair, REMOTE)
        except binding.BindError as error:  # libzmq closes in its own thread, and the port is taken until then
            publisher.close(0)
            log.debug("%s", error)
            asyncio.get_running_loop().call_later(BIND_AGAIN_S, self._bind_again_unless_closed)
        else:
            self._publisher = publisher

    def _bind_again_unless_closed(self) -> None:
        if not self._context.closed and self._publisher.closed and not self._router.closed:
            self._bind_again()

    def close(self) -> None:
        """Close both sockets, letting the last answers and events leave."""
        self._router.close()
        self._publisher.close(linger=500)


def _two_ports(endpoint: str) -> tuple[str, str]:
    """The endpoints of commands and events; port 0 is any free one, for both."""
    address, _, port = endpoint.rpartition(":")
    return endpoint, f"{address}:{int(port) + 1 if int(port) else 0}"
