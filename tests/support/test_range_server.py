"""The range server does what its documentation says, faults included."""

import contextlib
import gzip
import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.range_server import Fault, RangeServer

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    with RangeServer(tmp_path) as running:
        yield running


class Answer:
    """One answer, read as far as possible; ``broken`` if the connection ended before its announced length."""

    def __init__(self, server: RangeServer, method: str = "GET", path: str = "/file.bin", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            self.status = response.status
            self.headers = response.headers
            self.broken = False
            try:
                self.body = response.read()
            except http.client.IncompleteRead as error:
                self.body = error.partial
                self.broken = True


def test_a_plain_get_gives_the_whole_file_with_a_strong_etag(server: RangeServer) -> None:
    answer = Answer(server)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["ETag"].startswith('"')


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=262000-", 262000, 262143),
        ("bytes=-10", 262134, 262143),
    ],
)
def test_a_range_gives_206_and_exactly_those_bytes(server: RangeServer, asked: str, first: int, last: int) -> None:
    answer = Answer(server, Range=asked)
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.body == CONTENT[first : last + 1]


def test_a_range_behind_the_end_gives_416_with_the_size(server: RangeServer) -> None:
    answer = Answer(server, Range="bytes=262144-")
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_head_gives_the_headers_of_get_without_a_body(server: RangeServer) -> None:
    answer = Answer(server, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_if_range_with_the_current_etag_gives_the_range(server: RangeServer) -> None:
    etag = Answer(server, "HEAD").headers["ETag"]
    assert Answer(server, Range="bytes=10-", If_Range=etag).status == 206


def test_if_range_with_another_etag_gives_the_whole_file(server: RangeServer) -> None:
    answer = Answer(server, Range="bytes=10-", If_Range='"older"')
    assert (answer.status, answer.body) == (200, CONTENT)


def test_another_content_has_another_etag(server: RangeServer) -> None:
    before = Answer(server, "HEAD").headers["ETag"]
    (server.folder / "file.bin").write_bytes(CONTENT[::-1])
    assert Answer(server, "HEAD").headers["ETag"] != before


def test_the_log_tells_what_was_asked_and_answered(server: RangeServer) -> None:
    Answer(server, Range="bytes=5-9", Authorization="Bearer secret")
    [seen] = server.requests("file.bin")
    assert (seen.method, seen.path, seen.range, seen.authorization) == (
        "GET",
        "/file.bin",
        "bytes=5-9",
        "Bearer secret",
    )
    assert seen.status == 206


def test_a_missing_file_and_a_path_outside_are_404(server: RangeServer) -> None:
    (server.folder.parent / "outside.txt").write_text("x", encoding="utf-8")
    assert Answer(server, path="/none.bin").status == 404
    assert Answer(server, path="/../outside.txt").status == 404


def test_a_cut_ends_the_connection_after_exactly_that_many_bytes(server: RangeServer) -> None:
    server.fault("file.bin", Fault(cut_after=1000))
    answer = Answer(server)
    assert answer.broken
    assert answer.body == CONTENT[:1000]


def test_a_fault_for_one_time_is_gone_at_the_second(server: RangeServer) -> None:
    server.fault("file.bin", Fault(cut_after=0, times=1))
    assert Answer(server).broken
    assert not Answer(server).broken


def test_faults_follow_one_another(server: RangeServer) -> None:
    server.fault("file.bin", Fault(status=503, times=2), Fault(status=404, times=1))
    assert [Answer(server).status for _ in range(4)] == [503, 503, 404, 200]


def test_a_stall_stops_the_body_until_released(server: RangeServer) -> None:
    server.fault("file.bin", Fault(stall_after=70_000))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/file.bin")
        response = connection.getresponse()
        assert response.read(70_000) == CONTENT[:70_000]
        arrived = threading.Event()
        rest: list[bytes] = []

        def read_rest() -> None:
            rest.append(response.read())
            arrived.set()

        reader = threading.Thread(target=read_rest)
        reader.start()
        assert not arrived.wait(0.1)
        server.release()
        assert arrived.wait(10)
        reader.join()
        assert rest == [CONTENT[70_000:]]


def test_the_server_ends_while_a_client_is_stalled(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    with RangeServer(tmp_path) as server:
        server.fault("file.bin", Fault(stall_after=10))
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/file.bin")
        response = connection.getresponse()
        assert response.read(10) == CONTENT[:10]
    response.close()
    connection.close()


def test_an_ignored_range_gives_200_and_the_whole_file(server: RangeServer) -> None:
    server.fault("file.bin", Fault(ignore_range=True))
    answer = Answer(server, Range="bytes=100-")
    assert (answer.status, answer.body) == (200, CONTENT)


def test_a_wrong_content_range_is_told_as_ordered(server: RangeServer) -> None:
    server.fault("file.bin", Fault(content_range="bytes 0-9/10"))
    assert Answer(server, Range="bytes=100-").headers["Content-Range"] == "bytes 0-9/10"


def test_the_file_changes_midway_and_so_does_its_etag(server: RangeServer) -> None:
    server.fault("file.bin", Fault(replace_after=500, replacement=b"new" * 1000, times=1))
    first = Answer(server)
    second = Answer(server)
    assert first.broken
    assert first.body == CONTENT[:500]
    assert second.body == b"new" * 1000
    assert second.headers["ETag"] != first.headers["ETag"]


def test_a_status_comes_with_its_headers(server: RangeServer) -> None:
    server.fault("file.bin", Fault(status=503, headers={"Retry-After": "7"}))
    answer = Answer(server)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")


def test_a_redirect_points_where_it_is_told(server: RangeServer) -> None:
    server.fault("moved.bin", Fault(redirect_to=server.url("file.bin")))
    answer = Answer(server, path="/moved.bin")
    assert (answer.status, answer.headers["Location"]) == (302, server.url("file.bin"))


def test_a_gzip_answer_comes_unasked_and_unpacks_to_the_file(server: RangeServer) -> None:
    server.fault("file.bin", Fault(gzip_encoded=True))
    answer = Answer(server)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == CONTENT


def test_a_chunked_answer_has_no_length_and_the_whole_file(server: RangeServer) -> None:
    server.fault("file.bin", Fault(chunked=True))
    answer = Answer(server)
    assert answer.headers["Content-Length"] is None
    assert answer.body == CONTENT


def test_a_too_long_chunked_body_has_the_extra_bytes_at_its_end(server: RangeServer) -> None:
    server.fault("file.bin", Fault(chunked=True, extra_bytes=3))
    assert Answer(server).body == CONTENT + b"\0\0\0"


def test_a_throttled_file_takes_its_time(server: RangeServer) -> None:
    server.fault("file.bin", Fault(bytes_per_second=len(CONTENT) * 4))
    began = time.monotonic()
    assert Answer(server).body == CONTENT
    assert time.monotonic() - began >= 0.24


def test_waiting_for_requests_that_do_not_come_ends_at_the_deadline(server: RangeServer) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for_requests(1, deadline_s=0.01)
