"""The server's side of a download: one request for a range, checked before a byte of it is believed."""

import email.utils
import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from modeld.adapters.pulls.failures import PullError, Retry
from modeld.protocol.errors import ErrorCode

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

MAX_REDIRECTS = 10
TIMEOUT_S = 15.0
"""Silence for this long is a fault: connect, headers and body alike."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_SHA256 = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')


@dataclass
class Body:
    """An answer that may be read: it begins at ``offset`` of a file of ``size`` bytes (0: not said)."""

    response: "httpx.Response"
    offset: int
    size: int
    etag: str
    sha256: str

    def interrupt(self) -> None:
        """Wake a reader in another thread: its next read ends."""
        stream = self.response.extensions.get("network_stream")
        sock = stream.get_extra_info("socket") if stream is not None else None
        if isinstance(sock, socket.socket):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                log.debug("the connection was closed already: %s", error)


class Source:
    """One address; ``token`` is sent to the host of ``token_host`` and nowhere else."""

    def __init__(self, url: str, token: str, token_host: str) -> None:
        # Imported here: an idle daemon does without httpx's 10 MiB.
        import httpx

        self._url = url
        self._token = token
        self._token_origin = _origin(token_host)
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers={"Accept-Encoding": "identity"})

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    @contextmanager
    def open(self, offset: int, etag: str) -> Iterator[Body]:
        """Ask for the bytes from ``offset``; ``etag`` (strong) makes sure that they are of the same file.

        The body may begin at 0 all the same, where the server has no ranges or has another file now.

        Raises:
            PullError: an answer that a repetition will not change.
            Retry: an answer or a fault that it may.
        """
        import httpx

        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and etag and not etag.startswith("W/"):
            headers["If-Range"] = etag
        try:
            response, sha256, linked_size = self._follow(headers)
            try:
                yield self._check(response, offset, sha256, linked_size)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise Retry(f"no answer within {TIMEOUT_S:.0f} s") from error
        except httpx.TransportError as error:
            raise Retry(str(error) or type(error).__name__) from error

    def _follow(self, headers: dict[str, str]) -> tuple["httpx.Response", str, int]:
        """Follow redirects by hand, so that the token goes to its own host only and the hub's first answer is read.

        ``X-Linked-Etag`` and ``X-Linked-Size`` of the hub's un-redirected answer are the file's SHA-256 and size.
        """
        url, sha256, size = self._url, "", 0
        for _ in range(MAX_REDIRECTS):
            own = dict(headers)
            if self._token and _origin(url) == self._token_origin:
                own["Authorization"] = f"Bearer {self._token}"
            response = self._client.send(self._client.build_request("GET", url, headers=own), stream=True)
            if not sha256 and (found := _SHA256.fullmatch(response.headers.get("x-linked-etag", ""))):
                sha256 = found[1]
                size = _number(response.headers.get("x-linked-size", ""))
            if response.status_code not in (301, 302, 303, 307, 308):
                return response, sha256, size
            response.close()
            target = urljoin(url, response.headers.get("location", ""))
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise PullError(
                    ErrorCode.HTTP_ERROR,
                    f"{public(url)} sends us on to {public(target)}, which is not encrypted.",
                    "Do not trust this address; find another one.",
                )
            url = target
        raise PullError(
            ErrorCode.HTTP_ERROR,
            f"{public(self._url)} redirects more than {MAX_REDIRECTS} times, last to {public(url)}.",
            "The address is wrong, or its server is; open it in a browser.",
        )

    def _check(self, response: "httpx.Response", offset: int, sha256: str, linked_size: int) -> Body:
        where = public(self._url)
        status = response.status_code
        if status not in (200, 206):
            raise self._refusal(response)
        coding = response.headers.get("content-encoding", "identity")
        if coding != "identity":
            raise PullError(
                ErrorCode.HTTP_ERROR,
                f"{where} answers with content coding {coding!r}, which was not asked for: not the bytes of the file.",
                "The server or a proxy on the way is misconfigured.",
            )
        etag = response.headers.get("etag", "")
        length = _number(response.headers.get("content-length", ""))
        if status == 200:
            if linked_size and length and length != linked_size:
                raise Retry(f"the answer has {length} bytes and the file {linked_size}")
            return Body(response, 0, length or linked_size, etag, sha256)
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if found is None or int(found[1]) != offset or int(found[2]) != int(found[3]) - 1:
            raise Retry(f"asked for bytes from {offset}, got Content-Range {response.headers.get('content-range')!r}")
        return Body(response, offset, int(found[3]), etag, sha256)

    def _refusal(self, response: "httpx.Response") -> Exception:
        """Why an answer is no file: as a Retry where waiting may help, else as a PullError."""
        status, where = response.status_code, public(self._url)
        gated = response.headers.get("x-error-code", "") == "GatedRepo"
        if gated:
            repo = re.sub(r"/resolve/.*", "", where)
            return PullError(
                ErrorCode.NOT_ALLOWED,
                f"{where} answers {status}: its authors want to be asked first.",
                f"Ask for access at {repo}, then set HF_TOKEN to a token of yours and pull again.",
            )
        if status in (401, 403):
            return PullError(
                ErrorCode.NOT_ALLOWED,
                f"{where} answers {status}: it is not open to us"
                + (" (with the token of HF_TOKEN)." if self._token else ", or does not exist."),
                "Check the address; if it needs a token, set HF_TOKEN and restart the daemon.",
            )
        if status in (404, 410):
            return PullError(
                ErrorCode.NOT_FOUND, f"{where} answers {status}: there is no such file.", "Check the name of the file."
            )
        if status == 416:
            return Retry("the server has fewer bytes than we asked from; starting over")
        if status == 429 or status >= 500:
            return Retry(f"the server answers {status}", _retry_after(response.headers.get("retry-after", "")))
        return PullError(ErrorCode.HTTP_ERROR, f"{where} answers {status}.", "Check the address in a browser.")


def public(url: str) -> str:
    """An address without user, query and fragment: fit for messages, logs and state files."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _retry_after(text: str) -> float | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3), as seconds from now, at most ten minutes."""
    if not text:
        return None
    if text.isdecimal():
        return min(float(text), 600.0)
    try:
        return min(max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0.0), 600.0)
    except (TypeError, ValueError):
        return None
