"""Binds the sockets of the daemon: for this user on this machine, or behind CURVE, and in no other way.

Local sockets are files (``ipc://``) in a folder of mode 0700, of mode 0600 themselves, and libzmq asks the kernel who
connects (SO_PEERCRED, LOCAL_PEERCRED) and rejects other users. Where there are no such files (Windows), and on
the network, it is ``tcp://`` with CURVE; who connects must hold a key that the gate knows.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import zmq

from modeld.protocol.errors import FailureError
from modeld.protocol.keys import KeyPair
from modeld.protocol.reasons import Reason
from modeld.transport.zap import Gate

HANDSHAKE_MS = 10_000
"""A connection that has not shown a key by then is closed."""

_HEARTBEAT_MS = 5_000
_SILENT_MS = 30_000
"""A peer over the network that does not answer heartbeats for this long is gone."""

TRANSPORT = "MODELD_TRANSPORT"
"""Environment variable; ``tcp`` uses what Windows uses, anywhere. For tests."""


class BindError(FailureError):
    """A socket cannot be made safe, or cannot be bound; ``failure`` says why."""


def new_pair() -> KeyPair:
    """New keys; the public one does not begin like an option of a command line."""
    while True:
        public, secret = zmq.curve_keypair()
        if not public.startswith(b"-"):
            return KeyPair(public.decode(), secret.decode())


def has_local_files(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether local sockets are files here."""
    return sys.platform != "win32" and zmq.has("ipc") and environment.get(TRANSPORT) != "tcp"


def bind_file(socket: "zmq.Socket[bytes]", path: Path) -> str:
    """Bind to a file that only this user can connect to; returns the endpoint."""
    with contextlib.suppress(zmq.ZMQError):  # a libzmq without it: folder and file still keep others out
        socket.setsockopt(zmq.IPC_FILTER_UID, os.getuid())
    before = os.umask(0o177)
    try:
        _bind(socket, f"ipc://{path}")
    finally:
        os.umask(before)
    status = path.lstat()
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise BindError(Reason.SOCKET_EXPOSED.failure(path=str(path), mode=mode))
    return f"ipc://{path}"


def stop_connections(endpoint: str) -> None:
    """Let no new connection reach a file; clients try again by themselves. Existing connections go on.

    The file gets another name, since libzmq ends all connections of an endpoint that it unbinds.
    """
    path = Path(endpoint.removeprefix("ipc://"))
    path.rename(_stopped(path))


def let_connections(endpoint: str) -> None:
    """Let new connections reach a file again."""
    path = Path(endpoint.removeprefix("ipc://"))
    _stopped(path).rename(path)


def _stopped(path: Path) -> Path:
    return path.with_suffix(".full")


def bind_curve(socket: "zmq.Socket[bytes]", endpoint: str, pair: KeyPair, domain: str) -> str:
    """Bind to a tcp endpoint (port 0: any free one) behind CURVE and the gate's ``domain``; returns the endpoint."""
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret.encode())
    socket.setsockopt(zmq.ZAP_DOMAIN, domain.encode())
    # Without this libzmq would let everybody in if the gate were closed.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _SILENT_MS)
    if "[" in endpoint:
        socket.setsockopt(zmq.IPV6, 1)
    _bind(socket, endpoint)
    bound = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(bound, bytes)
    return bound.rstrip(b"\0").decode()


def bind_own(socket: "zmq.Socket[bytes]", path: Path, gate: Gate, domain: str) -> str:
    """Bind to ``path``, or where sockets are not files to a port of this machine behind the gate's own pair."""
    if has_local_files():
        return bind_file(socket, path)
    return bind_curve(socket, "tcp://127.0.0.1:0", gate.server, domain)


def _bind(socket: "zmq.Socket[bytes]", endpoint: str) -> None:
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise BindError(Reason.SOCKET_NOT_BOUND.failure(endpoint=endpoint, error=str(error.strerror))) from error
