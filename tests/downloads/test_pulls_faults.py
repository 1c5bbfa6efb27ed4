"""Everything that can go wrong on the way: each fault by a real server that has it, over several connections."""

import email.utils
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from modeld.downloader import session
from modeld.downloader.location import Hosts
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.states import Phase
from support.range_server import Fault, RangeServer, make_certificate
from support.single_download import MIB, Download, sha256

BIG = "big.gguf"


@pytest.fixture
def final(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder / BIG


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RangeServer]:
    folder = tmp_path / "hub"
    folder.mkdir()
    with RangeServer(folder) as server:
        yield server


def is_whole(final: Path, served: RangeServer) -> bool:
    return sha256(final) == sha256(served.folder / final.name)


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(reset_after=MIB, times=3),
        Fault(cut_after=MIB, times=3),
        Fault(cut_after=0, times=3),
        Fault(stall_after=MIB, times=1),
        Fault(content_length=MIB, times=2),
        Fault(content_length=100 * MIB, times=1),
        Fault(extra_bytes=1000, times=2),
        Fault(chunked=True),
        Fault(chunked=True, extra_bytes=1000, times=2),
        Fault(content_range="bytes 5-9/100", times=2),
        Fault(content_range="garbage", times=1),
        Fault(status=500, times=2),
        Fault(status=502, times=1),
        Fault(status=503, headers={"Retry-After": "0"}, times=2),
        Fault(status=429, headers={"RateLimit": '"resolvers";r=0;t=0'}, times=1),
        Fault(status=408, times=1),
        Fault(slow_headers_s=0.02, times=1),
        Fault(ignore_range=True),
        Fault(coding="Identity"),
        Fault(coding=""),
        Fault(etag=""),
        Fault(etag='W/"weak"'),
        Fault(bytes_per_second=20 * MIB),
    ],
    ids=lambda fault: (
        "+".join(
            f"{name}={getattr(fault, name)!r}"
            for name in fault.__dataclass_fields__
            if getattr(fault, name) != fault.__dataclass_fields__[name].default and name not in ("times", "headers")
        )
        if isinstance(fault, Fault)
        else str(fault)
    ),
)
def test_a_fault_that_passes_costs_nothing_but_time(final: Path, served: RangeServer, fault: Fault, connections: int):
    served.fault(BIG, fault)
    end = Download(served.url(BIG), final, connections=connections).finished()
    assert is_whole(final, served) and end.sha256 == sha256(final)


