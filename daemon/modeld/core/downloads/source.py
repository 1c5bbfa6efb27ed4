"""Where a model comes from: the forms a source can have, taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HUB = re.compile(
    r"hf:(?P<repo>[\w.-]+/[\w.-]+)"
    r"(?:@(?P<revision>[\w./-]+?))?"
    r"(?::(?P<what>[^:@]+)|/(?P<file>[^:@]+\.gguf))?"
    r"(?:@(?P<late>[\w./-]+))?",
    re.IGNORECASE | re.ASCII,
)
_QUANTIZATION = re.compile(r"[\w.-]{1,32}", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])\s*(\.|$)", re.IGNORECASE)
MAX_NAME_BYTES = 200
"""File systems end at 255; the rest is for what is put behind a name while its file is not whole."""


@dataclass(frozen=True)
class HubSource:
    """A model in a hub's repository: by its ``file``, by its ``quantization``, or (both empty) the best one there."""

    repo: str
    revision: str = "main"
    file: str = ""
    quantization: str = ""


@dataclass(frozen=True)
class ModelSource:
    """One of three: ``url`` for a download to ``file_name``, ``hub`` (its file's name too, if it is known already), or
    ``path`` for a file used in place. The others are empty."""

    url: str = ""
    file_name: str = ""
    path: str = ""
    hub: HubSource | None = None


def is_path(source: str) -> bool:
    """Whether a source would be looked for on this machine's own disk."""
    return not (source.startswith("package:") or is_remote(source))


def is_remote(text: str) -> bool:
    """Whether this is a source to download from, and no key."""
    return text.startswith(("hf:", "http://", "https://"))


def parse(source: str, allow_http: bool) -> ModelSource | Failure:
    """Take ``source`` apart; what cannot be used is a Failure that says why."""
    if source.startswith("hf:"):
        return _of_hub(source)
    if source.startswith("package:"):
        return ModelSource()
    try:
        parts = urlsplit(source)
        host = parts.hostname
    except ValueError as error:
        return Reason.SOURCE_NOT_A_URL.failure(source=source, error=str(error))
    if parts.scheme in ("http", "https"):
        if not host:
            return Reason.SOURCE_WITHOUT_HOST.failure(source=source)
        if parts.scheme == "http" and not allow_http and host not in ("127.0.0.1", "::1", "localhost"):
            return Reason.SOURCE_NOT_ENCRYPTED.failure(source=source)
        name = parts.path.rsplit("/", 1)[-1]
        refused = refuse_name(name, source)
        return refused or ModelSource(url=source, file_name=name)
    if parts.scheme and len(parts.scheme) > 1:
        return Reason.SOURCE_UNSUPPORTED.failure(source=source, scheme=parts.scheme)
    return ModelSource(path=source)


def _of_hub(source: str) -> ModelSource | Failure:
    found = _HUB.fullmatch(source)
    if found is None or (found["revision"] and found["late"]):
        return Reason.SOURCE_NOT_IN_REPOSITORY.failure(source=source)
    what, revision = found["what"] or found["file"] or "", found["revision"] or found["late"] or "main"
    if any(".." in text.split("/") for text in (found["repo"], what, revision)):
        return Reason.SOURCE_LEAVES_REPOSITORY.failure(source=source)
    if not what.lower().endswith(".gguf"):
        if what and not _QUANTIZATION.fullmatch(what):
            return Reason.SOURCE_CHOICE_UNKNOWN.failure(choice=what, source=source)
        wanted = "" if what.lower() == "latest" else what
        return ModelSource(hub=HubSource(found["repo"], revision, quantization=wanted))
    name = what.rsplit("/", 1)[-1]
    refused = refuse_name(name, source)
    return refused or ModelSource(file_name=name, hub=HubSource(found["repo"], revision, file=what))


def download_url(endpoint: str, repo: str, revision: str, path: str) -> str:
    """The hub's documented address of a file in a repository."""
    return f"{endpoint.rstrip('/')}/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"


def suggested_key(source: str) -> str:
    """A key for a model that is known by its source only: the repository's name and what was chosen of it."""
    if source.startswith("hf:"):
        parsed = _of_hub(source)
        hub = parsed.hub if isinstance(parsed, ModelSource) else None
        if hub is None:
            return ""
        repo = re.sub(r"[-_.]gguf$", "", hub.repo.rsplit("/", 1)[-1], flags=re.IGNORECASE)
        text = hub.file.rsplit("/", 1)[-1] or "-".join(filter(None, (repo, hub.quantization)))
    else:
        text = urlsplit(source).path.rsplit("/", 1)[-1]
    return as_key(text)


def as_key(text: str) -> str:
    """The nearest that a key may be; empty where nothing of ``text`` can be one."""
    text = re.sub(r"(-00001-of-\d{5})?\.gguf$", "", text.lower())
    return re.sub(r"[^a-z0-9._-]+", "-", text).strip("-._")[:64].rstrip("-._")


def refuse_name(name: str, source: str) -> Failure | None:
    """Why a file may not have this name here; None if it may."""
    if (
        not re.fullmatch(r"[\w][\w .()+-]*\.gguf", name, re.IGNORECASE)
        or _RESERVED.match(name)
        or len(name.encode()) > MAX_NAME_BYTES
    ):
        return Reason.SOURCE_WITHOUT_FILE_NAME.failure(source=source)
    return None
