"""The bytes of an answer, taken from its socket: past h11, which would copy each of them four times.

httpx does the request, redirects, proxy, TLS and headers; then the body of a plain answer (a known length, HTTP/1.1,
no coding) is received straight into our buffer from ``response.extensions["network_stream"]``. Other bodies go the
usual way.
"""

import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modeld.downloader.failures import Retry
from modeld.protocol.reasons import Reason

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

GATHER_S = 0.1
"""Bytes are handed on after this long, even if the buffer is not full: progress stays live on a slow line."""

_WAY_TO_READER = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state", "_reader")
REMAINING = "_remaining"
"""h11's count of the body that it has not seen. The names are private; without them no connection is kept open."""


class Body:
    """The body of ``response``: ``length`` bytes, or as many as come where that is None."""

    def __init__(self, response: "httpx.Response", url: str, length: int | None, silence_s: float) -> None:
        self._response = response
        self._left = length
        self._chunks = response.iter_raw()
        self._rest = memoryview(b"")
        self._silence_s = silence_s
        self._socket = self._direct(url)
        self._begun = False

    def _direct(self, url: str) -> socket.socket | None:
        """The socket, if the body may be read from it."""
        response = self._response
        stream = response.extensions.get("network_stream")
        sock = stream.get_extra_info("socket") if stream is not None else None
        plain = (
            self._left is not None
            and response.headers.get("content-length") == str(self._left)
            and "transfer-encoding" not in response.headers
            and response.http_version in ("HTTP/1.1", "HTTP/1.0")
            and isinstance(sock, socket.socket)
            and isinstance(sock, ssl.SSLSocket) == (urlsplit(url).scheme == "https")
        )
        if not plain or not isinstance(sock, socket.socket):
            return None
        return sock

    def read_into(self, view: memoryview) -> int:
        """Fill ``view`` as far as bytes come soon; 0 is the end of the body.

        Raises:
            Retry: the body ended early, or nothing came for too long.
            httpx.TransportError: likewise, in httpx's words (the session translates them).
        """
        if self._left is not None:
            view = view[: self._left]
        if not view:
            return 0
        filled = self._buffered(view)
        if self._socket is not None:
            filled += self._receive(self._socket, view[filled:], bool(filled))
        if self._left is not None:
            self._left -= filled
            if not filled:
                raise Retry(Reason.CONNECTION_CUT.note(missing=self._left))
        return filled

    def _buffered(self, view: memoryview) -> int:
        """What httpx holds already; for a body that goes the usual way, all of it comes from there."""
        filled = 0
        if not self._begun or (self._socket is None and not self._rest):
            self._begun = True
            self._rest = memoryview(next(self._chunks, b""))
        filled = min(len(self._rest), len(view))
        view[:filled] = self._rest[:filled]
        self._rest = self._rest[filled:]
        return filled

    def _receive(self, sock: socket.socket, view: memoryview, some: bool) -> int:
        """Receive until ``view`` is full or nothing more comes soon (TLS gives 16 KiB at a time)."""
        filled = 0
        sock.settimeout(min(GATHER_S, self._silence_s))
        began = time.monotonic()
        while filled < len(view) and not self._rest:
            try:
                count = sock.recv_into(view[filled:])
            except TimeoutError as error:
                if filled or some:
                    break
                if time.monotonic() - began >= self._silence_s:
                    raise Retry(Reason.CONNECTION_SILENT.note(seconds=self._silence_s)) from error
                continue
            except OSError as error:
                if filled or some:
                    break
                raise Retry(Reason.CONNECTION_FAILED.note(error=error.strerror or str(error))) from error
            filled += count
            if not count or time.monotonic() - began > GATHER_S:
                break
        return filled

    @property
    def exhausted(self) -> bool:
        """Whether every announced byte was read, and the socket is therefore fit for another request."""
        return self._left == 0 and not self._rest

    def hand_back(self) -> None:
        """Let httpx know that the body was read, so that it keeps the connection; without this it closes it."""
        if not self.exhausted or self._socket is None:
            return
        reader: object = self._response
        for name in _WAY_TO_READER:
            reader = getattr(reader, name, None)
        if not isinstance(getattr(reader, REMAINING, None), int):
            log.debug("httpx keeps its reader elsewhere: the connection is closed")
            return
        setattr(reader, REMAINING, 0)
        for _ in self._chunks:
            log.debug("bytes after the end of a body")
