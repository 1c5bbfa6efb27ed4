"""Who may connect over tcp: answers libzmq's question about each key, by ZAP (https://rfc.zeromq.org/spec/27/).

libzmq asks for each connection once its holder has proved the key. Each socket has a domain: ``local`` and ``workers``
accept key pairs that this run of the daemon made for this user only, ``remote`` accepts the file of allowed keys.
That file is checked for every connection and every request, so that a change takes effect at once.
"""

import asyncio
import logging
from pathlib import Path

import zmq
from zmq.utils import z85

from modeld.protocol.keys import KeyFileError, KeyPair, read_allowed
from modeld.transport.loop_socket import LoopSocket

log = logging.getLogger(__name__)

ENDPOINT = "inproc://zeromq.zap.01"
VERSION = b"1.0"
LOCAL = "local"
WORKERS = "workers"
REMOTE = "remote"


class AllowedKeys:
    """The file of allowed keys, read again whenever it changes; while it is invalid, no client is allowed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None  # before the first look; empty: there is no file
        self._names: dict[str, str] = {}

    def names(self) -> dict[str, str]:
        """Public key -> name, as of now."""
        stamp: tuple[int, ...] = ()
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode, status.st_uid)
        except OSError as error:
            log.debug("%s", error)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._names = read_allowed(self._path)
            except KeyFileError as error:
                log.error("%s", error.failure.in_full())
                self._names = {}
        return self._names


class Gate:
    """Answers for all sockets of a context; ``server`` is what they show of themselves to local peers."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", server: KeyPair, allowed: AllowedKeys) -> None:
        self.server = server
        self._allowed = allowed
        self._pairs: dict[str, str] = {}
        self._known_remote = frozenset(allowed.names())
        self._refused = 0
        self._loop = asyncio.get_running_loop()
        self._said_at = float("-inf")
        socket = context.socket(zmq.ROUTER)
        socket.bind(ENDPOINT)
        self._socket = LoopSocket(socket, self._asked)

    def let_in(self, domain: str, pair: KeyPair) -> None:
        """Let the holder of ``pair`` into ``domain``."""
        self._pairs[pair.public] = domain

    def remote_name(self, key: str) -> str:
        """The name of a client of the network; empty when its key is not allowed (any more)."""
        return self._allowed.names().get(key, "")

    def any_revoked(self) -> bool:
        """Whether a key of the network has lost its place since this was last asked."""
        before, self._known_remote = self._known_remote, frozenset(self._allowed.names())
        return bool(before - self._known_remote)

    def _asked(self, frames: list[bytes]) -> None:
        asker, delimiter, version, request_id, domain, address, _identity, mechanism, *credentials = frames
        key = z85.encode(credentials[0]).decode() if mechanism == b"CURVE" and len(credentials) == 1 else ""
        welcome = bool(key) and self._knows(domain.decode(errors="replace"), key)
        if not welcome:
            self._say_refused(address)
        code, text, user = (b"200", b"OK", key.encode()) if welcome else (b"400", b"This key is not allowed", b"")
        self._socket.send([asker, delimiter, version, request_id, code, text, user, b""])

    def _knows(self, domain: str, key: str) -> bool:
        if domain == REMOTE:
            return bool(self.remote_name(key))
        return self._pairs.get(key) == domain

    def _say_refused(self, address: bytes) -> None:
        """In the log, at most once a second, so that repeated attempts do not fill the disk."""
        self._refused += 1
        if self._loop.time() - self._said_at >= 1.0:
            self._said_at = self._loop.time()
            log.warning(
                "%d connections with a key that is not allowed, the last from %s",
                self._refused,
                address.decode(errors="replace"),
            )
            self._refused = 0

    def close(self) -> None:
        """Stop answering; new connections wait."""
        self._socket.close()
