"""Requests, streams and events over ZeroMQ; together with ``daemon_socket`` the only user of zmq in modelctl.

A ``Transport`` may be used from any thread. Sockets are kept in a pool and each serves one call at a time, so answers
cannot be mixed up; a stream owns its socket for as long as it runs. A waiting call checks once a second whether the
daemon still runs and asks it for a sign of life, so it notices a daemon that died and one that hangs.
"""

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, assert_never

import msgspec
import zmq
from modeld import places as modeld_places
from modeld.protocol import wire
from modeld.protocol.connection import Connection
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.replies import AnyResult, Chunk, Reply
from modeld.protocol.requests import Cancel, Ping, Request

from modelctl import errors
from modelctl.errors import DaemonDied, DaemonSilent, DaemonUnavailable, LocalFailure
from modelctl.language.catalogue import _
from modelctl.processes import is_alive
from modelctl.transport.daemon_socket import ConnectionFault, DaemonSocket, is_listening

if TYPE_CHECKING:
    from modeld.protocol.events import AnyEvent

ANSWER_S = 20.0
"""A caller gives up after this long without an answer, or without any sign of life where the answer may take long."""

CHECK_S = 1.0
"""How often a waiting call checks whether the daemon is still alive and responds."""

SILENCE_S = 3.0
"""Without any event for this long (a heartbeat comes each second), what is shown is out of date."""

STOP_MS = 100
"""How long a stream may take to notice that another thread stopped it (a socket belongs to one thread at a time)."""

FLUSH_MS = 500
"""How long a last message may take to be sent after its socket is closed."""

LAST_WORDS_MS = 200
"""How long the last message of a daemon that has ended may be on its way."""

_replies = msgspec.json.Decoder(Reply)
_numbers = itertools.count(1)
_event_decoder: "msgspec.json.Decoder[AnyEvent] | None" = None


def new_id() -> str:
    """A request id that is unique in this process."""
    return f"{os.getpid()}-{next(_numbers)}"


def decode_event(body: bytes) -> "AnyEvent":
    """Decode one event frame; the decoder is built on first use, since most verbs never need it."""
    global _event_decoder
    if _event_decoder is None:
        from modeld.protocol.events import AnyEvent

        _event_decoder = msgspec.json.Decoder(AnyEvent)
    try:
        return _event_decoder.decode(body)
    except msgspec.DecodeError as error:
        raise _not_understood(error) from error


