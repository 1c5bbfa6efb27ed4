"""HTTP as a hub needs it: small JSON answers, ranges of large files, and the token to the hub itself only."""

import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec

from modeld.adapters.hub.refusals import BadTokenError, HubError, refusal
from modeld.adapters.hub.token import Token
from modeld.http.guard import refuse_redirect
from modeld.protocol.errors import ErrorCode

if TYPE_CHECKING:
    import httpx

MAX_JSON_BYTES = 32 * 1024 * 1024
MAX_REDIRECTS = 10
CONNECT_S, READ_S, BODY_S = 10.0, 15.0, 45.0
"""For a connection, for the next bytes, and for all of an answer, which is small."""

_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Policy:
    """What the settings allow."""

    allow_http: bool = False
    allow_private_redirects: bool = False


@dataclass
class Answer:
    """An answer's body, its headers, and those of the hub's own first answer before it sent us on."""

    status: int
    body: bytes
    headers: dict[str, str]
    first: dict[str, str] = field(default_factory=dict)


class Web:
    """The connection of one lookup to ``endpoint`` and its redirects. Use in one thread; close at the end."""

    def __init__(self, endpoint: str, token: Token, policy: Policy) -> None:
        # Imported here: an idle daemon does without httpx's 10 MiB.
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
            HubError: there is none to be had.
        """
        answer = self._get(url, what, {}, MAX_JSON_BYTES)
        try:
            data = msgspec.json.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise HubError(
                ErrorCode.HTTP_ERROR,
                f"{self.endpoint} sends no JSON for {what}: it begins with {answer.body[:20]!r}.",
                "It may be a page that asks to log in, or HF_ENDPOINT names no hub.",
            ) from error
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
            HubError: it cannot be had, or the server has no ranges and ``start`` is not 0.
        """
        answer = self._get(url, what, {"Range": f"bytes={start}-{end - 1}"}, end - start)
        if answer.status == 200 and start:
            raise HubError(ErrorCode.HTTP_ERROR, f"The server of {what} sends no ranges of a file.")
        said = answer.headers.get("content-range", "")
        if answer.status == 206 and not said.startswith(f"bytes {start}-"):
            raise HubError(ErrorCode.HTTP_ERROR, f"Asked for bytes from {start} of {what}, got {said!r}.")
        return answer

    def _get(self, url: str, what: str, headers: dict[str, str], most: int) -> Answer:
        try:
            return self._follow(url, what, headers, most, self._token)
        except BadTokenError as bad:
            # What is public is so without a token, too.
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
                        raise refusal(status, found, self.endpoint, what, token.origin if trusted else "")
                    if status not in (200, 206):
                        text = f"{urlsplit(here).hostname} answers {status} for {what}."
                        raise HubError(ErrorCode.HTTP_ERROR, text, "Check the address.", retry=status >= 500)
                    body = self._read(response, what, most, whole=not headers)
                self._targets[url] = (here, first)
                return Answer(status, body, found, first)
        except (httpx.TransportError, OSError) as error:
            raise _unreachable(error, here) from error
        except httpx.InvalidURL as error:
            raise HubError(ErrorCode.HTTP_ERROR, f"{what} leads to an address that is none: {error}.") from error
        raise HubError(ErrorCode.HTTP_ERROR, f"{what} redirects more than {MAX_REDIRECTS} times.")

    def _read(self, response: "httpx.Response", what: str, most: int, *, whole: bool) -> bytes:
        body = bytearray()
        until = time.monotonic() + BODY_S
        for chunk in response.iter_raw():
            body += chunk
            if time.monotonic() > until:
                raise HubError(ErrorCode.UNREACHABLE, f"The answer about {what} came too slowly.", retry=True)
            if len(body) > most:
                if whole:
                    raise HubError(ErrorCode.HTTP_ERROR, f"The answer about {what} is longer than {most} bytes.")
                break
        return bytes(body[:most])

    def _redirected(self, here: str, location: str) -> str:
        try:
            target = urljoin(here, location)
            host = urlsplit(target).hostname
        except ValueError as error:
            raise HubError(ErrorCode.HTTP_ERROR, f"The server sends us on to {location!r}, no address.") from error
        refused = refuse_redirect(
            target,
            _addresses(urlsplit(here).hostname),
            _addresses(host),
            allow_private=self._policy.allow_private_redirects,
            allow_http=self._policy.allow_http,
        )
        if refused is not None:
            raise HubError(refused.code, refused.message, refused.hint)
        return target


def _addresses(host: str | None) -> list[str]:
    """What a name stands for; nothing where only a proxy knows it."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _unreachable(error: Exception, url: str) -> HubError:
    host = urlsplit(url).hostname
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HubError(
                ErrorCode.UNREACHABLE,
                f"{host} cannot prove who it is: {cause.verify_message}.",
                "Check this machine's clock; certificates of your own are named by SSL_CERT_FILE.",
            )
        cause = cause.__cause__ or cause.__context__
    return HubError(
        ErrorCode.UNREACHABLE,
        f"{host} is not reached: {error or type(error).__name__}.",
        "Check the network, and HF_ENDPOINT and the proxy if you set them.",
        retry=True,
    )
