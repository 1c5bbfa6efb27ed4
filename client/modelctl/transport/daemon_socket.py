"""A socket to a daemon that says why it does not get through, where that can be known.

ZeroMQ tries for ever in silence. Over tcp a socket monitor is listened to as well: it tells a key that is refused from
a machine that is not there (http://api.zeromq.org/4-3:zmq-socket-monitor).
"""

from enum import Enum

import zmq
from modeld.protocol.connection import Connection

HEARTBEAT_MS = 2_000
"""Over tcp a sign of life is asked for this often; the line is lost when none comes for three times that."""

SURE_AFTER = 2
"""A handshake that ends without a word so many times is taken for a wrong key of the server."""


class Trouble(Enum):
    """Why a line is no use."""

    KEY_REFUSED = "the daemon does not let this key in"
    NOT_SECURE = "what answers there speaks without CURVE, or no ZeroMQ at all"
    NO_HANDSHAKE = "the server's key is another, or what answers there is no daemon"
    LOST = "the connection was there, and ended"


class Watch:
    """What the monitor of one socket has told so far."""

    _EVENTS = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED
        | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_DISCONNECTED
    )

    def __init__(self, socket: "zmq.Socket[bytes]") -> None:
        self.monitor = socket.get_monitor_socket(self._EVENTS)
        self._joined = False
        self._wordless = 0
        self._trouble: Trouble | None = None

    def trouble(self) -> Trouble | None:
        """Why the line is no use by now; None while it is, or while it is still being tried."""
        if self.monitor.poll(0):
            from zmq.utils.monitor import parse_monitor_message
        while self.monitor.poll(0):
            self._heed(parse_monitor_message(self.monitor.recv_multipart())["event"])
        return self._trouble

    def _heed(self, event: int) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._joined, self._wordless = True, 0
            self._trouble = None
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._trouble = Trouble.KEY_REFUSED
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self._trouble = Trouble.NOT_SECURE
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._wordless += 1
            if self._wordless >= SURE_AFTER:
                self._trouble = Trouble.NO_HANDSHAKE
        elif event == zmq.EVENT_DISCONNECTED and self._joined:
            self._trouble = self._trouble or Trouble.LOST


class Line(zmq.Socket[bytes]):
    """A socket of the link; used by one thread at a time."""

    watch: Watch | None = None

    def reach(self, endpoint: str, connection: Connection) -> None:
        """Connect, behind CURVE where it is tcp."""
        if endpoint.startswith("tcp://"):
            self.setsockopt(zmq.CURVE_SERVERKEY, connection.server_key.encode())
            self.setsockopt(zmq.CURVE_PUBLICKEY, connection.client_key.encode())
            self.setsockopt(zmq.CURVE_SECRETKEY, connection.client_secret.encode())
            self.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
            self.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS)
            if "[" in endpoint:
                self.setsockopt(zmq.IPV6, 1)
            self.watch = Watch(self)
        self.connect(endpoint)

    def trouble(self) -> Trouble | None:
        """Why this line is no use; on a local socket that is never known."""
        return None if self.watch is None else self.watch.trouble()

    def wait(self, wait_ms: int) -> bool:
        """Whether a message is there within ``wait_ms``; returns early when the monitor has news."""
        if self.watch is None:
            return bool(self.poll(wait_ms))
        poller = zmq.Poller()
        poller.register(self, zmq.POLLIN)
        poller.register(self.watch.monitor, zmq.POLLIN)
        return any(socket is self for socket, _ in poller.poll(wait_ms))

    def close(self, linger: int | None = None) -> None:
        """Close it, and its monitor."""
        if self.watch is not None and not self.closed:
            self.disable_monitor()
            self.watch.monitor.close(0)
        super().close(linger)