class Transport:
    """The connection to the daemon of one home, or with ``host`` to a remote one (see ``hosts.toml``).

    It connects with the first request.
    """

    def __init__(self, places: modeld_places.Places | None = None, host: str = "") -> None:
        self.places = places or modeld_places.find()
        self.host = host
        self._context = zmq.Context()
        self._idle: deque[tuple[Connection, DaemonSocket]] = deque()
        self._closed = threading.Event()

    def connection(self) -> Connection:
        """Where the daemon listens now; raises ``DaemonUnavailable`` if none runs."""
        if self.host:
            from modelctl.transport import hosts

            return hosts.connection(self.places, self.host)
        path = self.places.connection_file
        try:
            with path.open("rb") as file:
                if not _is_ours(file.fileno()):
                    raise DaemonUnavailable(
                        _("The connection file {path} belongs to another user, who could read what you ask.").format(
                            path=path
                        ),
                        _("Use the daemon as the user who runs it, or set MODELD_HOME to a folder of your own."),
                    )
                found = msgspec.json.decode(file.read(), type=Connection)
        except FileNotFoundError:
            raise DaemonUnavailable(_("modeld is not running (there is no {path}).").format(path=path)) from None
        except (OSError, msgspec.DecodeError) as error:
            unread = _("The connection file {path} cannot be read: {error}.")
            raise DaemonUnavailable(unread.format(path=path, error=error)) from error
        if found.v != wire.VERSION:
            speaks = _("modeld {version} speaks protocol {theirs}, this modelctl speaks {ours}.")
            raise errors.of(
                LocalFailure(
                    code=ErrorCode.UNSUPPORTED_VERSION,
                    message=speaks.format(version=found.version, theirs=found.v, ours=wire.VERSION),
                    hint=_("Update the older one, then run: modelctl down, modelctl up"),
                )
            )
        if not is_alive(found.pid):
            ended = _("modeld is not running (its last process, {pid}, ended unexpectedly).")
            raise DaemonDied(ended.format(pid=found.pid))
        return found

    def request(self, request: Request, timeout_s: float | None = ANSWER_S) -> AnyResult:
        """Send a request and wait for its answer, at most ``timeout_s`` (None: as long as the daemon responds).

        Raises ``DaemonUnavailable`` without an answer, ``DaemonSilent`` if the daemon runs and has not responded for
        20 s, and the failure's ``ModeldError`` if it failed.
        """
        connection = self.connection()
        socket = self._take(connection)
        try:
            if timeout_s is None:
                # Otherwise a process that reused the dead daemon's pid would keep this waiting forever.
                self._exchange(socket, connection, Ping(id=new_id()), ANSWER_S)
            result = self._exchange(socket, connection, request, timeout_s)
        except errors.DaemonUnavailable:
            socket.close(0)
            raise
        except errors.ModeldError:
            if socket.fault() is None:
                self._idle.append((connection, socket))
            else:
                socket.close(0)
            raise
        except BaseException:  # interrupted: a late answer must not reach the next call
            socket.close(0)
            raise
        self._idle.append((connection, socket))
        return result

    def stream(self, request: Request) -> "Stream":
        """Send a request with a streamed answer: iterate over its chunks, then the result."""
        connection = self.connection()
        socket = self._open(connection)
        try:
            self._exchange(socket, connection, Ping(id=new_id()), ANSWER_S)
            self.send(socket, request)
        except BaseException:
            socket.close(0)
            raise
        return Stream(self, socket, connection, request.id)

    def events(self, topics: Sequence[str] = ("",), give_up_s: float = ANSWER_S) -> "Events":
        """The events whose topic starts with one of ``topics``, and all heartbeats.

        Subscribes at once, not at the first ``next``. Raises ``DaemonSilent`` after 20 s without an event, and
        ``DaemonUnavailable`` as soon as the daemon's process is gone.
        """
        return Events(self.frames(topics, give_up_s))

    def frames(self, topics: Sequence[str] = ("",), give_up_s: float = ANSWER_S) -> "Frames":
        """Like ``events``, but undecoded: topic and JSON as they are on the wire."""
        connection = self.connection()
        socket = self._new(zmq.SUB)
        for topic in {*topics, "daemon."}:
            socket.subscribe(topic)
        self._connect(socket, connection, connection.events)
        return Frames(self, socket, connection, tuple(topics), give_up_s)

    def close(self) -> None:
        """Close the sockets; calls in other threads must have ended."""
        if not self._closed.is_set():
            self._closed.set()
            self._context.destroy()

    def send(self, socket: DaemonSocket, request: Request) -> None:
        """Send one request, after the empty delimiter."""
        body = wire.encode(request)
        if len(body) > wire.MAX_REQUEST_BYTES:
            large = _("The request has {size} bytes; the daemon takes {limit}.")
            raise errors.of(
                LocalFailure(
                    code=ErrorCode.TOO_LARGE,
                    message=large.format(size=len(body), limit=wire.MAX_REQUEST_BYTES),
                    hint=_("Shorten the prompt or the conversation."),
                )
            )
        try:
            socket.send_multipart([b"", body])
        except zmq.Again:  # over TCP: the connection was lost and is not restored
            raise DaemonUnavailable(_("The request could not be sent: the daemon does not accept it.")) from None

    def received(
        self, socket: DaemonSocket, connection: Connection, request_id: str, wait_s: float
    ) -> AnyResult | Chunk | None:
        """The next frame of the answer to ``request_id``, if it arrives within ``wait_s``.

        Drops answers to other requests. Raises if no answer can arrive any more.
        """
        deadline = time.monotonic() + wait_s
        while True:
            left_ms = int(1000 * (deadline - time.monotonic()))
            if not socket.wait(max(1, left_ms)) and not self._last_words(socket, connection):
                return None
            reply = self._decode(socket.recv_multipart()[-1])
            socket.arrived += 1
            # The daemon cannot include the id of a request that it could not read.
            if reply.id in (request_id, ""):
                return _unpack(reply)
            if left_ms <= 0:
                return None

    def _exchange(
        self, socket: DaemonSocket, connection: Connection, request: Request, timeout_s: float | None
    ) -> AnyResult:
        self.send(socket, request)
        if timeout_s is None:
            return self._waited(socket, connection, request.id)
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            answer = self.received(socket, connection, request.id, min(CHECK_S, left))
            if answer is not None and not isinstance(answer, Chunk):
                return answer
        raise self.gave_up(connection, timeout_s, _("See what it is doing: modelctl logs"))

    def _waited(self, socket: DaemonSocket, connection: Connection, request_id: str) -> AnyResult:
        """The answer to a request that may take any time, as long as the daemon responds."""
        pulse = Pulse(self, socket, connection)
        while True:
            answer = self.received(socket, connection, request_id, CHECK_S)
            if answer is not None and not isinstance(answer, Chunk):
                return answer
            pulse.check(_("What it has begun continues. Once it responds, see: modelctl jobs, modelctl ps"))

    def _last_words(self, socket: DaemonSocket, connection: Connection) -> bool:
        """False while the daemon lives, True if it is gone and left a message; raises if it is gone without one."""
        if self._is_open(socket, connection):
            if not socket.arrived and not is_listening(connection.commands):
                # Another process has the pid of a daemon that died.
                ended = _("modeld is not running (its last process, {pid}, ended unexpectedly).")
                raise DaemonDied(ended.format(pid=connection.pid))
            return False
        if socket.poll(LAST_WORDS_MS):
            return True
        self._raise_fault(socket, connection)
        raise DaemonUnavailable(_("modeld (process {pid}) ended before it answered.").format(pid=connection.pid))

    def still_there(self, connection: Connection) -> bool:
        """Whether this same daemon runs and has not removed its connection file; a remote one is assumed to."""
        if self.host:
            return True
        try:
            return self.connection().pid == connection.pid
        except errors.ModeldError:
            return False

    def _take(self, connection: Connection) -> DaemonSocket:
        """A pooled or new socket to this daemon; closes sockets to an earlier daemon."""
        while True:
            try:
                known, socket = self._idle.pop()
            except IndexError:
                return self._open(connection)
            if known == connection and socket.fault() is None:
                return socket
            socket.close(0)

    def _new(self, kind: int) -> DaemonSocket:
        socket = self._context.socket(kind, socket_class=DaemonSocket)
        assert isinstance(socket, DaemonSocket)
        socket.linger = 0
        socket.sndtimeo = int(ANSWER_S * 1000)
        return socket

    def _open(self, connection: Connection) -> DaemonSocket:
        socket = self._new(zmq.DEALER)
        self._connect(socket, connection, connection.commands)
        return socket

    def _connect(self, socket: DaemonSocket, connection: Connection, endpoint: str) -> None:
        if not endpoint.startswith("ipc://") and not (endpoint.startswith("tcp://") and connection.server_key):
            socket.close(0)
            foreign = _("The connection file names {endpoint}, which is neither of this machine nor encrypted.")
            raise DaemonUnavailable(
                foreign.format(endpoint=endpoint),
                _("Remove the connection file and start the daemon again: modelctl up"),
            )
        socket.reach(endpoint, connection)

    def _is_open(self, socket: DaemonSocket, connection: Connection) -> bool:
        """Whether an answer may still arrive on this socket."""
        return socket.fault() is None and self.still_there(connection)

    def _raise_refusal(self, socket: DaemonSocket, connection: Connection) -> None:
        """Raise the reason why a subscription can never succeed; ZeroMQ restores one that was lost."""
        if socket.fault() not in (None, ConnectionFault.LOST):
            self._raise_fault(socket, connection)

    def _raise_fault(self, socket: DaemonSocket, connection: Connection) -> None:
        """Raise the fault that the socket's monitor has reported; without a monitor there is none."""
        fault = socket.fault()
        who = self.host or connection.commands
        match fault:
            case None:
                return
            case ConnectionFault.KEY_REFUSED:
                raise errors.of(
                    LocalFailure(
                        code=ErrorCode.NOT_ALLOWED,
                        message=_("{host} does not allow your key {key}.").format(host=who, key=connection.client_key),
                        hint=_("On that machine: modelctl keys allow NAME '{key}'").format(key=connection.client_key),
                    )
                )
            case ConnectionFault.NOT_SECURE:
                text = _("The server at {endpoint} is not modeld: it does not speak CURVE.")
                hint = _("Check the endpoint: modelctl hosts list")
            case ConnectionFault.NO_HANDSHAKE:
                text = _("{host} at {endpoint} has a different key than the one in hosts.toml, or is not modeld.")
                hint = _("Its key is shown there by: modelctl keys list")
            case ConnectionFault.LOST:
                text = _("The connection to {host} was lost before it answered.")
                hint = _("Try again once it is reachable.")
            case _:
                assert_never(fault)
        raise DaemonUnavailable(text.format(host=who, endpoint=connection.commands), hint)

    def gave_up(self, connection: Connection, waited_s: float, hint: str) -> DaemonUnavailable:
        """The error for a daemon that runs and did not respond for ``waited_s``."""
        if self.host:
            return self._silent(connection, waited_s)
        silent = _("modeld (process {pid}) has not responded for {seconds:.0f} s.")
        return DaemonSilent(silent.format(pid=connection.pid, seconds=waited_s), hint)

    def _silent(self, connection: Connection, waited_s: float) -> DaemonUnavailable:
        text = _("{host} did not answer at {endpoint} within {seconds:.0f} s.")
        return DaemonSilent(
            text.format(host=self.host, endpoint=connection.commands, seconds=waited_s),
            _("Check that the machine is on, that it runs modeld --listen, and that its firewall allows these ports."),
        )

    def _decode(self, body: bytes) -> Reply:
        try:
            return _replies.decode(body)
        except msgspec.DecodeError as error:
            raise _not_understood(error) from error


