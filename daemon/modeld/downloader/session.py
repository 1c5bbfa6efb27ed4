"""One connection's requests: follows redirects itself, sends the token to its own host only, translates faults."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from modeld.downloader.body import Body
from modeld.downloader.failures import Offline, PullError, Retry
from modeld.downloader.location import DownloadSource, Target
from modeld.downloader.response import Meta, check, linked
from modeld.downloader.url import addresses, origin, public
from modeld.http.guard import refuse_redirect
from modeld.protocol.reasons import Reason

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_STALE = (400, 401, 403, 404, 410)
"""What a signed address answers when its time is over."""

_OFFLINE = ("Network is unreachable", "No route to host", "Temporary failure in name resolution")


@dataclass(frozen=True)
class Opened:
    """An answer whose body may be read."""

    meta: Meta
    body: Body


class HttpSession:
    """An HTTP client of its own, so that what is opened here can be shut from another thread."""

    def __init__(self, source: DownloadSource, silence_s: float) -> None:
        # Imported here: an idle daemon does without httpx's 10 MiB.
        import httpx

        self._source = source
        self._silence_s = silence_s
        self._sockets: list[socket.socket] = []
        self._shut = False
        self._client = httpx.Client(
            timeout=silence_s,
            follow_redirects=False,
            verify=source.context(),
            headers={"Accept-Encoding": "identity", "User-Agent": "modeld"},
        )

    def interrupt(self) -> None:
        """Wake a reader in another thread: its next read ends, and no more requests are sent."""
        self._shut = True
        for sock in list(self._sockets):
            try:
                # The method of the base class: ssl's own drops TLS first, and a reader would take cipher text for data.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError as error:
                log.debug("the connection was closed already: %s", error)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _traced(self, event: str, info: dict[str, object]) -> None:
        """Note each socket as it is opened (httpcore's documented trace extension)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info.get("return_value")
            sock = stream.get_extra_info("socket") if hasattr(stream, "get_extra_info") else None
            if isinstance(sock, socket.socket):
                self._sockets = [known for known in self._sockets if known.fileno() >= 0] + [sock]
                if self._shut:
                    self.interrupt()

    @contextmanager
    def open(self, asked: tuple[int, int] | None, validator: str) -> Iterator[Opened]:
        """Request the range ``asked`` (end 0: to the end of the file; None: everything), if it is still the same file.

        Raises:
            PullError: another attempt would fail in the same way.
            Retry: another attempt may succeed.
            StartOver: the server has another file now.
        """
        import httpx

        headers = {}
        if asked is not None:
            headers["Range"] = f"bytes={asked[0]}-{asked[1] - 1 if asked[1] else ''}"
            if validator:
                headers["If-Range"] = validator
        try:
            response, target, fresh = self._follow(headers)
            try:
                meta = self._checked(response, target, asked, fresh)
                yield Opened(
                    meta, Body(response, target.url, meta.end - meta.start if meta.end else None, self._silence_s)
                )
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise Retry(Reason.NO_ANSWER.note(seconds=self._silence_s)) from error
        except httpx.ProxyError as error:
            raise _proxy_error(error, self._source.url) from error
        except httpx.TransportError as error:
            raise _translated(error, self._source.url) from error

    def _follow(self, headers: dict[str, str]) -> tuple["httpx.Response", Target, bool]:
        """Follow redirects by hand, so that the token goes to its own host only and the hub's first answer is read.

        Gives the answer, where it came from, and whether the address itself led there just now.
        """
        import httpx

        source = self._source
        begun = source.known()
        url, announced = begun.url, begun.announced
        for _ in range(MAX_REDIRECTS):
            if self._shut:
                raise Retry(Reason.CONNECTION_CLOSED.note())
            own = dict(headers)
            if token := source.token_for(url):
                own["Authorization"] = f"Bearer {token}"
            request = self._client.build_request("GET", url, headers=own, extensions={"trace": self._traced})
            self._client.cookies.clear()
            response = self._client.send(request, stream=True)
            if not announced.sha256:
                announced = linked(response.headers) if url == source.url else announced
            if response.status_code not in _REDIRECTS:
                source.found(url, announced)
                return response, Target(url, announced), begun.url == source.url != url
            response.close()
            try:
                target = urljoin(url, response.headers.get("location", ""))
                httpx.URL(target)
            except (ValueError, httpx.InvalidURL) as error:
                raise PullError(Reason.REDIRECT_INVALID.failure(url=public(url), error=str(error))) from error
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise PullError(Reason.REDIRECT_DOWNGRADED.failure(url=public(url), target=public(target)))
            self._allow(url, target)
            url = target
        raise PullError(
            Reason.REDIRECTS_TOO_OFTEN.failure(url=public(source.url), most=MAX_REDIRECTS, target=public(url))
        )

    def _allow(self, url: str, target: str) -> None:
        """Check that a redirect does not lead from the internet into this machine's own network."""
        if origin(url) == origin(target):
            return
        refused = refuse_redirect(url, target, addresses(url), addresses(target), self._source.policy)
        if refused is not None:
            raise PullError(refused)

    def _checked(self, response: "httpx.Response", target: Target, asked: tuple[int, int] | None, fresh: bool) -> Meta:
        source, url = self._source, target.url
        try:
            meta = check(
                response.status_code, response.headers, asked, target.announced, url, bool(source.token_for(url))
            )
        except PullError:
            if response.status_code in _STALE and source.refused(url, fresh):
                raise Retry(Reason.LINK_EXPIRED.note(url=public(url), status=response.status_code), 0.0) from None
            raise
        except Retry as fault:
            if fault.crowded and fault.after_s is not None:
                source.hosts.hold(url, fault.after_s, fault.cause)
            raise
        source.accepted()
        return meta


def _proxy_error(error: Exception, url: str) -> Exception:
    if "407" in str(error):
        return PullError(Reason.PROXY_LOGIN_REQUIRED.failure(url=public(url)))
    return Retry(Reason.PROXY_FAILED.note(error=str(error)))


def _translated(error: Exception, url: str) -> Exception:
    """A fault of the transport: a rejected certificate is final, no network is waited for, the rest is retried."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            host = urlsplit(url).hostname or ""
            return PullError(Reason.CERTIFICATE_REJECTED.failure(host=host, error=cause.verify_message))
        cause = cause.__cause__ or cause.__context__
    text = str(error) or type(error).__name__
    note = Reason.CONNECTION_FAILED.note(error=text)
    return Offline(note) if any(sign in text for sign in _OFFLINE) else Retry(note)
