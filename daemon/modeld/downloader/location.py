"""The source of a download, shared by its connections: the URL of the file, and where that redirects to."""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from modeld.downloader.response import Linked
from modeld.downloader.url import Origin, host, origin
from modeld.http.guard import RedirectPolicy
from modeld.protocol.errors import Note

MAX_REFUSED = 3
"""So many fresh addresses in a row may be refused before that counts as an answer."""


@dataclass(frozen=True)
class Pause:
    """A wait: until when (monotonic time), and why."""

    until: float
    cause: Note


class Hosts:
    """The hosts that asked us to wait, for all downloads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pauses: dict[str, Pause] = {}

    def hold(self, url: str, wait_s: float, cause: Note) -> None:
        """Send nothing to this host for ``wait_s``."""
        with self._lock:
            asked = Pause(self._clock() + wait_s, cause)
            earlier = self._pauses.get(host(url), asked)
            self._pauses[host(url)] = max(earlier, asked, key=lambda pause: pause.until)

    def pause(self, url: str) -> Pause | None:
        """The wait that this host asked for, while it lasts."""
        with self._lock:
            pause = self._pauses.get(host(url))
            return pause if pause is not None and pause.until > self._clock() else None


@dataclass(frozen=True)
class Target:
    """Where an address leads, and what the hub announced about it."""

    url: str
    announced: Linked


NOWHERE = Target("", Linked())


class DownloadSource:
    """One address; ``token`` is for the origin of ``token_host`` and no other.

    What it redirects to is remembered in memory only (it may be signed), so that the hub is asked once and not for
    each range; when that address is not good any more, the first one is asked again.
    """

    def __init__(self, url: str, token: str, token_host: str, hosts: Hosts, policy: RedirectPolicy) -> None:
        self.url = url
        self.hosts = hosts
        self.policy = policy
        self._token = token
        self._token_origin: Origin = origin(token_host)
        self._lock = threading.Lock()
        self._found = NOWHERE
        self._context: ssl.SSLContext | None = None
        self._refused = 0

    def token_for(self, url: str) -> str:
        """The token, if this address may see it."""
        return self._token if self._token and origin(url) == self._token_origin else ""

    @property
    def target(self) -> str:
        """Where the file really is, as far as known; else the address itself."""
        return self._found.url or self.url

    def known(self) -> "Target":
        """The target, with what the hub announced when it redirected there."""
        found = self._found
        return found if found.url else Target(self.url, Linked())

    def found(self, target: str, announced: Linked) -> None:
        """The address led to ``target``."""
        with self._lock:
            self._found = Target(target, announced) if target != self.url else NOWHERE

    def refused(self, target: str, fresh: bool) -> bool:
        """``target`` did not let us in: whether to ask the address itself again.

        Only a ``fresh`` one, to which the address led just now, counts; the others may be out of date by right.
        """
        with self._lock:
            if target == self.url:
                return False
            if self._found.url == target:
                self._found = NOWHERE
            self._refused += fresh
            return self._refused <= MAX_REFUSED

    def accepted(self) -> None:
        """The present target is good."""
        self._refused = 0

    def forget(self) -> None:
        """Ask the address itself next time."""
        self._found = NOWHERE

    def context(self) -> ssl.SSLContext:
        """The certificates we trust (SSL_CERT_FILE is heeded), read once for all connections."""
        import httpx

        with self._lock:
            if self._context is None:
                self._context = httpx.create_ssl_context()
            return self._context