class Pulse:
    """Checks that the daemon responds while a caller waits: it asks for a sign of life and gives up without one."""

    def __init__(self, transport: Transport, socket: DaemonSocket, connection: Connection) -> None:
        self._transport, self._socket, self._connection = transport, socket, connection
        self._asked, self._asked_at = False, time.monotonic()
        self._arrived = socket.arrived

    def check(self, hint: str) -> None:
        """Ping the daemon once a second; raises ``DaemonSilent`` with ``hint`` after ``ANSWER_S`` without a message."""
        now = time.monotonic()
        if self._socket.arrived != self._arrived:
            self._asked, self._arrived = False, self._socket.arrived
        if self._asked and now - self._asked_at >= ANSWER_S:
            raise self._transport.gave_up(self._connection, ANSWER_S, hint)
        if not self._asked and now - self._asked_at >= CHECK_S:
            self._asked, self._asked_at = True, now
            self._transport.send(self._socket, Ping(id=new_id()))


class Stream:
    """A streamed answer: iterate over its chunks, then one result; ``close`` ends and cancels it early."""

    def __init__(self, transport: Transport, socket: DaemonSocket, connection: Connection, request_id: str) -> None:
        self._transport = transport
        self._socket = socket
        self._connection = connection
        self._id = request_id
        self._cancelled = False
        self._stop = threading.Event()
        self._pulse = Pulse(transport, socket, connection)

    def __iter__(self) -> "Iterator[Chunk | AnyResult]":
        return self

    def __next__(self) -> Chunk | AnyResult:
        if self._socket.closed:
            raise StopIteration
        try:
            answer = self._awaited()
        except errors.ModeldError:
            self._socket.close(0)
            raise
        if not isinstance(answer, Chunk):
            self._socket.close(0)
        return answer

    def _awaited(self) -> Chunk | AnyResult:
        while True:
            answer = self._transport.received(self._socket, self._connection, self._id, STOP_MS / 1000)
            self._heed_stop()
            if answer is not None:
                return answer
            self._pulse.check(_("The answer is lost. See what it is doing: modelctl logs"))

    def cancel(self) -> None:
        """Ask the daemon to stop; the result, with the text so far, still follows."""
        if not self._cancelled and not self._socket.closed:
            self._cancelled = True
            self._transport.send(self._socket, Cancel(id=new_id(), request=self._id))

    def stop(self) -> None:
        """Like ``cancel``, from any thread: the iterating thread forwards it within ``STOP_MS``."""
        self._stop.set()

    def _heed_stop(self) -> None:
        if self._stop.is_set():
            self.cancel()

    def close(self) -> None:
        """Stop reading; a running generation is cancelled."""
        self.cancel()
        if not self._socket.closed:
            self._socket.close(FLUSH_MS)


