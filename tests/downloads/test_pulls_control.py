"""Stop, go on, and limits: what a person does to a download that runs."""

import contextlib
import json
import os
import threading
from pathlib import Path

import pytest
from modeld.core.facts import PullFinished
from modeld.protocol.errors import ErrorCode
from support.range_server import Fault, RangeServer
from support.single_download import MIB, Download, open_to, sha256

BIG = "big.gguf"


@pytest.fixture
def final(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder / BIG


def claimed(final: Path) -> list[tuple[int, int]]:
    """The ranges that the state beside a partial file claims."""
    state = json.loads(final.with_name(final.name + ".part.json").read_text())
    return [(start, end) for start, end in state["done"]]


@pytest.mark.parametrize("connections", [1, 4])
def test_when_it_says_it_has_stopped_no_connection_is_open_and_its_bytes_are_claimed(
    final: Path, served: RangeServer, connections: int
):
    served.bytes_per_second = 4.0 * MIB
    download = Download(served.url(BIG), final, connections=connections, save_s=60.0).start()
    told = download.until(lambda fact: fact.done_bytes > 2 * MIB)
    download.stop()
    assert open_to(served) == 0
    assert sum(end - start for start, end in claimed(final)) >= told.done_bytes
    part = final.with_name(BIG + ".part").read_bytes()
    original = (served.folder / BIG).read_bytes()
    for start, end in claimed(final):
        assert part[start:end] == original[start:end]


@pytest.mark.parametrize(
    "fault", [Fault(stall_after=0), Fault(slow_headers_s=0.1), Fault(status=503, headers={"Retry-After": "500"})]
)
def test_it_stops_while_it_waits_for_a_server_too(final: Path, served: RangeServer, fault: Fault):
    served.fault(BIG, fault)
    download = Download(served.url(BIG), final, silence_s=60.0, headers_s=60.0).start()
    served.wait_for_requests(1)
    download.stop()
    assert open_to(served) == 0


def test_it_goes_on_with_what_is_missing_and_fetches_nothing_twice(final: Path, served: RangeServer):
    size = (served.folder / BIG).stat().st_size
    served.bytes_per_second = 8.0 * MIB
    for _ in range(3):
        download = Download(served.url(BIG), final).start()
        download.until(lambda fact: fact.connections > 1)
        download.until(lambda fact, base=download.facts[0].done_bytes: fact.done_bytes > base + 4 * MIB)  # type: ignore[union-attr]
        download.stop()
    before = sum(end - start for start, end in claimed(final))
    asked = len(served.log)
    last = Download(served.url(BIG), final)
    assert last.finished().sha256 == sha256(served.folder / BIG)
    assert last.facts[0].done_bytes == before > 8 * MIB  # type: ignore[union-attr]
    for seen in served.log[asked:]:
        first, end = (int(number) for number in seen.range.removeprefix("bytes=").split("-"))
        assert first > 0 and end < size


def test_a_state_that_cannot_be_read_means_from_the_beginning(final: Path, served: RangeServer):
    served.fault(BIG, Fault(stall_after=4 * MIB, times=1))
    download = Download(served.url(BIG), final, connections=1, silence_s=20.0).start()
    download.until(lambda fact: fact.done_bytes >= 3 * MIB)
    download.stop()
    state = final.with_name(BIG + ".part.json")
    state.write_text(state.read_text()[:-20])
    assert Download(served.url(BIG), final).finished().sha256 == sha256(served.folder / BIG)


def test_bytes_that_are_claimed_and_are_others_are_found_by_the_hash(final: Path, served: RangeServer):
    good = sha256(served.folder / BIG)
    served.fault(BIG, Fault(stall_after=8 * MIB, times=1))
    download = Download(served.url(BIG), final, connections=1, silence_s=20.0).start()
    download.until(lambda fact: fact.done_bytes >= 7 * MIB)
    download.stop()
    with final.with_name(BIG + ".part").open("r+b") as file:
        file.seek(MIB)
        file.write(b"rot")
    assert Download(served.url(BIG), final, sha256=good).finished().verified
    assert sha256(final) == good


@pytest.mark.parametrize("suffix", [".part", ".download", ".tmp"])
def test_another_programs_whole_file_is_taken_by_its_hash_without_a_download(
    final: Path, served: RangeServer, suffix: str
):
    good = served.folder / BIG
    final.with_name(BIG + suffix).write_bytes(good.read_bytes())
    end = Download(served.url(BIG), final, sha256=sha256(good)).finished()
    assert end.already_there and end.verified and served.log == []


@pytest.mark.parametrize("suffix", [".part", ".download", ".tmp"])
def test_another_programs_partial_file_is_not_trusted(final: Path, served: RangeServer, suffix: str):
    foreign = final.with_name(BIG + suffix)
    foreign.write_bytes((served.folder / BIG).read_bytes()[: 9 * MIB] + b"\0" * MIB)
    good = sha256(served.folder / BIG)
    download = Download(served.url(BIG), final, sha256=good).start()
    end = download.wait()
    assert isinstance(end, PullFinished) and not end.already_there and sha256(final) == good
    assert foreign.exists() is (suffix != ".part")


def test_a_stopped_one_that_is_not_kept_leaves_nothing(final: Path, served: RangeServer):
    served.fault(BIG, Fault(stall_after=4 * MIB))
    download = Download(served.url(BIG), final, silence_s=20.0).start()
    download.until(lambda fact: fact.done_bytes > 0)
    download.stop(keep=False)
    assert list(final.parent.iterdir()) == []


def test_a_limit_holds_from_the_start_and_can_be_lifted_while_it_runs(final: Path, served: RangeServer):
    download = Download(served.url(BIG), final, limit=200_000.0).start()
    download.until(lambda fact: fact.done_bytes > 100_000)
    slow = max(fact.done_bytes for fact in download.facts)  # type: ignore[union-attr]
    assert slow < 2 * MIB
    download.shared.throttle.change(0.0)
    assert isinstance(download.wait(), PullFinished)


def test_the_limit_of_one_download_is_its_own(tmp_path: Path, served: RangeServer):
    finals = [tmp_path / name / BIG for name in ("slow", "fast")]
    for path in finals:
        path.parent.mkdir()
    slow = Download(served.url(BIG), finals[0])
    slow.pull.throttle.change(100_000.0)
    slow.start()
    slow.until(lambda fact: fact.done_bytes > 0)
    assert isinstance(Download(served.url(BIG), finals[1]).start().wait(), PullFinished)
    slow.pull.throttle.change(0.0)
    assert isinstance(slow.wait(), PullFinished)


def test_too_little_room_is_refused_with_numbers_before_anything_is_written(final: Path, served: RangeServer):
    disk = os.statvfs(final.parent)
    failure = Download(served.url(BIG), final, reserve_bytes=disk.f_bavail * disk.f_frsize).failure()
    assert failure.code is ErrorCode.DISK_FULL and "are free in" in failure.message and failure.hint


def test_a_disk_that_fills_up_on_the_way_loses_nothing(tmp_path: Path, served: RangeServer):
    """On a real small file system, where one may be mounted; elsewhere the daemon's test with a quota does it."""
    small = tmp_path / "small"
    small.mkdir()
    with mounted(small, 40 * MIB):
        final = small / BIG
        served.bytes_per_second = 8.0 * MIB
        download = Download(served.url(BIG), final, reserve_bytes=4 * MIB).start()
        download.until(lambda fact: fact.done_bytes > 4 * MIB)
        download.stop()
        (small / "other").write_bytes(b"x" * 4 * MIB)
        with final.with_name(BIG + ".part").open("r+b") as file:  # its room is given away meanwhile
            kept = max(end for _, end in claimed(final))
            file.truncate(kept)
        with contextlib.suppress(OSError), (small / "more").open("wb") as file:
            while True:
                file.write(b"x" * MIB)
        before = claimed(final)
        failure = Download(served.url(BIG), final, reserve_bytes=4 * MIB).failure()
        assert failure.code is ErrorCode.DISK_FULL and claimed(final) == before
        (small / "other").unlink()
        (small / "more").unlink()
        assert Download(served.url(BIG), final, reserve_bytes=MIB).finished().sha256 == sha256(served.folder / BIG)


@contextlib.contextmanager
def mounted(folder: Path, size: int):
    import subprocess

    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def descriptor_count() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_thread_and_no_descriptor_is_left_over(final: Path, served: RangeServer):
    def threads() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("pull-")}

    served.fault(BIG, Fault(cut_after=MIB, times=3), Fault(stall_after=MIB, times=1))
    Download(served.url(BIG), final).finished()
    served.release()
    served.wait_until(lambda: served.open_connections == 0)
    descriptors = descriptor_count()
    for number in range(3):
        folder = final.parent / str(number)
        folder.mkdir()
        served.fault(BIG, Fault(reset_after=MIB, times=2), Fault(stall_after=MIB, times=1))
        Download(served.url(BIG), folder / BIG).finished()
    served.wait_until(lambda: served.open_connections == 0)
    assert threads() == set()
    assert descriptor_count() <= descriptors