@pytest.mark.parametrize("connections", [1, 4])
def test_faults_one_after_another_on_every_connection(final: Path, served: RangeServer, connections: int):
    faults = [Fault(cut_after=MIB, times=2), Fault(status=500, times=1), Fault(reset_after=2 * MIB, times=2)]
    served.fault(BIG, *faults, Fault(content_range="bytes 0-1/2", times=1), Fault(stall_after=MIB // 2, times=1))
    Download(served.url(BIG), final, connections=connections).finished()
    assert is_whole(final, served)


def test_a_server_without_ranges_is_asked_by_one_connection_and_that_is_said(final: Path, served: RangeServer):
    served.fault(BIG, Fault(ignore_range=True))
    download = Download(served.url(BIG), final)
    download.finished()
    assert Reason.RANGES_REFUSED.note() in download.started_over()
    assert served.requests(BIG)[-1].range == "" and served.requests(BIG)[-1].status == 200


def test_a_server_without_ranges_that_always_cuts_is_given_up(final: Path, served: RangeServer):
    served.fault(BIG, Fault(ignore_range=True, cut_after=2 * MIB))
    failure = Download(served.url(BIG), final, max_empty=4).failure()
    assert failure.code is ErrorCode.UNREACHABLE and served.url(BIG) in failure.message


def test_a_server_that_only_answers_500_is_given_up_with_what_it_said(final: Path, served: RangeServer):
    served.fault(BIG, Fault(status=500))
    failure = Download(served.url(BIG), final, max_empty=4).failure()
    assert failure.code is ErrorCode.UNREACHABLE and "500" in failure.message and failure.hint
    assert len(served.log) == 4


def test_nobody_at_the_address_is_given_up(final: Path, served: RangeServer):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/{BIG}"
        failure = Download(url, final, max_empty=3).failure()
    assert failure.code is ErrorCode.UNREACHABLE and "refused" in failure.message


def test_a_name_that_is_none_is_waited_for_or_given_up_but_no_crash(final: Path, served: RangeServer):
    download = Download(f"http://nowhere.invalid/{BIG}", final, max_empty=2).start()
    waiting = download.until(lambda fact: fact.phase in (Phase.WAITING_TO_RETRY, Phase.WAITING_FOR_NETWORK))
    assert waiting.cause is not None and waiting.connections == 0
    download.pull.stop(keep=False)
    download.wait()
    assert not final.exists()


def test_a_date_in_retry_after_is_waited_for(final: Path, served: RangeServer):
    soon = email.utils.formatdate(time.time() + 2, usegmt=True)
    served.fault(BIG, Fault(status=503, headers={"Retry-After": soon}, times=1))
    download = Download(served.url(BIG), final).start()
    waiting = download.until(lambda fact: fact.retry_in_s is not None)
    assert 0 < (waiting.retry_in_s or 0) <= 2.2 and waiting.cause == Reason.SERVER_ANSWERS.note(status=503)
    download.wait()
    assert is_whole(final, served)


@pytest.mark.parametrize("status", [429, 503])
def test_a_download_that_waits_because_of_another_one_says_why_and_how_long(
    final: Path, served: RangeServer, status: int
):
    served.fault("tiny.gguf", Fault(status=status, headers={"Retry-After": "2"}, times=1))
    hosts = Hosts()
    other = Download(served.url("tiny.gguf"), final.with_name("tiny.gguf"), hosts=hosts).start()
    other.until(lambda fact: fact.retry_in_s is not None)
    download = Download(served.url(BIG), final, hosts=hosts).start()
    waiting = download.until(lambda fact: fact.phase is not Phase.CONNECTING)
    assert waiting.phase is Phase.WAITING_TO_RETRY and waiting.cause == Reason.SERVER_ANSWERS.note(status=status)
    assert waiting.retry_in_s is not None and 0 < waiting.retry_in_s <= 2 and waiting.retries == 0
    assert not served.requests(BIG)
    download.wait()
    other.wait()
    assert is_whole(final, served) and download.retries() == 0


def test_a_crowded_server_gets_fewer_connections(final: Path, served: RangeServer):
    served.fault(BIG, Fault(times=1), Fault(status=429, headers={"Retry-After": "0"}, times=3), Fault())
    Download(served.url(BIG), final).finished()
    refused = [number for number, seen in enumerate(served.log) if seen.status == 429]
    assert is_whole(final, served) and refused


@pytest.mark.parametrize("connections", [1, 4])
def test_a_file_that_changes_on_the_way_starts_over_and_says_so(final: Path, served: RangeServer, connections: int):
    other = (served.folder / "tiny.gguf").read_bytes() + os.urandom(24 * MIB)
    served.fault(BIG, Fault(replace_after=MIB, replacement=other, times=1))
    download = Download(served.url(BIG), final, connections=connections)
    download.finished()
    assert final.read_bytes() == other
    assert Reason.FILE_CHANGED.note() in download.started_over()


def test_a_changed_file_of_the_same_size_is_noticed_by_its_date_where_there_is_no_etag(
    final: Path, served: RangeServer
):
    path = served.folder / BIG
    other = (served.folder / "tiny.gguf").read_bytes()
    other += os.urandom(path.stat().st_size - len(other))
    os.utime(path, (1e9, 1e9))
    served.fault(BIG, Fault(replace_after=4 * MIB, replacement=other, times=1, etag=""), Fault(etag=""))
    Download(served.url(BIG), final, connections=1).finished()
    assert final.read_bytes() == other


def test_servers_that_never_agree_on_the_file_are_an_error(final: Path, served: RangeServer):
    served.fault(BIG, *(Fault(etag=f'"{number}"', cut_after=MIB, times=1) for number in range(40)))
    failure = Download(served.url(BIG), final, connections=1).failure()
    assert failure.code is ErrorCode.CHANGED_REMOTELY


def test_a_file_that_got_shorter_starts_over(final: Path, served: RangeServer):
    download = Download(served.url(BIG), final, connections=1)
    served.fault(BIG, Fault(stall_after=20 * MIB, times=1))
    download.start().until(lambda fact: fact.done_bytes > 10 * MIB)
    download.stop()
    short = (served.folder / "tiny.gguf").read_bytes() + os.urandom(2 * MIB)
    (served.folder / BIG).write_bytes(short)
    served.fault(BIG, Fault(etag=""))
    Download(served.url(BIG), final, connections=1).finished()
    assert final.read_bytes() == short


@pytest.mark.parametrize("connections", [1, 4])
def test_a_signed_address_that_expires_is_asked_for_again(
    final: Path, served: RangeServer, hub: RangeServer, connections: int
):
    served.fault(BIG, Fault(cut_after=2 * MIB))
    linked = {"X-Linked-Etag": f'"{sha256(served.folder / BIG)}"'}
    hub.fault(BIG, Fault(redirect_to=lambda: served.signed(BIG, 2), headers=linked))
    end = Download(hub.url(BIG), final, connections=connections).finished()
    assert end.verified and is_whole(final, served)
    assert any(seen.status == 403 for seen in served.log)
    assert len(hub.log) < len(served.log)


@pytest.mark.parametrize("connections", [1, 4])
def test_another_host_of_the_same_file_may_have_another_etag(
    final: Path, served: RangeServer, hub: RangeServer, connections: int
):
    with RangeServer(served.folder) as other:
        other.fault(BIG, Fault(etag='"another"'))
        served.fault(BIG, Fault(cut_after=3 * MIB))
        targets = iter([served.signed(BIG, 2), *[other.url(BIG)] * 100])
        linked = {"X-Linked-Etag": f'"{sha256(served.folder / BIG)}"'}
        hub.fault(BIG, Fault(redirect_to=lambda: next(targets), headers=linked))
        download = Download(hub.url(BIG), final, connections=connections)
        assert download.finished().verified
        assert other.log and not download.started_over()


def test_signed_addresses_that_are_never_good_are_an_error(final: Path, served: RangeServer, hub: RangeServer):
    hub.fault(BIG, Fault(redirect_to=lambda: served.signed(BIG, 0)))
    failure = Download(hub.url(BIG), final).failure()
    assert failure.code is ErrorCode.NOT_ALLOWED and "signature" not in failure.message


def test_the_hub_is_asked_once_and_not_for_each_range(final: Path, served: RangeServer, hub: RangeServer):
    hub.fault(BIG, Fault(redirect_to=served.url(BIG)))
    Download(hub.url(BIG), final).finished()
    assert len(hub.log) == 1 and len(served.log) > 4


def test_a_token_is_for_one_origin_only(final: Path, served: RangeServer, hub: RangeServer):
    hub.fault(BIG, Fault(redirect_to=served.url(BIG, host="localhost")))
    Download(hub.url(BIG), final, token="hf_secret", token_host=hub.url("")).finished()
    assert {seen.authorization for seen in hub.log} == {"Bearer hf_secret"}
    assert {seen.authorization for seen in served.log} == {""}


def test_neither_token_nor_signature_is_shown_or_kept(final: Path, served: RangeServer, hub: RangeServer):
    hub.fault(BIG, Fault(redirect_to=lambda: served.signed(BIG, 100)))
    served.fault(BIG, Fault(stall_after=MIB))
    url = hub.url(BIG).replace("http://", "http://user:password@") + "?key=secret"
    download = Download(url, final, token="hf_secret", token_host=hub.url("")).start()
    download.until(lambda fact: fact.done_bytes > 0 and fact.cause is not None)
    download.stop()
    kept = final.with_name(BIG + ".part.json").read_text() + repr(download.facts)
    assert not any(secret in kept for secret in ("hf_secret", "signature", "password", "key=secret"))


def test_a_hash_that_the_hub_does_not_confirm_is_told_before_the_download(
    final: Path, served: RangeServer, hub: RangeServer
):
    linked = {"X-Linked-Etag": f'"{"a" * 64}"'}
    hub.fault(BIG, Fault(redirect_to=served.url(BIG), headers=linked))
    failure = Download(hub.url(BIG), final, sha256="b" * 64).failure()
    assert failure.code is ErrorCode.HASH_MISMATCH and "a" * 64 in failure.message and "b" * 64 in failure.message
    assert sum(seen.sent for seen in served.log) < 8 * MIB


def test_a_hash_in_the_answer_of_another_host_is_not_believed(final: Path, served: RangeServer, hub: RangeServer):
    served.fault("moved.gguf", Fault(redirect_to=served.url(BIG), headers={"X-Linked-Etag": f'"{"c" * 64}"'}))
    hub.fault(BIG, Fault(redirect_to=served.url("moved.gguf")))
    assert not Download(hub.url(BIG), final).finished().verified


def test_a_corrupt_byte_is_noticed_and_the_file_fetched_once_more(final: Path, served: RangeServer):
    served.fault(BIG, Fault(corrupt_at=9 * MIB, times=6))
    good = sha256(served.folder / BIG)
    download = Download(served.url(BIG), final, sha256=good, connections=1)
    served.fault(BIG, Fault(corrupt_at=9 * MIB, times=1))
    assert download.finished().verified and sha256(final) == good
    (cause,) = download.started_over()
    assert cause.reason == "hash_wrong" and cause.fields["expected"] == good


def test_a_file_that_is_wrong_twice_is_an_error_with_both_hashes(final: Path, served: RangeServer):
    good = sha256(served.folder / BIG)
    served.fault(BIG, Fault(corrupt_at=9 * MIB))
    failure = Download(served.url(BIG), final, sha256=good).failure()
    assert failure.code is ErrorCode.HASH_MISMATCH and good in failure.message
    assert sha256(final.with_name(BIG + ".bad")) in failure.message


@pytest.mark.parametrize(
    "fault",
    [Fault(), Fault(ignore_range=True), Fault(ignore_range=True, chunked=True)],
    ids=str,
)
def test_a_page_instead_of_a_model_is_refused_at_its_first_bytes(final: Path, served: RangeServer, fault: Fault):
    served.fault(BIG, fault)
    (served.folder / BIG).write_bytes(b"<html>Log in</html>" * 500_000)
    failure = Download(served.url(BIG), final).failure()
    assert failure.code is ErrorCode.BAD_MODEL_FILE and "<htm" in failure.message
    assert len(served.requests(BIG)) < 8


def test_an_empty_file_is_an_error(final: Path, served: RangeServer):
    (served.folder / BIG).write_bytes(b"")
    failure = Download(served.url(BIG), final, max_empty=3).failure()
    assert failure.message and failure.hint


def test_a_file_deleted_under_us_starts_over(final: Path, served: RangeServer):
    served.fault(BIG, Fault(stall_after=4 * MIB, times=1))
    download = Download(served.url(BIG), final, connections=1, silence_s=5.0).start()
    download.until(lambda fact: fact.done_bytes > MIB)
    final.with_name(BIG + ".part").unlink()
    download.wait()
    assert is_whole(final, served)
    assert download.started_over() == [Reason.PARTIAL_DELETED.note(name=BIG + ".part")]


def test_after_the_machine_slept_connections_are_made_anew_and_that_is_no_failure(final: Path, served: RangeServer):
    slept = [0.0]
    served.fault(BIG, Fault(stall_after=4 * MIB, times=1))
    download = Download(served.url(BIG), final, connections=1, silence_s=20.0, suspended=lambda: slept[0]).start()
    download.until(lambda fact: fact.done_bytes >= 3 * MIB)
    slept[0] = 3600.0
    download.wait()
    assert is_whole(final, served) and download.retries() == 0


def test_a_partial_file_that_somebody_else_writes_is_left_alone(final: Path, served: RangeServer):
    served.fault(BIG, Fault(stall_after=4 * MIB, times=1))
    first = Download(served.url(BIG), final, silence_s=20.0).start()
    first.until(lambda fact: fact.done_bytes > 0)
    failure = Download(served.url(BIG), final).failure()
    assert failure.code is ErrorCode.IN_USE
    served.release()
    first.wait()
    assert is_whole(final, served)


def test_a_redirect_from_the_internet_into_our_own_network_is_refused(
    final: Path, served: RangeServer, hub: RangeServer, monkeypatch: pytest.MonkeyPatch
):
    def as_if_outside(url: str) -> list[str]:
        return ["93.184.215.14"] if url.startswith(hub.url("")) else ["192.168.0.1"]

    monkeypatch.setattr(session, "addresses", as_if_outside)
    hub.fault(BIG, Fault(redirect_to=served.url(BIG)))
    failure = Download(hub.url(BIG), final).failure()
    assert failure.code is ErrorCode.NOT_ALLOWED and failure.hint and served.log == []


def test_a_redirect_to_nowhere_is_an_error(final: Path, served: RangeServer):
    served.fault(BIG, Fault(redirect_to="http://[broken"))
    assert Download(served.url(BIG), final).failure().code is ErrorCode.HTTP_ERROR


class TestTls:
    @pytest.fixture
    def secure(self, tmp_path: Path, served: RangeServer) -> Iterator[tuple[RangeServer, Path]]:
        certificate = make_certificate(tmp_path)
        with RangeServer(served.folder, certificate=certificate) as server:
            yield server, certificate.file

    @pytest.mark.parametrize(
        "fault",
        [Fault(), Fault(cut_after=MIB, times=3), Fault(chunked=True), Fault(reset_after=MIB, times=2)],
        ids=["well", "cut", "chunked", "reset"],
    )
    def test_a_certificate_that_is_trusted(
        self, final: Path, secure: tuple[RangeServer, Path], monkeypatch: pytest.MonkeyPatch, fault: Fault
    ):
        server, certificate = secure
        server.fault(BIG, fault)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Download(server.url(BIG), final).finished()
        assert is_whole(final, server)

    def test_one_that_is_not_is_an_error_at_once(self, final: Path, secure: tuple[RangeServer, Path]):
        failure = Download(secure[0].url(BIG), final).failure()
        assert failure.code is ErrorCode.UNREACHABLE and "certificate" in failure.message
        assert "SSL_CERT_FILE" in failure.hint

    def test_tls_where_none_is_spoken_is_given_up(self, final: Path, served: RangeServer):
        url = served.url(BIG).replace("http:", "https:")
        assert Download(url, final, max_empty=2).failure().code is ErrorCode.UNREACHABLE

    def test_a_redirect_out_of_tls_is_refused(
        self, final: Path, served: RangeServer, secure: tuple[RangeServer, Path], monkeypatch: pytest.MonkeyPatch
    ):
        server, certificate = secure
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.fault("moved.gguf", Fault(redirect_to=served.url(BIG)))
        failure = Download(server.url("moved.gguf"), final).failure()
        assert "not encrypted" in failure.message and served.requests(BIG) == []


class TestProxy:
    def test_a_proxy_is_used(self, final: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HTTP_PROXY", served.url(""))
        Download(f"http://models.invalid/{BIG}", final).finished()
        assert is_whole(final, served)

    def test_one_that_wants_a_password_is_an_error_at_once(
        self, final: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("HTTP_PROXY", served.url(""))
        served.fault(BIG, Fault(status=407))
        failure = Download(f"http://models.invalid/{BIG}", final).failure()
        assert failure.code is ErrorCode.NOT_ALLOWED and "PROXY" in failure.hint

    def test_the_same_for_a_tunnel(self, final: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HTTPS_PROXY", served.url(""))
        served.fault("CONNECT", Fault(status=407))
        failure = Download(f"https://models.invalid/{BIG}", final).failure()
        assert failure.code is ErrorCode.NOT_ALLOWED and "PROXY" in failure.hint

    def test_one_that_does_not_let_us_through_is_given_up(
        self, final: Path, served: RangeServer, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("HTTPS_PROXY", served.url(""))
        failure = Download(f"https://models.invalid/{BIG}", final, max_empty=2).failure()
        assert failure.code is ErrorCode.UNREACHABLE and "proxy" in failure.message