class Frames(Iterator[tuple[str, bytes]]):
    """A subscription, undecoded; call ``close``, or drop the last reference."""

    def __init__(
        self,
        transport: Transport,
        socket: DaemonSocket,
        connection: Connection,
        topics: tuple[str, ...],
        give_up_s: float,
    ) -> None:
        self._transport = transport
        self._socket = socket
        self._connection = connection
        self._topics = topics
        self._give_up_s = give_up_s
        self._last_event_at = time.monotonic()

    def __next__(self) -> tuple[str, bytes]:
        while (frame := self.receive()) is None:
            continue
        return frame

    def receive(self) -> tuple[str, bytes] | None:
        """The next event; None each second while there was none for ``SILENCE_S``."""
        while not self._socket.closed:
            if self._socket.wait(int(CHECK_S * 1000)):
                topic, body, *_ = self._socket.recv_multipart()
                self._last_event_at = time.monotonic()
                name = topic.decode()
                # The topic ``daemon.`` is always subscribed to, so events that were not asked for are filtered here.
                if name == "daemon.heartbeat" or name.startswith(self._topics):
                    return name, body
            elif self._is_silent():
                return None
        raise StopIteration

    def close(self) -> None:
        """End the subscription."""
        self._socket.close(0)

    def __del__(self) -> None:
        self.close()

    def _is_silent(self) -> bool:
        """Whether the daemon counts as silent; raises if there is no hope for another event."""
        self._transport._raise_refusal(self._socket, self._connection)
        if not self._transport.still_there(self._connection):
            self.close()
            raise DaemonUnavailable(_("modeld (process {pid}) has ended.").format(pid=self._connection.pid))
        waited_s = time.monotonic() - self._last_event_at
        if waited_s >= self._give_up_s:
            self.close()
            hint = _("What it has begun continues. Once it responds, see: modelctl jobs, modelctl ps")
            raise self._transport.gave_up(self._connection, self._give_up_s, hint)
        return waited_s >= SILENCE_S


