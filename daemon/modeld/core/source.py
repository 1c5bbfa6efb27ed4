"""Where a model comes from: the forms a source can have, taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from modeld.protocol.errors import ErrorCode, Failure

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HUB = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+):(?P<file>[^:]+\.gguf)", re.IGNORECASE)
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])\s*(\.|$)", re.IGNORECASE)
MAX_NAME_BYTES = 200
"""File systems end at 255; the rest is for what is put behind a name while its file is not whole."""

FORMS = "Use an https URL, hf:org/repo:FILE.gguf, or the path of a GGUF file."


@dataclass(frozen=True)
class Source:
    """``url`` for a download to ``file_name``, or ``path`` for a file used in place; the other two are then empty."""

    url: str = ""
    file_name: str = ""
    path: str = ""


def is_path(source: str) -> bool:
    """Whether a source would be looked for on this machine's own disk."""
    return not source.startswith(("hf:", "package:", "http://", "https://"))


def parse(source: str, hub_endpoint: str, allow_http: bool) -> Source | Failure:
    """Take ``source`` apart; what cannot be used is a Failure that says why.

    Hub sources become ``<endpoint>/<repo>/resolve/main/<file>`` (the hub's documented download address).
    """
    if source.startswith("hf:"):
        found = _HUB.fullmatch(source)
        if not found:
            return _refused(f"{source!r} does not name a file of a repository.", FORMS)
        if ".." in found["file"].split("/"):
            return _refused(f"{source!r} leads out of its repository.", FORMS)
        path = quote(found["file"])
        return _download(f"{hub_endpoint.rstrip('/')}/{found['repo']}/resolve/main/{path}", found["file"])
    if source.startswith("package:"):
        return Source()
    try:
        parts = urlsplit(source)
        host = parts.hostname
    except ValueError as error:
        return _refused(f"{source!r} is not a URL: {error}.", FORMS)
    if parts.scheme in ("http", "https"):
        if not host:
            return _refused(f"{source!r} names no host.", FORMS)
        if parts.scheme == "http" and not allow_http and host not in ("127.0.0.1", "::1", "localhost"):
            return _refused(
                f"{source!r} is not encrypted, so anyone on the way could change the model.",
                "Use https, or set allow_http = true if you accept that.",
            )
        return _download(source, parts.path)
    if parts.scheme and len(parts.scheme) > 1:
        return _refused(f"{source!r}: {parts.scheme}:// is not supported.", FORMS)
    return Source(path=source)


def _download(url: str, path: str) -> Source | Failure:
    name = path.rsplit("/", 1)[-1]
    if (
        not re.fullmatch(r"[\w][\w .()+-]*\.gguf", name, re.IGNORECASE)
        or _RESERVED.match(name)
        or len(name.encode()) > MAX_NAME_BYTES
    ):
        return _refused(f"{url!r} does not end in the name of a .gguf file.", FORMS)
    return Source(url=url, file_name=name)


def _refused(message: str, hint: str) -> Failure:
    return Failure(code=ErrorCode.BAD_REQUEST, message=message, hint=hint)
