"""One connection's requests: redirects by hand, the token to its own host only, every fault of httpx translated."""

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
from modeld.downloader.location import Source, Target
from modeld.downloader.response import Meta, check, linked
from modeld.downloader.url import addresses, origin, public
from modeld.http.guard import refuse_redirect
from modeld.protocol.errors import ErrorCode

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


class Session:
    """An HTTP client of its own, so that what is opened here can be shut from another thread."""

    def __init__(self, source: Source, silence_s: float) -> None:
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
        """Ask for the range ``asked`` (end 0: to the end of the file; None: everything), if it is still the same file.

        Raises:
            PullError: an answer that a repetition will not change.
            Retry: an answer or a fault that it may.
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
            raise Retry(f"no answer within {self._silence_s:.0f} s") from error
        except httpx.ProxyError as error:
            raise _proxy_error(error) from error
        except httpx.TransportError as error:
            raise _translated(error, self._source.url) from error

    def _follow(self, headers: dict[str, str]) -> tuple["httpx.Response", Target, bool]:
        """Follow redirects by hand, so that the token goes to its own host only and the hub's first answer is read.

        Gives the answer, where it came from, and whether the address itself led there just now.
        """
        import httpx

        source = self._source
        begun = source.known()
        url, said = begun.url, begun.said
        for _ in range(MAX_REDIRECTS):
            if self._shut:
                raise Retry("interrupted")
            own = dict(headers)
            if token := source.token_for(url):
                own["Authorization"] = f"Bearer {token}"
            request = self._client.build_request("GET", url, headers=own, extensions={"trace": self._traced})
            self._client.cookies.clear()
            response = self._client.send(request, stream=True)
            if not said.sha256:
                said = linked(response.headers) if url == source.url else said
            if response.status_code not in _REDIRECTS:
                source.found(url, said)
                return response, Target(url, said), begun.url == source.url != url
            response.close()
            try:
                target = urljoin(url, response.headers.get("location", ""))
                httpx.URL(target)
            except (ValueError, httpx.InvalidURL) as error:
                raise PullError(
                    ErrorCode.HTTP_ERROR,
                    f"{public(url)} sends us on to an address that is none: {error}.",
                    "Open the address in a browser.",
                ) from error
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise PullError(
                    ErrorCode.HTTP_ERROR,
                    f"{public(url)} sends us on to {public(target)}, which is not encrypted.",
                    "Do not trust this address; find another one.",
                )
            self._allow(url, target)
            url = target
        raise PullError(
            ErrorCode.HTTP_ERROR,
            f"{public(source.url)} redirects more than {MAX_REDIRECTS} times, last to {public(url)}.",
            "The address is wrong, or its server is; open it in a browser.",
        )

    def _allow(self, url: str, target: str) -> None:
        """See that a redirect does not lead from the internet into this machine's own network."""
        if origin(url) == origin(target):
            return
        policy = self._source.policy
        refused = refuse_redirect(
            target,
            addresses(url),
            addresses(target),
            allow_private=policy.allow_private_redirects,
            allow_http=policy.allow_http,
        )
        if refused is not None:
            raise PullError(refused.code, f"{public(url)}: {refused.message}", refused.hint)

    def _checked(self, response: "httpx.Response", target: Target, asked: tuple[int, int] | None, fresh: bool) -> Meta:
        source, url = self._source, target.url
        try:
            meta = check(response.status_code, response.headers, asked, target.said, url, bool(source.token_for(url)))
        except PullError:
            if response.status_code in _STALE and source.refused(url, fresh):
                why = f"{public(url)} answers {response.status_code}: asking where the file is now"
                raise Retry(why, 0.0) from None
            raise
        except Retry as fault:
            if fault.crowded and fault.after_s is not None:
                source.hosts.hold(url, fault.after_s)
            raise
        source.accepted()
        return meta


def _proxy_error(error: Exception) -> Exception:
    text = str(error)
    if "407" in text:
        return PullError(
            ErrorCode.NOT_ALLOWED,
            f"The proxy refuses us: {text}.",
            "Put user and password into HTTPS_PROXY or HTTP_PROXY, and restart the daemon.",
        )
    return Retry(f"the proxy does not let us through: {text}")


def _translated(error: Exception, url: str) -> Exception:
    """A fault of the transport: what will not change is told at once, no network is waited for, the rest is tried."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PullError(
                ErrorCode.UNREACHABLE,
                f"{public(url)} cannot prove who it is: {cause.verify_message}.",
                "Check the clock of this machine; if you trust the server's own certificates, name them by "
                "SSL_CERT_FILE.",
            )
        cause = cause.__cause__ or cause.__context__
    text = str(error) or type(error).__name__
    return Offline(text) if any(sign in text for sign in _OFFLINE) else Retry(text)
