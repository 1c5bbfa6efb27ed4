"""A ZeroMQ socket read by the asyncio loop, without zmq.asyncio and what that costs in memory and latency."""

import asyncio
import logging
from collections.abc import Callable

import zmq

from modeld.transport.monitor import ConnectionMonitor

log = logging.getLogger(__name__)

_SENT = zmq.MessageTracker()
"""Of a message that was copied."""


class LoopSocket:
    """Calls ``receive`` with each message (its frames); sends never block.

    ZeroMQ's descriptor is edge-triggered, so every wake-up and every send is followed by reading until nothing is left
    (http://api.zeromq.org/4-3:zmq-getsockopt, ZMQ_FD). After ``BURST`` messages or ``BURST_BYTES`` the loop has a turn,
    so that what they ask for is done before more is taken, and each client waits for few requests of others.
    """

    BURST = 8
    BURST_BYTES = 256 * 1024

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
            left_bytes = self.BURST_BYTES
            for _ in range(self.BURST):
                left_bytes -= self._take()
                if left_bytes < 0:
                    break
        except zmq.Again:
            return
        except Exception:
            log.exception("a message could not be handled")
        self._drain_soon()

    def _take(self) -> int:
        """Hand on one message; returns the bytes of its last frame. Raises zmq.Again if no message is there."""
        frames = self._socket.recv_multipart(zmq.NOBLOCK)
        self._receive(frames)
        return len(frames[-1])

    def send(self, frames: list[bytes]) -> bool:
        """Send a message; False if it cannot be delivered (no such peer any more, or its queue is full)."""
        return self._send(frames, track=False) is not None

    def send_large(self, frames: list[bytes]) -> zmq.MessageTracker | None:
        """Send a message without a copy; the tracker is done when the kernel has it. None if it cannot be delivered."""
        return self._send(frames, track=True)

    def _send(self, frames: list[bytes], *, track: bool) -> zmq.MessageTracker | None:
        try:
            sent = self._socket.send_multipart(frames, zmq.NOBLOCK, copy=not track, track=track)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                return None
            raise
        finally:
            self._drain_soon()
        return sent or _SENT

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

    def _take(self) -> int:
        first = self._socket.recv(zmq.NOBLOCK, copy=False)
        peer, descriptor = first.bytes, first.get(zmq.SRCFD)
        frames = [peer, *self._socket.recv_multipart(zmq.NOBLOCK)]
        self._receive([_key(first), *frames] if self._keyed else frames)
        self._monitor.heard(peer, descriptor if isinstance(descriptor, int) else -1)
        return len(frames[-1])


def _key(frame: zmq.Frame) -> bytes:
    key = frame.get("User-Id")
    return key.encode() if isinstance(key, str) else b""
