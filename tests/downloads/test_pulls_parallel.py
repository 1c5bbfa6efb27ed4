"""Several connections: how many, what each fetches, and that a slow one does not decide."""

from pathlib import Path

import pytest
from modeld.downloader.slots import Slots
from support.range_server import Fault, RangeServer
from support.single_download import MIB, Download, sha256

BIG = "big.gguf"


@pytest.fixture
def final(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder / BIG


def test_a_file_comes_by_several_connections_and_each_byte_once(final: Path, served: RangeServer):
    download = Download(served.url(BIG), final)
    served.fault(BIG, Fault(bytes_per_second=16 * MIB))
    end = download.finished()
    size = (served.folder / BIG).stat().st_size
    assert end.sha256 == sha256(served.folder / BIG)
    assert served.most_connections >= 2
    assert sum(seen.sent for seen in served.log) < 1.6 * size  # what a cut connection had under way counts as sent
    assert 1 < max(getattr(fact, "connections", 0) for fact in download.facts) <= 4


def test_every_range_after_the_first_is_bound_to_the_file_as_it_was(final: Path, served: RangeServer):
    Download(served.url(BIG), final).finished()
    first, *rest = served.requests(BIG)
    assert first.if_range == "" and len({seen.if_range for seen in rest}) == 1 and rest[0].if_range.startswith('"')
    assert {seen.headers["Accept-Encoding"] for seen in served.log} == {"identity"}


def test_a_small_file_stays_on_one_connection(final: Path, served: RangeServer):
    Download(served.url(BIG), final, parallel_from_bytes=64 * MIB).finished()
    assert len(served.log) == 1 and served.most_connections == 1


@pytest.mark.parametrize("chosen", [1, 2, 8])
def test_there_are_never_more_connections_than_chosen(final: Path, served: RangeServer, chosen: int):
    served.bytes_per_second = 32 * MIB
    download = Download(served.url(BIG), final, connections=chosen)
    download.finished()
    assert max(getattr(fact, "connections", 0) for fact in download.facts) <= chosen


def test_without_a_choice_it_begins_with_two(final: Path, served: RangeServer):
    served.fault(BIG, Fault(stall_after=MIB))
    download = Download(served.url(BIG), final, connections=0, silence_s=20.0).start()
    download.until(lambda fact: fact.connections == 2)
    download.stop()
    assert max(getattr(fact, "connections", 0) for fact in download.facts) == 2


def test_all_downloads_together_have_a_fixed_number_and_each_gets_its_turn(tmp_path: Path, served: RangeServer):
    slots = Slots(3)
    served.bytes_per_second = 32 * MIB
    downloads = []
    for number in range(6):
        folder = tmp_path / f"models{number}"
        folder.mkdir()
        downloads.append(Download(served.url(BIG), folder / BIG, slots=slots).start())
    for download in downloads:
        download.wait()
        assert sha256(download.final) == sha256(served.folder / BIG)
        assert max(getattr(fact, "connections", 0) for fact in download.facts) <= 3
    assert slots._free == 3


def test_a_slow_connection_is_replaced_and_its_work_done_by_others(final: Path, tmp_path: Path, served: RangeServer):
    crawl = {1: 100_000.0}
    with RangeServer(served.folder, connection_speed=lambda number: crawl.get(number, 6.0 * MIB)) as server:
        Download(server.url(BIG), final, silence_s=20.0).finished()
        ranged = [seen for seen in server.log if seen.range]
        short = [seen for seen in ranged if seen.status == 206 and seen.sent < 2 * MIB]
    assert sha256(final) == sha256(served.folder / BIG)
    assert short, "the slow connection was read to the end of its range"


def test_a_stalled_connection_does_not_hold_up_the_others(final: Path, served: RangeServer):
    served.bytes_per_second = 6.0 * MIB
    served.fault(BIG, Fault(times=1), Fault(stall_after=100_000, times=1), Fault())
    download = Download(served.url(BIG), final, silence_s=60.0)
    download.finished()  # before the silence counts as a fault, let alone the deadline
    assert sha256(final) == sha256(served.folder / BIG) and download.retries() == 0


def test_a_connection_that_gets_no_answer_does_not_either(final: Path, served: RangeServer):
    served.bytes_per_second = 6.0 * MIB
    served.fault(BIG, Fault(times=1), Fault(slow_headers_s=0.1, times=1), Fault())
    download = Download(served.url(BIG), final, silence_s=60.0, headers_s=60.0)
    download.finished()
    assert sha256(final) == sha256(served.folder / BIG) and download.retries() == 0
