"""HTTP requests to a hub: small JSON answers, ranges of large files; the token goes to the hub itself only."""

import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec

from modeld.adapters.hub.refusals import BadTokenError, HubError, refusal
from modeld.adapters.hub.token import Token
from modeld.http.guard import RedirectPolicy, refuse_redirect
from modeld.protocol.reasons import Reason

if TYPE_CHECKING:
    import httpx

MAX_JSON_BYTES = 32 * 1024 * 1024
MAX_REDIRECTS = 10
CONNECT_S, READ_S, BODY_S = 10.0, 15.0, 45.0
"""Time limits for connecting, for the next bytes, and for a whole answer, which is small."""

_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


@dataclass
class Answer:
    """An answer's body, its headers, and those of the hub's own first answer before its redirects."""

    status: int
    body: bytes
    headers: dict[str, str]
    first: dict[str, str] = field(default_factory=dict)


class Web:
    """The connection of one lookup to ``endpoint`` and its redirects. Use in one thread; close at the end."""

    def __init__(self, endpoint: str, token: Token, policy: RedirectPolicy) -> None:
        # Imported here, so that an idle daemon saves httpx's 10 MiB.
        import httpx

        self.endpoint = endpoint.rstrip("/")
        self._token = token
        self._policy = policy
        self._targets: dict[str, tuple[str, dict[str, str]]] = {}
        self._client = httpx.Client(
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "modeld"},
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def is_hub(self, url: str) -> bool:
        """Whether this is an address of the hub itself."""
        return _origin(url) == _origin(self.endpoint)

    def json(self, url: str, what: str) -> tuple[object, str]:
        """The JSON at ``url``, and the address of the next page (of the same origin; empty at the end).

        Raises:
            HubError: the hub did not send it.
        """
        answer = self._get(url, what, {}, MAX_JSON_BYTES)
        try:
            data = msgspec.json.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            begin = repr(answer.body[:20])
            raise HubError(Reason.HUB_ANSWER_NOT_JSON.failure(hub=self.endpoint, what=what, begin=begin)) from error
        return data, self._next(url, answer.headers.get("link", ""))

    def _next(self, url: str, link: str) -> str:
        """``Link: <...>; rel="next"``; one that leads to another host is not followed."""
        import httpx

        found = httpx.Response(200, headers={"link": link}).links.get("next", {}).get("url", "") if link else ""
        if not found:
            return ""
        # A mirror passes on the hub's own addresses as they are: only the path counts.
        target = urlsplit(urljoin(url, found))
        return f"{self.endpoint}{target.path.removeprefix(urlsplit(self.endpoint).path)}?{target.query}"

    def piece(self, url: str, start: int, end: int, what: str) -> Answer:
        """Bytes ``[start, end)`` of a file, or as many as it has; where it led to the first time is remembered.

        Raises:
            HubError: the server did not send it, or has no ranges and ``start`` is not 0.
        """
        answer = self._get(url, what, {"Range": f"bytes={start}-{end - 1}"}, end - start)
        if answer.status == 200 and start:
            raise HubError(Reason.HUB_WITHOUT_RANGES.failure(what=what))
        content_range = answer.headers.get("content-range", "")
        if answer.status == 206 and not content_range.startswith(f"bytes {start}-"):
            raise HubError(Reason.HUB_RANGE_WRONG.failure(start=start, what=what, range=content_range))
        return answer

    def _get(self, url: str, what: str, headers: dict[str, str], most: int) -> Answer:
        try:
            return self._follow(url, what, headers, most, self._token)
        except BadTokenError as bad:
            # A public repository needs no token.
            try:
                return self._follow(url, what, headers, most, Token())
            except HubError as error:
                raise (error if error.retry else bad) from error

    def _follow(self, url: str, what: str, headers: dict[str, str], most: int, token: Token) -> Answer:
        import httpx

        here, first = self._targets.get(url, (url, {}))
        try:
            for _ in range(MAX_REDIRECTS):
                own = dict(headers)
                trusted = bool(token.value) and self.is_hub(here)
                if trusted:
                    own["Authorization"] = f"Bearer {token.value}"
                self._client.cookies.clear()
                with self._client.stream("GET", here, headers=own) as response:
                    found = {name.lower(): value for name, value in response.headers.items()}
                    first = first or found
                    if response.status_code in _REDIRECTS:
                        here = self._redirected(here, found.get("location", ""))
                        continue
                    status = response.status_code
                    if status not in (200, 206) and self.is_hub(url):
                        raise refusal(status, found, self.endpoint, what, token.origin if trusted else None)
                    if status not in (200, 206):
                        failure = Reason.HUB_FILE_REFUSED.failure(host=_host(here), status=status, what=what)
                        raise HubError(failure, retry=status >= 500)
                    body = self._read(response, what, most, whole=not headers)
                self._targets[url] = (here, first)
                return Answer(status, body, found, first)
        except (httpx.TransportError, OSError) as error:
            raise _unreachable(error, here) from error
        except httpx.InvalidURL as error:
            raise HubError(Reason.REDIRECT_INVALID.failure(url=what, error=str(error))) from error
        raise HubError(Reason.REDIRECTS_TOO_OFTEN.failure(url=what, most=MAX_REDIRECTS, target=_host(here)))

    def _read(self, response: "httpx.Response", what: str, most: int, *, whole: bool) -> bytes:
        body = bytearray()
        until = time.monotonic() + BODY_S
        for chunk in response.iter_raw():
            body += chunk
            if time.monotonic() > until:
                raise HubError(Reason.HUB_TOO_SLOW.failure(what=what), retry=True)
            if len(body) > most:
                if whole:
                    raise HubError(Reason.HUB_ANSWER_TOO_LONG.failure(what=what, most=most))
                break
        return bytes(body[:most])

    def _redirected(self, here: str, location: str) -> str:
        try:
            target = urljoin(here, location)
            host = urlsplit(target).hostname
        except ValueError as error:
            raise HubError(Reason.REDIRECT_INVALID.failure(url=_host(here), error=str(error))) from error
        refused = refuse_redirect(here, target, _addresses(_host(here)), _addresses(host), self._policy)
        if refused is not None:
            raise HubError(refused)
        return target


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _addresses(host: str | None) -> list[str]:
    """The IP addresses of a name; none where only a proxy knows it."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _unreachable(error: Exception, url: str) -> HubError:
    host = _host(url)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HubError(Reason.CERTIFICATE_REJECTED.failure(host=host, error=cause.verify_message))
        cause = cause.__cause__ or cause.__context__
    text = str(error) or type(error).__name__
    return HubError(Reason.HUB_UNREACHABLE.failure(host=host, error=text), retry=True)
