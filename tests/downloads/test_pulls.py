"""Downloads through a real daemon from a real server that misbehaves."""

import hashlib
import json
import resource
import shutil
import signal
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError, NotFound, Refused
from modeld.protocol import events
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import JobState, ModelState
from modeld.protocol.views import JobView
from support.range_server import Fault, RangeServer
from support.waiting import until

MIB = 1024 * 1024


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until_some_bytes(client: Client, key: str, least: int) -> None:
    """Wait for a progress event of at least so many bytes."""
    seen = client.events(f"download.{key}")
    client.pull(key)
    for event in seen:
        if isinstance(event, events.JobProgress) and event.progress.done >= least:
            break
    seen.close()


def until_state(client: Client, job: JobView, state: JobState) -> JobView:
    """Wait for a job's state, by the events."""
    mirror = client.follow()
    for _ in mirror:
        now = mirror.job(job.id)
        if now is not None and now.state is state:
            mirror.close()
            return now
    raise AssertionError("the events ended")


def whole(daemon, served: RangeServer, name: str) -> bool:
    """Whether the file in the models folder is the server's, and nothing is left of the download."""
    final = daemon.places.models_dir / name
    left = {path.name for path in daemon.places.models_dir.iterdir()} - {name}
    return sha256(final) == sha256(served.folder / name) and not left


def test_a_pulled_model_is_on_disk_with_its_hash_and_header(daemon, client: Client, served: RangeServer):
    client.add("tiny", served.url("tiny.gguf"))
    job = client.pull("tiny", wait=True)
    assert job.state is JobState.DONE and job.progress.percent == 100.0
    model = client.show("tiny")
    assert model.state is ModelState.ON_DISK and model.header is not None
    assert model.sha256 == sha256(served.folder / "tiny.gguf") and not model.verified
    assert whole(daemon, served, "tiny.gguf")


def test_a_pull_of_what_is_there_ends_at_once(client: Client, served: RangeServer):
    client.add("tiny", served.url("tiny.gguf"))
    client.pull("tiny", wait=True)
    asked = len(served.log)
    again = client.pull("tiny", wait=True)
    assert again.already_there and again.state is JobState.DONE and again.progress.percent == 100.0
    assert len(served.log) == asked


def test_a_known_hash_is_checked_and_a_wrong_one_keeps_nothing_under_the_final_name(
    daemon, client: Client, served: RangeServer
):
    wrong = "0" * 64
    client.add("tiny", served.url("tiny.gguf"), sha256=wrong)
    with pytest.raises(ModeldError) as caught:
        client.pull("tiny", wait=True)
    assert caught.value.code is ErrorCode.HASH_MISMATCH
    assert wrong in caught.value.message and sha256(served.folder / "tiny.gguf") in caught.value.message
    assert not (daemon.places.models_dir / "tiny.gguf").exists()
    assert client.show("tiny").state is ModelState.ABSENT


def test_a_right_hash_makes_the_model_verified(client: Client, served: RangeServer):
    client.add("tiny", served.url("tiny.gguf"), sha256=sha256(served.folder / "tiny.gguf"))
    client.pull("tiny", wait=True)
    assert client.show("tiny").verified


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut_after=3 * MIB, times=3),
        Fault(status=503, headers={"Retry-After": "0"}, times=2),
        Fault(status=429, headers={"Retry-After": "0"}, times=1),
        Fault(status=500, times=1),
        Fault(cut_after=3 * MIB, times=1, etag=""),
        Fault(chunked=True),
    ],
    ids=["cut", "503", "429", "500", "cut-without-etag", "chunked"],
)
def test_a_fault_that_passes_costs_nothing_but_time(daemon, client: Client, served: RangeServer, fault: Fault):
    served.fault("big.gguf", fault)
    client.add("big", served.url("big.gguf"))
    assert client.pull("big", wait=True).state is JobState.DONE
    assert whole(daemon, served, "big.gguf")