class Events(Iterator["AnyEvent"]):
    """A subscription, decoded; call ``close``, or drop the last reference."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def __next__(self) -> "AnyEvent":
        _topic, body = next(self._frames)
        return decode_event(body)

    def receive(self) -> "AnyEvent | None":
        """The next event; None each second while the daemon is silent, see ``Frames``."""
        frame = self._frames.receive()
        return None if frame is None else decode_event(frame[1])

    def close(self) -> None:
        """End the subscription."""
        self._frames.close()


def _is_ours(descriptor: int) -> bool:
    """Whether an open file is this user's: another user's connection file could lead to that user's daemon."""
    return not hasattr(os, "getuid") or os.fstat(descriptor).st_uid == os.getuid()


def _unpack(reply: Reply) -> AnyResult | Chunk:
    """The reply's payload; raises a failure."""
    if isinstance(reply.error, Failure):
        raise errors.of(reply.error)
    if isinstance(reply.chunk, Chunk):
        return reply.chunk
    if reply.result is msgspec.UNSET:
        raise _not_understood(_("the message is empty"))
    return reply.result


def _not_understood(why: object) -> errors.ModeldError:
    return errors.of(
        LocalFailure(
            code=ErrorCode.UNSUPPORTED_VERSION,
            message=_("The daemon's message cannot be decoded: {why}.").format(why=why),
            hint=_("modelctl and modeld may be of different versions: modelctl down, modelctl up"),
        )
    )
