"""Emulates a hub like Hugging Face on loopback: its API, its downloads and its refusals.

Two origins that differ in host and port: the hub itself (``127.0.0.1``) and the host that has the files
(``localhost``), to which it sends downloads on by addresses that are signed and end. Everything asked is in ``log``::

    with HubEmulator() as hub:
        hub.add("org/repo", {"a-Q4_K_M.gguf": data})
        ...
        assert not any(seen.authorization for seen in hub.log if seen.at == "cdn")
"""

import hashlib
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

PAGE = 3
"""Entries per page of a tree listing; the real hub has 1000."""

SMALL_BYTES = 1000
"""Smaller files are stored in the repository (no LFS): the hub sends them itself, hashed as git does."""

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Repository:
    """A repository: the files of each commit; ``main`` is the newest."""

    id: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""
    gated: bool = False
    private: bool = False
    downloads: int = 0
    likes: int = 0
    let_in: set[str] = field(default_factory=set)


@dataclass
class Seen:
    """One request: ``at`` is ``hub`` or ``cdn``."""

    at: str
    method: str
    path: str
    query: dict[str, str]
    range: str
    authorization: str
    status: int = 0
    sent: int = 0


class HubEmulator:
    """The hub and its file host, while entered. ``tokens`` are the valid ones."""

    def __init__(self, tokens: tuple[str, ...] = ("hf_good",)) -> None:
        self.tokens = tokens
        self.repositories: dict[str, Repository] = {}
        self.log: list[Seen] = []
        self.signed: dict[str, tuple[bytes, float]] = {}
        self.lifetime_s = 3600.0
        self.bytes_per_s = 0.0
        self.too_many: list[int] = []
        """Per coming request: the Retry-After seconds of a 429, or 0 for a normal answer."""
        self.instead: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """Answers (status, headers, body) that replace the correct ones, by path."""
        self._servers = [_Server("127.0.0.1", self, _Hub), _Server("127.0.0.1", self, _Cdn)]
        self.endpoint = f"http://127.0.0.1:{self._servers[0].server_port}"
        self.cdn = f"http://localhost:{self._servers[1].server_port}"

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(self, name: str, files: dict[str, bytes], **facts: bool | int | set[str]) -> Repository:
        """Add a commit to a repository, creating it if needed; return the commit."""
        repository = self.repositories.setdefault(name, Repository(name))
        for fact, value in facts.items():
            setattr(repository, fact, value)
        repository.main = secrets.token_hex(20)
        repository.commits[repository.main] = dict(files)
        return repository

    def requests(self, at: str, containing: str = "") -> list[Seen]:
        """The requests to one of the two origins, oldest first."""
        return [seen for seen in list(self.log) if seen.at == at and containing in seen.path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, emulator: HubEmulator, handler: type["_Handler"]) -> None:
        self.emulator = emulator
        super().__init__((host, 0), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    at = ""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the emulator has its own log."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.seen = Seen(
            at=self.at,
            method=self.command,
            path=unquote(parts.path),
            query=query,
            range=self.headers.get("Range", ""),
            authorization=self.headers.get("Authorization", ""),
        )
        self.server.emulator.log.append(self.seen)
        self.answer(parts.path, query)

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def answer(self, path: str, query: dict[str, str]) -> None:
        """Answer a request."""
        raise NotImplementedError

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send one complete answer."""
        self.seen.status = status
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        view, step = memoryview(body), 64 * 1024
        for start in range(0, len(body), step):
            self.wfile.write(view[start : start + step])
            self.seen.sent += len(view[start : start + step])
            if self.server.emulator.bytes_per_s:
                time.sleep(step / self.server.emulator.bytes_per_s)

    def send_range(self, data: bytes, headers: dict[str, str]) -> None:
        """Send the requested range, or the whole file."""
        headers = {"Accept-Ranges": "bytes", **headers}
        asked = _RANGE.fullmatch(self.seen.range)
        if asked is None:
            self.send(200, data, headers)
            return
        start, end = int(asked[1]), min(int(asked[2] or len(data) - 1) + 1, len(data))
        if start >= len(data):
            self.send(416, headers={"Content-Range": f"bytes */{len(data)}"})
            return
        self.send(206, data[start:end], {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(data)}"})


class _Hub(_Handler):
    """The hub's own origin."""

    at = "hub"

    def answer(self, path: str, query: dict[str, str]) -> None:
        emulator = self.server.emulator
        if emulator.too_many and (wait := emulator.too_many.pop(0)):
            limit = {"RateLimit": f'"api";r=0;t={wait}', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
            self.send(429, b"Too many requests", limit)
        elif path in emulator.instead:
            status, headers, body = emulator.instead[path]
            self.send(status, body, headers)
        elif path == "/api/models":
            self.search(query)
        elif tree := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            self.tree(tree[1], unquote(tree[2]), query)
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self.resolve(file[1], unquote(file[2]), unquote(file[3]))
        else:
            self.send(404, b"Not found")

    def refuse(self, status: int, code: str, message: str) -> None:
        self.send(status, message.encode(), {"X-Error-Code": code, "X-Error-Message": message})

    def open(self, name: str, revision: str, *, files: bool) -> tuple[str, dict[str, bytes]] | None:
        """The commit and its files; None after a refusal. Anyone may list a gated repository."""
        emulator = self.server.emulator
        token = self.seen.authorization.removeprefix("Bearer ")
        if token and token not in emulator.tokens:
            self.send(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
            return None
        repository = emulator.repositories.get(name)
        if repository is None or (repository.private and not token):
            self.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
            return None
        if repository.gated and files and token not in repository.let_in:
            self.refuse(403 if token else 401, "GatedRepo", f"Access to model {name} is restricted.")
            return None
        commit = repository.main if revision == "main" else revision
        if commit not in repository.commits:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return commit, repository.commits[commit]

    def tree(self, name: str, revision: str, query: dict[str, str]) -> None:
        found = self.open(name, revision, files=False)
        if found is None:
            return
        entries: list[dict[str, object]] = []
        folders: set[str] = set()
        for path, data in sorted(found[1].items()):
            folder = path.rpartition("/")[0]
            if folder and folder not in folders:
                folders.add(folder)
                entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": folder})
            entry: dict[str, object] = {"type": "file", "oid": _git(data), "size": len(data), "path": path}
            if len(data) >= SMALL_BYTES:
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}
                entry["xetHash"] = "0" * 64
            entries.append(entry)
        start = int(query.get("cursor", "0"))
        headers = {"Content-Type": "application/json"}
        if start + PAGE < len(entries):
            endpoint = self.server.emulator.endpoint
            address = (
                f"{endpoint}/api/models/{name}/tree/{quote(revision, safe='')}?recursive=true&cursor={start + PAGE}"
            )
            headers["Link"] = f'<{address}>; rel="next"'
        self.send(200, json.dumps(entries[start : start + PAGE]).encode(), headers)

    def resolve(self, name: str, revision: str, path: str) -> None:
        found = self.open(name, revision, files=True)
        if found is None:
            return
        commit, files = found
        data = files.get(path)
        if data is None:
            message = "Entry not found"
            headers = {"X-Error-Code": "EntryNotFound", "X-Error-Message": message, "X-Repo-Commit": commit}
            self.send(404, message.encode(), headers)
            return
        if len(data) < SMALL_BYTES:
            self.send_range(data, {"X-Repo-Commit": commit, "ETag": f'"{_git(data)}"'})
            return
        emulator = self.server.emulator
        signature = secrets.token_hex(8)
        emulator.signed[signature] = data, time.monotonic() + emulator.lifetime_s
        sha256 = hashlib.sha256(data).hexdigest()
        headers = {
            "Location": f"{emulator.cdn}/repos/{sha256}?X-Amz-Expires=3600&Signature={signature}",
            "X-Repo-Commit": commit,
            "X-Linked-Etag": f'"{sha256}"',
            "X-Linked-Size": str(len(data)),
            "X-Xet-Hash": "0" * 64,
            "Accept-Ranges": "bytes",
        }
        self.send(302, b"Found. Redirecting", headers)

    def search(self, query: dict[str, str]) -> None:
        words = query.get("search", "").lower().split()
        found = [
            repository
            for repository in self.server.emulator.repositories.values()
            if all(word in repository.id.lower() for word in words)
        ]
        found.sort(key=lambda repository: -repository.downloads)
        start, limit = int(query.get("cursor", "0")), int(query.get("limit", "20"))
        headers = {"Content-Type": "application/json"}
        if start + limit < len(found):
            address = f"https://huggingface.co/api/models?search=x&cursor={start + limit}"
            headers["Link"] = f'<{address}>; rel="next"'
        page = [
            {
                "_id": "0",
                "id": repository.id,
                "downloads": repository.downloads,
                "likes": repository.likes,
                "gated": "auto" if repository.gated else False,
                "lastModified": "2026-01-01T00:00:00.000Z",
            }
            for repository in found[start : start + limit]
        ]
        self.send(200, json.dumps(page).encode(), headers)


class _Cdn(_Handler):
    """The file host: it checks signatures and ignores tokens."""

    at = "cdn"

    def answer(self, path: str, query: dict[str, str]) -> None:
        if self.seen.authorization:
            self.send(400, b"<Error><Code>InvalidArgument</Code></Error>")
            return
        data, until = self.server.emulator.signed.get(query.get("Signature", ""), (b"", 0.0))
        if time.monotonic() >= until:
            self.send(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
            return
        self.send_range(data, {"ETag": f'"cdn-{hashlib.md5(data).hexdigest()}"'})


def _git(data: bytes) -> str:
    """The hash of a git blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