def test_after_a_cut_only_the_missing_bytes_are_asked_for(client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(cut_after=20 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    client.pull("big", wait=True)
    _, second = served.requests("big.gguf")
    assert second.status == 206
    size = (served.folder / "big.gguf").stat().st_size
    assert sum(seen.sent for seen in served.requests("big.gguf")) <= size + MIB


def test_a_server_that_ignores_ranges_is_read_from_the_start(daemon, client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(cut_after=3 * MIB, times=1), Fault(ignore_range=True))
    client.add("big", served.url("big.gguf"))
    client.pull("big", wait=True)
    assert whole(daemon, served, "big.gguf")


def test_a_wrong_content_range_is_never_written(daemon, client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(cut_after=3 * MIB, times=1), Fault(content_range="bytes 5-9/100", times=1), Fault())
    client.add("big", served.url("big.gguf"))
    client.pull("big", wait=True)
    assert whole(daemon, served, "big.gguf")


def test_a_file_that_changes_on_the_way_starts_over_and_is_not_mixed(daemon, client: Client, served: RangeServer):
    other = (served.folder / "tiny.gguf").read_bytes() + b"\1" * (32 * MIB)
    served.fault("big.gguf", Fault(replace_after=10 * MIB, replacement=other, times=1))
    client.add("big", served.url("big.gguf"))
    client.pull("big", wait=True)
    assert (daemon.places.models_dir / "big.gguf").read_bytes() == other


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=404), ErrorCode.NOT_FOUND),
        (Fault(status=410), ErrorCode.NOT_FOUND),
        (Fault(status=403), ErrorCode.NOT_ALLOWED),
        (Fault(status=401, headers={"X-Error-Code": "GatedRepo"}), ErrorCode.NOT_ALLOWED),
        (Fault(gzip_encoded=True), ErrorCode.HTTP_ERROR),
    ],
    ids=["404", "410", "403", "gated", "gzip"],
)
def test_an_answer_that_will_not_change_is_an_error_at_once(
    daemon, client: Client, served: RangeServer, fault: Fault, code: ErrorCode
):
    served.fault("tiny.gguf", fault)
    client.add("tiny", served.url("tiny.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("tiny", wait=True)
    assert caught.value.code is code
    assert served.url("tiny.gguf") in caught.value.message and caught.value.hint
    assert not (daemon.places.models_dir / "tiny.gguf").exists()


def test_a_redirect_that_goes_round_is_named(client: Client, served: RangeServer):
    served.fault("tiny.gguf", Fault(status=302, redirect_to=served.url("tiny.gguf")))
    client.add("tiny", served.url("tiny.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("tiny", wait=True)
    assert "redirects more than 10 times" in caught.value.message


def test_a_page_instead_of_a_model_is_not_kept_under_the_models_name(daemon, client: Client, served: RangeServer):
    (served.folder / "page.gguf").write_bytes(b"<html>Please log in</html>" * 100)
    client.add("page", served.url("page.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("page", wait=True)
    assert caught.value.code is ErrorCode.BAD_MODEL_FILE
    assert not (daemon.places.models_dir / "page.gguf").exists()


def test_a_truncated_model_is_not_a_model(daemon, client: Client, served: RangeServer, sample_model: Path):
    with sample_model.open("rb") as source, (served.folder / "short.gguf").open("wb") as file:
        file.write(source.read(8 * MIB))
    client.add("short", served.url("short.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("short", wait=True)
    assert caught.value.code is ErrorCode.BAD_MODEL_FILE and "cut off" in caught.value.message


def test_a_cancelled_download_goes_on_where_it_stopped(daemon, client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(stall_after=10 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 9 * MIB)
    client.cancel(model="big")
    assert client.show("big").state is ModelState.ABSENT
    served.release()
    client.pull("big", wait=True)
    assert served.requests("big.gguf")[-1].status == 206
    assert whole(daemon, served, "big.gguf")


def test_a_cancelled_download_that_is_not_kept_leaves_nothing(daemon, client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(stall_after=10 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 9 * MIB)
    client.cancel(model="big", keep=False)
    assert list(daemon.places.models_dir.iterdir()) == []


def test_a_paused_download_stays_paused_over_a_restart_and_resume_fetches_only_the_rest(
    daemon, client: Client, served: RangeServer
):
    served.fault("big.gguf", Fault(stall_after=20 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 19 * MIB)
    (held,) = client.pause(model="big")
    assert held.state is JobState.PAUSED and held.progress.rate == 0 and client.show("big").state is ModelState.ABSENT
    daemon.stop()
    served.release()
    daemon.start()
    (job,) = client.jobs("big")
    assert job.state is JobState.PAUSED
    client.resume()
    until_state(client, job, JobState.DONE)
    assert served.requests("big.gguf")[-1].status == 206
    assert whole(daemon, served, "big.gguf")


def test_a_paused_download_that_is_cancelled_without_keeping_leaves_nothing(
    daemon, client: Client, served: RangeServer
):
    served.fault("big.gguf", Fault(stall_after=10 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 9 * MIB)
    client.pause()
    assert list(daemon.places.models_dir.iterdir()) != []
    client.cancel(model="big", keep=False)
    until(lambda: list(daemon.places.models_dir.iterdir()) == [], "an empty models folder")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_download_goes_on_in_the_next_daemon(daemon, client: Client, served: RangeServer, number: signal.Signals):
    served.fault("big.gguf", Fault(stall_after=20 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 19 * MIB)
    daemon.stop(number)
    served.release()
    daemon.start()
    (job,) = client.jobs("big")
    if job.state is not JobState.DONE:
        until_state(client, job, JobState.DONE)
    assert whole(daemon, served, "big.gguf")


def test_the_state_beside_a_partial_file_claims_only_what_is_there(daemon, client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(stall_after=20 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", 19 * MIB)
    client.cancel(model="big")
    state = json.loads((daemon.places.models_dir / "big.gguf.part.json").read_text())
    part = (daemon.places.models_dir / "big.gguf.part").read_bytes()
    original = (served.folder / "big.gguf").read_bytes()
    assert state["done"]
    for start, end in state["done"]:
        assert part[start:end] == original[start:end]


def test_a_stall_is_shown_with_speed_zero_and_since_when(client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(stall_after=10 * MIB, times=1))
    client.add("big", served.url("big.gguf"))
    seen = client.events("download.big")
    client.pull("big")
    stalled = next(event for event in seen if isinstance(event, events.JobProgress) and event.progress.stalled_since)
    seen.close()
    assert stalled.progress.rate == 0 and stalled.progress.eta_s is None
    client.cancel(model="big")


def test_a_models_folder_that_cannot_be_written_is_a_clear_error(daemon, client: Client, served: RangeServer):
    daemon.places.models_dir.write_text("a file where the folder should be")
    client.add("tiny", served.url("tiny.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("tiny", wait=True)
    assert caught.value.code is ErrorCode.UNWRITABLE and str(daemon.places.models_dir) in caught.value.message
    daemon.places.models_dir.unlink()
    assert client.pull("tiny", wait=True).state is JobState.DONE


def test_a_full_disk_keeps_what_is_there_and_the_same_call_goes_on(daemon, client: Client, served: RangeServer):
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (10 * MIB, hard))
    client.add("big", served.url("big.gguf"))
    with pytest.raises(ModeldError) as caught:
        client.pull("big", wait=True)
    assert caught.value.code is ErrorCode.DISK_FULL
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    client.pull("big", wait=True)
    assert served.requests("big.gguf")[-1].status == 206
    assert whole(daemon, served, "big.gguf")


def test_a_model_that_is_downloading_is_not_removed(client: Client, served: RangeServer):
    served.fault("big.gguf", Fault(stall_after=MIB, times=1))
    client.add("big", served.url("big.gguf"))
    until_some_bytes(client, "big", MIB // 2)
    with pytest.raises(Refused) as caught:
        client.remove("big")
    assert caught.value.code is ErrorCode.IN_USE
    client.cancel(model="big")
    client.remove("big")
    with pytest.raises(NotFound):
        client.show("big")


def test_two_pulls_of_one_model_are_one_download(client: Client, served: RangeServer):
    client.add("big", served.url("big.gguf"))
    first, second = client.pull("big"), client.pull("big")
    assert first.id == second.id
    assert client.pull("big", wait=True).id == first.id
    assert len(served.requests("big.gguf")) == 1


def test_the_end_of_a_download_is_told_exactly_once(client: Client, served: RangeServer):
    client.add("tiny", served.url("tiny.gguf"))
    seen = client.events("download.tiny", "daemon.heartbeat")
    client.pull("tiny", wait=True)
    ends, beats = 0, 0
    for event in seen:
        ends += isinstance(event, events.JobChanged) and event.job.state is JobState.DONE
        beats += isinstance(event, events.Heartbeat)
        if beats == 2:
            break
    seen.close()
    assert ends == 1


def test_a_removed_download_takes_its_file_along_and_keep_file_does_not(daemon, client: Client, served: RangeServer):
    for key, keep in (("one", False), ("two", True)):
        shutil.copy(served.folder / "tiny.gguf", served.folder / f"{key}.gguf")
        client.add(key, served.url(f"{key}.gguf"))
        client.pull(key, wait=True)
        client.remove(key, keep_file=keep)
        assert (daemon.places.models_dir / f"{key}.gguf").exists() is keep
