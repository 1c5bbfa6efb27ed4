"""A ZeroMQ socket read by the asyncio loop, without zmq.asyncio and what that costs in memory and latency."""

import asyncio
from collections.abc import Callable

import zmq

from modeld.transport.monitor import ConnectionMonitor


class LoopSocket:
    """Calls ``receive`` with each message (its frames); sends never block.

    ZeroMQ's descriptor is edge-triggered, so every wake-up and every send is followed by reading until nothing is left
    (http://api.zeromq.org/4-3:zmq-getsockopt, ZMQ_FD). After ``BURST`` messages the loop gets a turn for other work.
    """

    BURST = 100

    def __init__(self, socket: zmq.Socket[bytes], receive: Callable[[list[bytes]], None]) -> None:
        self._socket = socket
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(socket.fileno(), self.drain)
        self._will_drain = False
        self._drain_soon()

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._socket.closed

    def drain(self) -> None:
        """Hand on what has arrived."""
        self._will_drain = False
        if self._socket.closed:
            return
        try:
            for _ in range(self.BURST):
                self._take()
        except zmq.Again:
            return
        self._drain_soon()

    def _take(self) -> None:
        """Hand on one message; raises zmq.Again if none is there."""
        self._receive(self._socket.recv_multipart(zmq.NOBLOCK))

    def send(self, frames: list[bytes]) -> bool:
        """Send a message; False if it cannot be delivered (no such peer any more, or its queue is full)."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                return False
            raise
        finally:
            self._drain_soon()
        return True

    def _drain_soon(self) -> None:
        if not self._will_drain:
            self._will_drain = True
            self._loop.call_soon(self.drain)

    def close(self) -> None:
        """Stop reading and close, giving what was sent half a second to leave."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close(linger=500)


class ClientSocket(LoopSocket):
    """A ROUTER that tells its monitor over which connection each message came.

    Behind CURVE (``keyed``), its messages begin with the public key that the sender has proved to hold.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        receive: Callable[[list[bytes]], None],
        monitor: ConnectionMonitor,
        *,
        keyed: bool,
    ) -> None:
        self._monitor = monitor
        self._keyed = keyed
        super().__init__(socket, receive)

    def _take(self) -> None:
        first = self._socket.recv(zmq.NOBLOCK, copy=False)
        peer, descriptor = first.bytes, first.get(zmq.SRCFD)
        frames = [peer, *self._socket.recv_multipart(zmq.NOBLOCK)]
        self._receive([_key(first), *frames] if self._keyed else frames)
        self._monitor.heard(peer, descriptor if isinstance(descriptor, int) else -1)


def _key(frame: zmq.Frame) -> bytes:
    key = frame.get("User-Id")
    return key.encode() if isinstance(key, str) else b""
