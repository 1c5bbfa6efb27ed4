"""Addresses as they may be shown and compared."""

import socket
from urllib.parse import urlsplit, urlunsplit

Origin = tuple[str, str | None, int | None]

_PORTS = {"http": 80, "https": 443}


def public(url: str) -> str:
    """An address without user, query and fragment: fit for messages, logs and state files."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


def origin(url: str) -> Origin:
    """Scheme, host and port: an origin, which decides who may receive a secret (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def addresses(url: str) -> list[str]:
    """The IP addresses of an address' host; none where only a proxy knows it."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(one[4][0]) for one in found]


def host(url: str) -> str:
    """Host and port, to count and hold back requests by."""
    _, name, port = origin(url)
    return f"{name}:{port}"
