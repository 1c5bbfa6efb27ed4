"""What a hub, a mirror or something in between can answer, and what becomes of it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from modeld.adapters.hub import Hub, Token
from modeld.adapters.hub.hub import AT_ONCE
from modeld.adapters.hub.refusals import HubError, refusal
from modeld.adapters.hub.web import Web
from modeld.core.effects import ListRepository, ReadRemote, SearchHub, StopPull
from modeld.core.facts import AnyFact, LookupFailed, PullStopped, RemoteRead, RepositoryListed
from modeld.daemon import read_remote
from modeld.http.guard import RedirectPolicy
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from support.hub_emulator import HubEmulator

TREE = "/api/models/org/a/tree/main"
DEADLINE_S = 20.0
HALF = rb'[{"type": "file", "path": "\udc00-Q4_0.gguf", "size": 1000}]'
"""Half a surrogate pair is no text, and could be told to nobody."""

HUGE = b'[{"type": "file", "path": "a-Q4_0.gguf", "size": 1%s}]' % (b"0" * 400)
"""A size that no float and no counter of a disk can hold."""


@pytest.fixture
def hub(tiny_file: Path) -> Iterator[HubEmulator]:
    with HubEmulator() as emulator:
        emulator.add("org/a", {"a-Q4_0.gguf": tiny_file.read_bytes(), "README.md": b"x"})
        yield emulator


@pytest.fixture
def web(hub: HubEmulator) -> Iterator[Web]:
    made = Web(hub.endpoint, Token("hf_good", Reason.TOKEN_IN_SETTINGS.note(name="hub_token")), RedirectPolicy())
    yield made
    made.close()


def refused(do: Callable[[], object]) -> HubError:
    with pytest.raises(HubError) as caught:
        do()
    return caught.value


def lookup(endpoint: str, effect: ListRepository | ReadRemote, folder: Path) -> AnyFact:
    """The fact that a lookup reports."""

    async def go() -> AnyFact:
        facts: asyncio.Queue[AnyFact] = asyncio.Queue()
        Hub(endpoint, Token(), folder, read_remote, facts.put_nowait).send(effect)
        return await asyncio.wait_for(facts.get(), DEADLINE_S)

    return asyncio.run(go())


def test_a_page_in_place_of_json_is_said_to_be_one(hub: HubEmulator, web: Web):
    hub.instead[TREE] = 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><h1>Log in</h1>"
    error = refused(lambda: web.json(hub.endpoint + TREE, "org/a"))
    assert error.failure.code is ErrorCode.HTTP_ERROR and "<!DOCTYPE" in str(error) and not error.retry


@pytest.mark.parametrize(
    "body", [b"[" * 1_000_000, b'{"error": "x"}', b'[{"type": "file"}]', b"\xff\xfe", b"", HALF, HUGE]
)
def test_json_that_is_no_listing_is_a_failure_and_no_crash(hub: HubEmulator, tmp_path: Path, body: bytes):
    hub.instead[TREE] = 200, {}, body
    fact = lookup(hub.endpoint, ListRepository(lookup=1, repo="org/a", revision="main"), tmp_path)
    assert isinstance(fact, LookupFailed) and fact.failure.code is ErrorCode.HTTP_ERROR, fact


def test_an_answer_of_the_hub_that_leads_to_another_host_gets_no_token_there(hub: HubEmulator, web: Web):
    hub.instead[TREE] = 302, {"Location": f"{hub.cdn}/x?Signature=none"}, b""
    refused(lambda: web.json(hub.endpoint + TREE, "org/a"))
    assert [seen.authorization for seen in hub.log] == ["Bearer hf_good", ""]


def test_a_repository_that_moved_is_followed_with_the_token(hub: HubEmulator, web: Web):
    hub.instead["/api/models/old/a/tree/main"] = 307, {"Location": TREE}, b""
    entries, _ = web.json(f"{hub.endpoint}/api/models/old/a/tree/main", "old/a")
    assert isinstance(entries, list) and len(entries) == 2
    assert {seen.authorization for seen in hub.log} == {"Bearer hf_good"}


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        (TREE, Reason.REDIRECTS_TOO_OFTEN),
        ("file:///etc/passwd", Reason.REDIRECT_UNSUPPORTED),
        ("http://[", Reason.REDIRECT_INVALID),
    ],
)
def test_where_a_redirect_must_not_lead_it_does_not(hub: HubEmulator, web: Web, location: str, reason: Reason):
    hub.instead[TREE] = 302, {"Location": location}, b""
    assert refused(lambda: web.json(hub.endpoint + TREE, "org/a")).failure.reason == reason.id


def test_a_mirror_below_a_path_is_asked_for_its_own_next_page(hub: HubEmulator):
    below = Web(f"{hub.endpoint}/mirror", Token(), RedirectPolicy())
    for link in ("https://huggingface.co/api/models?cursor=2", f"{hub.endpoint}/mirror/api/models?cursor=2"):
        hub.instead["/mirror/api/models"] = 200, {"Link": f'<{link}>; rel="next"'}, b"[]"
        _, following = below.json(f"{hub.endpoint}/mirror/api/models", "a search")
        assert following == f"{hub.endpoint}/mirror/api/models?cursor=2"
    below.close()


def test_a_hub_that_is_away_is_unreachable_for_who_asks(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        fact = lookup(endpoint, ListRepository(lookup=1, repo="org/a", revision="main"), tmp_path)
    assert isinstance(fact, LookupFailed) and fact.failure.code is ErrorCode.UNREACHABLE


def test_a_server_without_ranges_gives_the_beginning_and_no_more_of_a_file_is_read(hub: HubEmulator, web: Web):
    url = f"{hub.endpoint}/org/a/resolve/main/a-Q4_0.gguf"
    hub.instead["/org/a/resolve/main/a-Q4_0.gguf"] = 200, {}, b"GGUF" + bytes(10_000_000)
    assert web.piece(url, 0, 100, "a").body == b"GGUF" + bytes(96)
    assert refused(lambda: web.piece(url, 100, 200, "a")).failure == Reason.HUB_WITHOUT_RANGES.failure(what="a")


def test_a_file_that_is_no_model_has_a_size_and_a_reason_but_no_header(hub: HubEmulator, tmp_path: Path):
    hub.add("org/a", {"a-Q4_0.gguf": b"<html>" + bytes(5000)})
    url = f"{hub.endpoint}/org/a/resolve/main/a-Q4_0.gguf"
    fact = lookup(hub.endpoint, ReadRemote(lookup=1, url=url), tmp_path)
    assert isinstance(fact, RemoteRead) and fact.header is None and fact.size_bytes == 5006
    assert fact.why is not None and fact.why.reason == Reason.GGUF_MAGIC_MISSING.id


def test_what_lies_in_the_models_folder_of_a_download_counts_as_taken(hub: HubEmulator, tmp_path: Path):
    (tmp_path / "a.gguf.part").write_bytes(b"x" * 8192)
    (tmp_path / "b.gguf").write_bytes(b"x" * 4096)
    url = f"{hub.endpoint}/org/a/resolve/main/a-Q4_0.gguf"
    fact = lookup(hub.endpoint, ReadRemote(lookup=1, url=url, file_names=["a.gguf", "b.gguf", "c.gguf"]), tmp_path)
    assert isinstance(fact, RemoteRead) and fact.taken_bytes == 12288 and fact.disk_free > 0
    assert fact.commit == hub.repositories["org/a"].main and fact.header is not None


def test_pages_that_never_end_are_not_followed_for_ever(hub: HubEmulator, tmp_path: Path):
    hub.instead[TREE] = 200, {"Link": f'<{hub.endpoint}{TREE}>; rel="next"'}, b"[]"
    fact = lookup(hub.endpoint, ListRepository(lookup=1, repo="org/a", revision="main"), tmp_path)
    assert isinstance(fact, RepositoryListed) and len(hub.log) == 100


@pytest.mark.parametrize(
    ("status", "headers", "code", "retry"),
    [
        (500, {}, ErrorCode.HTTP_ERROR, True),
        (503, {"retry-after": "7"}, ErrorCode.HTTP_ERROR, True),
        (429, {"ratelimit": '"api";r=0;t=55'}, ErrorCode.BUSY, True),
        (403, {"x-error-message": "Access to this resource is disabled."}, ErrorCode.NOT_ALLOWED, False),
        (403, {"x-error-code": "GatedRepo"}, ErrorCode.NOT_ALLOWED, False),
        (401, {}, ErrorCode.NOT_FOUND, False),
        (404, {"x-error-code": "EntryNotFound"}, ErrorCode.NOT_FOUND, False),
        (418, {}, ErrorCode.HTTP_ERROR, False),
    ],
)
def test_each_refusal_has_its_kind_and_says_whether_waiting_helps(
    status: int, headers: dict[str, str], code: ErrorCode, retry: bool
):
    error = refusal(status, headers, "https://hub.example", "org/a/main", None)
    assert (error.failure.code, error.retry) == (code, retry)
    if "ratelimit" in headers or "retry-after" in headers:
        assert error.after_s in (7.0, 55.0)


def test_hundreds_of_lookups_share_a_few_threads_and_a_cancelled_one_sends_no_request(tmp_path: Path):
    many = AT_ONCE + 200

    async def go() -> list[AnyFact]:
        facts: asyncio.Queue[AnyFact] = asyncio.Queue()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            made = Hub(f"http://127.0.0.1:{silent.getsockname()[1]}", Token(), tmp_path, read_remote, facts.put_nowait)
            before = threading.active_count()
            for number in range(many):
                made.send(SearchHub(lookup=number, words="a", limit=1, cursor=""))
            asked = [silent.accept()[0] for _ in range(AT_ONCE)]
            assert threading.active_count() == before + AT_ONCE
            made.send(ListRepository(lookup=many, repo="org/a", revision="main", job="j", run=1))
            assert made.stop(StopPull(job="j", keep=True))
        for connection in asked:
            connection.close()
        return [await asyncio.wait_for(facts.get(), DEADLINE_S) for _ in range(many + 1)]

    first, *others = asyncio.run(go())
    assert isinstance(first, PullStopped)
    assert sorted(fact.lookup for fact in others if isinstance(fact, LookupFailed)) == list(range(many))
