"""A socket to a daemon that can also report why a TCP connection fails.

ZeroMQ retries silently and forever. Over TCP, a socket monitor distinguishes a refused key from an unreachable machine
(http://api.zeromq.org/4-3:zmq-socket-monitor).
"""

import errno
import socket
from enum import Enum

import zmq
from modeld.protocol.connection import Connection

HEARTBEAT_MS = 2_000
"""The heartbeat interval over TCP; the connection is lost after three times that without one."""

SURE_AFTER = 2
"""After this many handshakes that fail without a reason, the server is assumed to have a different key."""


def is_listening(endpoint: str) -> bool:
    """Whether a process listens at a local endpoint; a socket file outlives a process that was killed."""
    if not endpoint.startswith("ipc://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        return probe.connect_ex(endpoint.removeprefix("ipc://")) not in (errno.ECONNREFUSED, errno.ENOENT)


class ConnectionFault(Enum):
    """Why a connection fails."""

    KEY_REFUSED = "the daemon does not let this key in"
    NOT_SECURE = "what answers there speaks without CURVE, or no ZeroMQ at all"
    NO_HANDSHAKE = "the server's key is another, or what answers there is no daemon"
    LOST = "the connection was there, and ended"


class SocketMonitor:
    """What the monitor of one socket has reported so far."""

    _EVENTS = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_DISCONNECTED
    )

    def __init__(self, watched: "zmq.Socket[bytes]") -> None:
        self.monitor = watched.get_monitor_socket(self._EVENTS)
        self._joined = False
        self._without_reason = 0
        self._fault: ConnectionFault | None = None

    def fault(self) -> ConnectionFault | None:
        """Why the connection fails; None while it works or is still being tried."""
        if self.monitor.poll(0):
            from zmq.utils.monitor import parse_monitor_message
        while self.monitor.poll(0):
            self._note(parse_monitor_message(self.monitor.recv_multipart())["event"])
        return self._fault

    def _note(self, event: int) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._joined, self._without_reason = True, 0
            self._fault = None
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._fault = ConnectionFault.KEY_REFUSED
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self._fault = ConnectionFault.NOT_SECURE
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._without_reason += 1
            if self._without_reason >= SURE_AFTER:
                self._fault = ConnectionFault.NO_HANDSHAKE
        elif event == zmq.EVENT_DISCONNECTED and self._joined:
            self._fault = self._fault or ConnectionFault.LOST


class DaemonSocket(zmq.Socket[bytes]):
    """A socket of the transport; used by one thread at a time."""

    watch: SocketMonitor | None = None
    arrived = 0
    """The number of messages that were read."""

    def reach(self, endpoint: str, connection: Connection) -> None:
        """Connect; over TCP with CURVE."""
        if endpoint.startswith("tcp://"):
            self.setsockopt(zmq.CURVE_SERVERKEY, connection.server_key.encode())
            self.setsockopt(zmq.CURVE_PUBLICKEY, connection.client_key.encode())
            self.setsockopt(zmq.CURVE_SECRETKEY, connection.client_secret.encode())
            self.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
            self.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS)
            if "[" in endpoint:
                self.setsockopt(zmq.IPV6, 1)
            self.watch = SocketMonitor(self)
        self.connect(endpoint)

    def fault(self) -> ConnectionFault | None:
        """Why this connection fails; always None on a local socket."""
        return None if self.watch is None else self.watch.fault()

    def wait(self, wait_ms: int) -> bool:
        """Whether a message arrives within ``wait_ms``; returns early if the monitor reports something."""
        if self.watch is None:
            return bool(self.poll(wait_ms))
        poller = zmq.Poller()
        poller.register(self, zmq.POLLIN)
        poller.register(self.watch.monitor, zmq.POLLIN)
        return any(ready is self for ready, _ in poller.poll(wait_ms))

    def close(self, linger: int | None = None) -> None:
        """Close the socket and its monitor."""
        if self.watch is not None and not self.closed:
            self.disable_monitor()
            self.watch.monitor.close(0)
        super().close(linger)
