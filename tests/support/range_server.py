"""A real HTTP/1.1 file server with faults on request, for the tests and the demo.

It knows what a download needs (Range, If-Range, strong ETags, HEAD), keeps a log of what it was asked, and does to a
path what its ``Fault`` says: stop half-way, ignore ranges, change the file, answer 503, redirect, be slow. It speaks
TLS with a ``certificate``, hands out ``signed`` addresses that expire, gives each connection its own speed, and takes
the place of a proxy::

    with RangeServer(folder) as server:
        server.fault("model.gguf", Fault(cut_after=1000, times=1))
        download(server.url("model.gguf"))
        assert [seen.status for seen in server.log] == [200, 206]
"""

import email.utils
import gzip
import hashlib
import itertools
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

CHUNK_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong on one path; the fields combine. ``times`` is for how many requests, None for all.

    Attributes:
        status: answer with this status (and ``headers``) and no file; 301 to 308 with ``redirect_to``, which may be
            a function that says where to each time.
        cut_after: close the connection after this many bytes of the body.
        reset_after: the same, but rudely (RST).
        corrupt_at: the byte at this offset of the file is another one.
        content_length: announce this length instead of the real one.
        slow_headers_s: send the headers byte by byte, one in this time, until ``release`` or the end of the server.
        stall_after: send no more after this many bytes of the body, until ``release`` or the end of the server.
        extra_bytes: as many bytes more than announced (the length says nothing of them).
        ignore_range: answer 200 with the whole file to a range request.
        content_range: lie with this Content-Range in a 206.
        etag: say this ETag instead of the content's; an empty one leaves the header out.
        coding: send this Content-Encoding with the unchanged body.
        replace_after: put ``replacement`` in the file's place after this many bytes of the body, and cut.
        gzip_encoded: answer with Content-Encoding: gzip whatever the client accepts.
        chunked: say no Content-Length and send the body in chunks.
        bytes_per_second: send no faster than this.
    """

    times: int | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    redirect_to: str | Callable[[], str] = ""
    cut_after: int | None = None
    reset_after: int | None = None
    corrupt_at: int | None = None
    content_length: int | None = None
    slow_headers_s: float = 0.0
    stall_after: int | None = None
    extra_bytes: int = 0
    ignore_range: bool = False
    content_range: str = ""
    etag: str | None = None
    coding: str | None = None
    replace_after: int | None = None
    replacement: bytes = b""
    gzip_encoded: bool = False
    chunked: bool = False
    bytes_per_second: float = 0.0


@dataclass(kw_only=True)
class Seen:
    """One request and its answer; ``sent`` counts bytes of the body."""

    method: str
    path: str
    range: str
    if_range: str
    authorization: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


class RangeServer:
    """Serves the files of ``folder`` on 127.0.0.1 while entered; ``log`` lists all requests, oldest first.

    ``certificate`` (see ``make_certificate``) makes it speak TLS; ``connection_speed`` says the bytes per second of the
    n-th connection (0: no limit). ``open_connections`` and ``most_connections`` count them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bytes_per_second: float = 0.0,
        certificate: "Certificate | None" = None,
        connection_speed: Callable[[int], float] | None = None,
    ) -> None:
        self.folder = folder
        self.connection_speed = connection_speed or (lambda number: 0.0)
        self.most_connections = 0
        self._scheme = "https" if certificate else "http"
        self._signatures = itertools.count(1)
        self._uses: dict[str, int] = {}
        self.log: list[Seen] = []
        self.bytes_per_second = bytes_per_second
        self.ended = threading.Event()
        self._released = threading.Event()
        self._faults: dict[str, list[tuple[Fault, int | None]]] = {}
        self._etags: dict[tuple[str, int, int], str] = {}
        self._changed = threading.Condition()
        self._server = _Server(self, certificate)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._released.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port that was free."""
        return self._server.server_port

    @property
    def open_connections(self) -> int:
        """The number of open connections."""
        return self._server.count()

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """The URL of ``name``."""
        return f"{self._scheme}://{host}:{self.port}/{quote(name)}"

    def signed(self, name: str, uses: int) -> str:
        """A URL of ``name`` that is valid for this many requests, and then answers 403."""
        signature = f"s{next(self._signatures)}"
        with self._changed:
            self._uses[signature] = uses
        return f"{self.url(name)}?signature={signature}"

    def expired(self, query: str) -> bool:
        """Whether a URL has been used up; counts this use (called by the handler)."""
        signatures = parse_qs(query).get("signature")
        if not signatures:
            return False
        with self._changed:
            self._uses[signatures[0]] = self._uses.get(signatures[0], 0) - 1
            return self._uses[signatures[0]] < 0

    def fault(self, name: str, *faults: Fault) -> None:
        """Apply these faults to ``name`` one after another, each ``times`` times; without any, remove its faults."""
        with self._changed:
            self._faults[name] = [(fault, fault.times) for fault in faults]

    def release(self) -> None:
        """Let stalled answers continue."""
        self._released.set()

    def requests(self, name: str) -> list[Seen]:
        """The requests for ``name``, oldest first."""
        return [seen for seen in list(self.log) if seen.path == f"/{name}"]

    def wait_until(self, condition: Callable[[], bool], *, deadline_s: float = 10.0) -> None:
        """Wait until ``condition`` of the log or the connections holds.

        Raises:
            TimeoutError: it did not in ``deadline_s``.
        """
        with self._changed:
            if not self._changed.wait_for(condition, deadline_s):
                raise TimeoutError(f"it did not happen in {deadline_s} s")

    def connections_changed(self) -> None:
        """A connection opened or closed (called by the server)."""
        with self._changed:
            self.most_connections = max(self.most_connections, self._server.count())
            self._changed.notify_all()

    def wait_for_requests(self, count: int, *, deadline_s: float = 10.0) -> None:
        """Wait until ``count`` requests have come.

        Raises:
            TimeoutError: they did not come in ``deadline_s``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.log) >= count, deadline_s):
                raise TimeoutError(f"{len(self.log)} of {count} requests came in {deadline_s} s")

    def note(self, seen: Seen) -> None:
        """A request arrived (called by the handler)."""
        with self._changed:
            self.log.append(seen)
            self._changed.notify_all()

    def fault_of(self, name: str) -> Fault:
        """The fault for one request for ``name``; uses it up once (called by the handler)."""
        with self._changed:
            waiting = self._faults.get(name, [])
            while waiting:
                fault, left = waiting[0]
                if left is None:
                    return fault
                if left > 0:
                    waiting[0] = (fault, left - 1)
                    return fault
                waiting.pop(0)
        return Fault()

    def wait_for_release(self, seconds: float) -> bool:
        """Wait this long, or until released or ended; return whether that happened (called by the handler)."""
        return self._released.wait(seconds)

    def stall(self) -> None:
        """Wait until released or ended (called by the handler)."""
        self._released.wait()

    def etag_of(self, path: Path) -> str:
        """A strong ETag: the hash of the content, cached while the file's size and time stay the same."""
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in self._etags:
            with path.open("rb") as file:
                self._etags[key] = f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'
        return self._etags[key]


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1 and localhost, and its key, as files."""

    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """The server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Create a certificate with the command openssl."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*command, "-days", "2", *name, "-keyout", str(made.key), "-out", str(made.file)],
        check=True,
        capture_output=True,
    )
    return made


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: RangeServer, certificate: "Certificate | None") -> None:
        self.owner = owner
        self.numbers = itertools.count()
        self._connections: set[socket.socket] = set()
        self._context = certificate.context() if certificate else None
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection, with TLS if enabled (the handshake happens in the handler's thread)."""
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def count(self) -> int:
        return len(self._connections)

    def opened(self, connection: socket.socket) -> None:
        self._connections.add(connection)
        self.owner.connections_changed()

    def closed(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        self.owner.connections_changed()

    def close_connections(self) -> None:
        """End idle keep-alive connections, so that no handler thread outlives the server."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its client has already closed it

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect, which tests do; print other errors as usual."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # its stub wants a socket


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.speed = self.server.owner.connection_speed(next(self.server.numbers))
        self.server.opened(self.connection)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.closed(self.connection)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
        """Log nothing: see ``RangeServer.log``."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_CONNECT(self) -> None:
        """Refuse a proxy tunnel, with the fault of ``CONNECT`` or 502."""
        fault = self.fault = self.server.owner.fault_of("CONNECT")
        self.seen = Seen(
            method=self.command,
            path=self.path,
            range="",
            if_range="",
            authorization=self.headers.get("Proxy-Authorization", ""),
            headers=dict(self.headers.items()),
        )
        self.server.owner.note(self.seen)
        self.close_connection = True
        self._short(fault.status or 502, fault.headers)

    def _answer(self) -> None:
        owner = self.server.owner
        name = unquote(urlsplit(self.path).path).lstrip("/")
        self.seen = Seen(
            method=self.command,
            path=f"/{name}",
            range=self.headers.get("Range", ""),
            if_range=self.headers.get("If-Range", ""),
            authorization=self.headers.get("Authorization", ""),
            headers=dict(self.headers.items()),
        )
        owner.note(self.seen)
        self.fault = owner.fault_of(name)
        path = owner.folder / name
        inside = ".." not in Path(name).parts
        if owner.expired(urlsplit(self.path).query):
            self._short(403, {})
        elif self.fault.redirect_to:
            target = self.fault.redirect_to
            where = target if isinstance(target, str) else target()
            self._short(self.fault.status or 302, {**self.fault.headers, "Location": where})
        elif self.fault.status:
            self._short(self.fault.status, self.fault.headers)
        elif not inside or not path.is_file():
            self._short(404, {})
        else:
            self._send_file(path)

    def _short(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer without a file."""
        body = f"{status}\n".encode()
        self._begin(status, {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)
            self.seen.sent = len(body)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.seen.status = status
        if self.fault.slow_headers_s:
            self._begin_slowly()
            return
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()

    def _begin_slowly(self) -> None:
        """Send an endless header, one byte at a time."""
        owner = self.server.owner
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not owner.wait_for_release(self.fault.slow_headers_s):
            self.wfile.write(b"x")

    def _send_file(self, path: Path) -> None:
        fault = self.fault
        size = path.stat().st_size
        etag = self.server.owner.etag_of(path) if fault.etag is None else fault.etag
        modified = email.utils.formatdate(path.stat().st_mtime, usegmt=True)
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", "Last-Modified": modified}
        if etag:
            headers["ETag"] = etag
        first, last, status = self._wanted(size, etag, modified)
        if status == 416:
            self._short(416, {**headers, "Content-Range": f"bytes */{size}"})
            return
        if fault.gzip_encoded:
            packed = gzip.compress(path.read_bytes())
            headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
            self._begin(200, headers)
            self._send_body(iter([packed]), path)
            return
        if fault.coding is not None:
            headers["Content-Encoding"] = fault.coding
        if status == 206:
            headers["Content-Range"] = fault.content_range or f"bytes {first}-{last}/{size}"
        if fault.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            length = last - first + 1
            headers["Content-Length"] = str(length if fault.content_length is None else fault.content_length)
            if fault.content_length is not None and fault.content_length != length:
                self.close_connection = True
        self._begin(status, headers)
        if fault.slow_headers_s:
            return
        pieces = _pieces(path, first, last - first + 1)
        self._send_body(pieces if fault.corrupt_at is None else _corrupt(pieces, fault.corrupt_at - first), path)

    def _wanted(self, size: int, etag: str, modified: str) -> tuple[int, int, int]:
        """First byte, last byte and status of the answer (RFC 9110, 14.2 and 13.1.5; one range only)."""
        whole = (0, size - 1, 200)
        asked = _RANGE.match(self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", "")
        if asked is None or self.fault.ignore_range or (condition and condition not in (etag, modified)):
            return whole
        start, end = asked.groups()
        if not start and not end:
            return whole
        if not start:
            return (max(0, size - int(end)), size - 1, 206 if int(end) and size else 416)
        first = int(start)
        last = min(int(end), size - 1) if end else size - 1
        if first >= size:
            return (0, 0, 416)
        return (first, last, 206) if first <= last else whole

    def _send_body(self, pieces: Iterator[bytes], path: Path) -> None:
        if self.command == "HEAD":
            return
        fault = self.fault
        began = time.monotonic()
        speed = fault.bytes_per_second or self.speed or self.server.owner.bytes_per_second
        ends = (fault.cut_after, fault.reset_after, fault.stall_after, fault.replace_after)
        stops = [stop for stop in ends if stop is not None]
        for piece in _split(pieces, min(stops)) if stops else pieces:
            if fault.stall_after is not None and self.seen.sent == fault.stall_after:
                self.wfile.flush()
                self.server.owner.stall()
            if fault.reset_after is not None and self.seen.sent >= fault.reset_after:
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                raise ConnectionResetError("as ordered")
            if fault.cut_after is not None and self.seen.sent >= fault.cut_after:
                self.close_connection = True
                return
            if fault.replace_after is not None and self.seen.sent >= fault.replace_after:
                path.write_bytes(fault.replacement)
                self.close_connection = True
                return
            if speed:
                due = began + (self.seen.sent + len(piece)) / speed
                self.server.owner.ended.wait(max(0.0, due - time.monotonic()))
            self._write(piece)
        if fault.extra_bytes:
            self._write(b"\0" * fault.extra_bytes)
            self.close_connection = True
        if fault.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, piece: bytes) -> None:
        if self.fault.chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            self.wfile.write(piece)
        self.seen.sent += len(piece)


def _pieces(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0 and (piece := file.read(min(CHUNK_BYTES, length))):
            length -= len(piece)
            yield piece


def _corrupt(pieces: Iterator[bytes], at: int) -> Iterator[bytes]:
    """The same bytes with the one at ``at`` changed, if it is among them."""
    before = 0
    for piece in pieces:
        if before <= at < before + len(piece):
            where = at - before
            yield piece[:where] + bytes([piece[where] ^ 0xFF]) + piece[where + 1 :]
        else:
            yield piece
        before += len(piece)


def _split(pieces: Iterator[bytes], at: int) -> Iterator[bytes]:
    """The same bytes split after ``at`` bytes, where a fault happens."""
    before = 0
    for piece in pieces:
        if before < at < before + len(piece):
            yield piece[: at - before]
            yield piece[at - before :]
        else:
            yield piece
        before += len(piece)
    yield b""  # so that a fault exactly at the end also happens
