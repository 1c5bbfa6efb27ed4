"""A ZeroMQ socket read by the asyncio loop, without zmq.asyncio and what that costs in memory and latency."""

import asyncio
from collections.abc import Callable

import zmq


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
        for _ in range(self.BURST):
            try:
                frames = self._take()
            except zmq.Again:
                return
            self._receive(frames)
        self._drain_soon()

    def _take(self) -> list[bytes]:
        return self._socket.recv_multipart(zmq.NOBLOCK)

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


class KeyedSocket(LoopSocket):
    """A ROUTER behind CURVE: its messages begin with the public key that the sender has proved to hold."""

    def _take(self) -> list[bytes]:
        frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        key = frames[-1].get("User-Id")
        return [key.encode() if isinstance(key, str) else b"", *(frame.bytes for frame in frames)]
