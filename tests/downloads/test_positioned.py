"""Reading and writing at a place, by the system's calls and without them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from modeld.downloader.disk.positioned import read_at, sync_data, write_at

PIECE = 4096
PIECES = 64


@pytest.fixture(params=["with the calls", "without them"])
def descriptor(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    if request.param == "without them":
        for name in ("pwrite", "preadv", "fdatasync"):
            monkeypatch.delattr(os, name)
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def test_pieces_written_by_many_threads_at_once_lie_where_they_belong(descriptor: int, tmp_path: Path):
    def piece(number: int) -> None:
        data = memoryview(bytes([number]) * PIECE)
        assert write_at(descriptor, data, number * PIECE) == PIECE

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(piece, range(PIECES)))
    sync_data(descriptor)
    assert (tmp_path / "file").read_bytes() == b"".join(bytes([number]) * PIECE for number in range(PIECES))


def test_what_is_read_is_what_lies_there_and_nothing_behind_the_end(descriptor: int):
    write_at(descriptor, memoryview(b"0123456789"), 0)
    view = memoryview(bytearray(8))
    assert read_at(descriptor, view, 4) == 6 and bytes(view[:6]) == b"456789"
    assert read_at(descriptor, view, 10) == 0
