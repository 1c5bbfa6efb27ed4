"""Reports the connections of a bound ZeroMQ socket as they open and close.

See http://api.zeromq.org/4-3:zmq-socket-monitor. libzmq's I/O thread would wait for a monitor whose queue is full, so
this queue has no limit.
"""

import asyncio
import itertools
import struct
from collections.abc import Callable

import zmq

from modeld.transport.peers import Peers

_EVENT = struct.Struct("=Hi")
_numbers = itertools.count(1)


class ConnectionMonitor:
    """Keeps ``peers`` current; create it before the socket is bound.

    ``changed`` is called when the number of connections has changed, ``gone`` with each peer that has disconnected.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        socket: "zmq.Socket[bytes]",
        changed: Callable[[], None],
        gone: Callable[[bytes], None],
    ) -> None:
        self.peers = Peers()
        self._changed = changed
        self._gone = gone
        self._socket = socket
        address = f"inproc://connections-{next(_numbers)}"
        socket.monitor(address, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._events = context.socket(zmq.PAIR)
        self._events.setsockopt(zmq.RCVHWM, 0)
        self._events.connect(address)
        asyncio.get_running_loop().add_reader(self._events.fileno(), self.read)

    def read(self) -> None:
        """Take in everything that has been reported; ZeroMQ's descriptor is edge-triggered."""
        before = len(self.peers)
        while not self._events.closed:
            try:
                frames = self._events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            number, descriptor = _EVENT.unpack(frames[0])
            if number == zmq.EVENT_ACCEPTED:
                self.peers.opened(descriptor)
            elif number == zmq.EVENT_DISCONNECTED:
                self._report(self.peers.closed(descriptor))
        if len(self.peers) != before:
            self._changed()

    def heard(self, peer: bytes, descriptor: int) -> None:
        """A message from ``peer`` was handled; ``descriptor`` is negative where libzmq does not know it."""
        if descriptor >= 0 and not self.peers.is_known(peer, descriptor):
            self.read()
            self._report(self.peers.heard(peer, descriptor))

    def _report(self, peer: bytes | None) -> None:
        if peer is not None:
            self._gone(peer)

    def close(self) -> None:
        """Stop reporting; call it before the socket is closed."""
        asyncio.get_running_loop().remove_reader(self._events.fileno())
        self._socket.disable_monitor()
        self._events.close(0)
