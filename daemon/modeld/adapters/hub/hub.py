"""Lookups at the hub, in a few threads; the lookup of a download retries while the hub is unreachable or busy."""

import asyncio
import logging
import queue
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from modeld.adapters.hub.refusals import HubError
from modeld.adapters.hub.token import Token
from modeld.adapters.hub.web import Web
from modeld.core.effects import ListRepository, ReadRemote, SearchHub, StopPull
from modeld.core.facts import (
    AnyFact,
    HubSearched,
    LookupFailed,
    PullAdvanced,
    PullStopped,
    RemoteFile,
    RemoteRead,
    RepositoryListed,
)
from modeld.http.backoff import Backoff
from modeld.http.guard import RedirectPolicy
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.states import Phase
from modeld.protocol.views import HeaderView, RepositoryView
from modeld.protocol.wire import Int64

log = logging.getLogger(__name__)

MOST_PAGES = 100
MOST_TRIES = 10
"""For a hub that answers with errors; an unreachable hub is tried without limit."""

AT_ONCE = 8
"""Threads: a hub limits requests, and a client may start hundreds of lookups."""

_SHA256_DIGITS = 64
_SIZE_DIGITS = 18
"""Of any size in bytes that can be true."""

_T = TypeVar("_T")

Lookup = ListRepository | ReadRemote | SearchHub
RemoteReader = Callable[[Callable[[int, int], bytes], int], HeaderView | Failure]


class _Lfs(msgspec.Struct):
    oid: str = ""
    size: Int64 = 0


class _Entry(msgspec.Struct):
    """An entry of the hub's tree listing."""

    type: str
    path: str
    size: Int64 = 0
    lfs: _Lfs | None = None


class _Found(msgspec.Struct):
    """An entry of the hub's list of models."""

    id: str
    downloads: int = 0
    likes: int = 0
    gated: bool | str = False
    last_modified: str = msgspec.field(default="", name="lastModified")


class Hub:
    """Does lookups; ``report`` gets their facts, in the loop's thread. ``read_remote`` reads a header by ranges."""

    def __init__(
        self,
        endpoint: str,
        token: Token,
        models_dir: Path,
        read_remote: RemoteReader,
        report: Callable[[AnyFact], None],
        policy: RedirectPolicy | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        self._models_dir = models_dir
        self._read_remote = read_remote
        self._report = report
        self._policy = policy or RedirectPolicy()
        self._loop = asyncio.get_running_loop()
        self._out: dict[int, _Pending] = {}
        self._waiting: queue.SimpleQueue[_Pending] = queue.SimpleQueue()
        self._threads = 0

    def send(self, effect: Lookup) -> None:
        """Start a lookup; it reports exactly one fact, unless its download is stopped first."""
        pending = _Pending(effect)
        self._out[effect.lookup] = pending
        self._begin(pending)

    def stop(self, effect: StopPull) -> bool:
        """Cancel the lookup of a download; False if none is pending."""
        pending = next((pending for pending in self._out.values() if pending.job == effect.job), None)
        if pending is None:
            return False
        pending.stopped.set()
        del self._out[pending.effect.lookup]
        self._report(PullStopped(job=pending.job, run=pending.run))
        return True

    def _begin(self, pending: "_Pending") -> None:
        """Give a lookup to the threads; the first lookups start them."""
        self._waiting.put(pending)
        if self._threads < AT_ONCE:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"hub-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        """In a thread: one try of one lookup after the other."""
        while True:
            pending = self._waiting.get()
            if not pending.stopped.is_set():
                self._try(pending)

    def _try(self, pending: "_Pending") -> None:
        fact: AnyFact
        try:
            fact = self._do(pending.effect)
        except HubError as error:
            tries = pending.backoff.tries
            lasting = error.failure.code is ErrorCode.HTTP_ERROR and tries >= MOST_TRIES
            if pending.job and error.retry and not lasting:
                wait = pending.backoff.failed(0, random.random(), error.after_s)
                self._call(self._try_later, pending, wait, error.failure)
                return
            fact = LookupFailed(lookup=pending.effect.lookup, failure=error.failure)
        except Exception as error:
            log.exception("%s failed by a bug", type(pending.effect).__name__)
            failure = Reason.INTERNAL_ERROR.failure(error=repr(error))
            fact = LookupFailed(lookup=pending.effect.lookup, failure=failure)
        self._call(self._ended, pending, fact)

    def _try_later(self, pending: "_Pending", wait_s: float, why: Failure) -> None:
        if pending.stopped.is_set():
            return
        self._report(
            PullAdvanced(
                job=pending.job,
                run=pending.run,
                done_bytes=0,
                total_bytes=0,
                phase=Phase.WAITING_TO_RETRY,
                retries=pending.backoff.tries,
                retry_in_s=wait_s,
                cause=why.note(),
            )
        )
        self._loop.call_later(wait_s, self._begin, pending)

    def _ended(self, pending: "_Pending", fact: AnyFact) -> None:
        if self._out.pop(pending.effect.lookup, None) is pending:
            self._report(fact)

    def _call(self, work: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(work, *args)
        except RuntimeError:
            log.debug("a lookup ended after the loop")

    def _do(self, effect: Lookup) -> AnyFact:
        web = Web(self._endpoint, self._token, self._policy)
        try:
            match effect:
                case ListRepository():
                    return self._list(web, effect)
                case ReadRemote():
                    return self._read(web, effect)
                case SearchHub():
                    return self._search(web, effect)
        finally:
            web.close()

    def _list(self, web: Web, effect: ListRepository) -> RepositoryListed:
        revision = quote(effect.revision, safe="")
        url = f"{self._endpoint}/api/models/{effect.repo}/tree/{revision}?recursive=true&expand=false"
        what = effect.repo if effect.revision == "main" else f"{effect.repo}/{effect.revision}"
        files: list[RemoteFile] = []
        for _ in range(MOST_PAGES):
            data, url = web.json(url, what)
            for entry in _entries(data, list[_Entry], what):
                if entry.type == "file":
                    oid = entry.lfs.oid if entry.lfs else ""
                    size = entry.lfs.size if entry.lfs and entry.lfs.size else entry.size
                    sha256 = oid if len(oid) == _SHA256_DIGITS else ""
                    files.append(RemoteFile(path=entry.path, size_bytes=size, sha256=sha256))
            if not url:
                break
        return RepositoryListed(lookup=effect.lookup, files=files)

    def _read(self, web: Web, effect: ReadRemote) -> RemoteRead:
        size = effect.size_bytes
        path = urlsplit(effect.url).path.removeprefix(urlsplit(self._endpoint).path).lstrip("/")
        what = path.replace("/resolve/", "/", 1)
        first: dict[str, str] = {}

        def fetch(start: int, end: int) -> bytes:
            nonlocal first, size
            answer = web.piece(effect.url, start, end, what)
            first = first or answer.first
            size = size or _whole_size(answer.headers, answer.status)
            return answer.body

        header: HeaderView | None = None
        why: Failure | None = None
        try:
            if not size:
                fetch(0, 1024)
            unknown = Reason.HUB_SIZE_UNKNOWN.failure(what=what)
            found = self._read_remote(fetch, size) if size else unknown
            header, why = (None, found) if isinstance(found, Failure) else (found, None)
        except HubError as error:
            if not first and web.is_hub(effect.url):
                raise  # the file itself is missing, and not only its header
            why = error.failure
        free, taken = self._room(effect.file_names)
        return RemoteRead(
            lookup=effect.lookup,
            header=header,
            size_bytes=size,
            commit=first.get("x-repo-commit", ""),
            disk_free=free,
            taken_bytes=taken,
            why=why,
        )

    def _room(self, file_names: list[str]) -> tuple[int, int]:
        """What is free for downloads, and what these files have taken of it already."""
        folder = self._models_dir
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        taken = 0
        for name in file_names:
            for path in (self._models_dir / name, self._models_dir / f"{name}.part"):
                if path.is_file():
                    stat = path.stat()
                    taken += min(stat.st_size, getattr(stat, "st_blocks", stat.st_size // 512 + 1) * 512)
        return shutil.disk_usage(folder).free, taken

    def _search(self, web: Web, effect: SearchHub) -> HubSearched:
        query = {"search": effect.words, "filter": "gguf", "sort": "downloads", "limit": str(effect.limit)}
        if effect.cursor:
            query["cursor"] = effect.cursor
        expand = [("expand", name) for name in ("downloads", "likes", "gated", "lastModified")]
        url = f"{self._endpoint}/api/models?{urlencode([*query.items(), *expand])}"
        data, more = web.json(url, f"{effect.words!r}")
        repositories = [
            RepositoryView(
                id=found.id,
                downloads=found.downloads,
                likes=found.likes,
                gated=bool(found.gated),
                updated_at=found.last_modified,
            )
            for found in _entries(data, list[_Found], repr(effect.words))
        ]
        cursor = parse_qs(urlsplit(more).query).get("cursor", [""])[0]
        return HubSearched(lookup=effect.lookup, repositories=repositories, next=cursor)


class _Pending:
    """A lookup that has not ended."""

    def __init__(self, effect: Lookup) -> None:
        self.effect = effect
        self.job = "" if isinstance(effect, SearchHub) else effect.job
        self.run = 0 if isinstance(effect, SearchHub) else effect.run
        self.stopped = threading.Event()
        self.backoff = Backoff()


def _entries(data: object, kind: type[list[_T]], what: str) -> list[_T]:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise HubError(Reason.HUB_ANSWER_INVALID.failure(what=what, error=str(error))) from error


def _whole_size(headers: dict[str, str], status: int) -> int:
    text = headers.get("content-range", "").rpartition("/")[2] if status == 206 else headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) <= _SIZE_DIGITS else 0
