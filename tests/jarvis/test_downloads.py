"""ModelDownloadManager and ModelDownloader against a real daemon and a server that misbehaves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.jarvis.daemon_access import DaemonAccess
from modelctl.jarvis.downloader import NEEDS_TOKEN, ModelDownloader
from modelctl.jarvis.downloads import ModelDownloadManager
from modelctl.jarvis.progress import TERMINAL, DownloadProgress, payload
from modeld.protocol import reasons
from modeld.protocol.errors import ErrorCode
from support.range_server import Fault, RangeServer
from support.waiting import until


@pytest.fixture
def served(tmp_path: Path, tiny_file: Path) -> Iterator[RangeServer]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "mistral.gguf").write_bytes(tiny_file.read_bytes())
    with RangeServer(folder) as server:
        yield server


@pytest.fixture
def downloads(access: DaemonAccess, client: Client, served: RangeServer) -> Iterator[ModelDownloadManager]:
    client.add("remote", served.url("mistral.gguf"))
    manager = ModelDownloadManager(None, access=access)
    yield manager
    manager.close()


def ends(told: list[DownloadProgress]) -> list[str]:
    return [progress.status for progress in told if progress.status in TERMINAL]


def test_a_download_ends_as_true_and_its_end_is_told_exactly_once_to_every_callback(downloads: ModelDownloadManager):
    first: list[DownloadProgress] = []
    second: list[DownloadProgress] = []

    def broken(progress: DownloadProgress) -> None:
        raise RuntimeError("the host's own bug")

    for callback in (first.append, broken, second.append):
        downloads.register_callback(callback)
    assert downloads.download_model("REMOTE") is True
    assert ends(first) == ends(second) == ["completed"]
    assert first[-1].percent == 100.0 and first[-1].downloaded == first[-1].total > 0
    last = downloads.get_progress("remote")
    assert last is not None and last.status == "completed"
    assert downloads.is_downloading("remote") is False


def test_what_is_there_already_ends_at_once_as_already_exists(downloads: ModelDownloadManager):
    assert downloads.download_model("remote")
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    assert downloads.download_model("remote") is True
    assert ends(told) == ["already_exists"] and told[-1].percent == 100.0


def test_a_download_that_fails_says_why_and_the_same_call_works_afterwards(
    downloads: ModelDownloadManager, served: RangeServer
):
    served.fault("mistral.gguf", Fault(status=404, times=1))
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    assert downloads.download_model("remote") is False
    assert ends(told) == ["failed"] and "404" in told[-1].message
    assert downloads.download_model("remote") is True


def test_an_unknown_model_is_an_error_not_an_exception(downloads: ModelDownloadManager):
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    assert downloads.download_model("nobody") is False
    assert ends(told) == ["error"] and "nobody" in told[0].message


def test_progress_is_read_from_another_thread_while_the_download_runs(
    downloads: ModelDownloadManager, served: RangeServer
):
    served.fault("mistral.gguf", Fault(stall_after=1000, times=1))
    result: list[bool] = []
    waiting = threading.Thread(target=lambda: result.append(downloads.download_model("remote")))
    waiting.start()
    until(lambda: downloads.is_downloading("remote"), "a running download")
    progress = until(lambda: downloads.get_progress("remote"), "its progress")
    assert progress.status == "in_progress" and progress.model == "remote"
    served.release()
    waiting.join(30)
    assert result == [True]


def test_a_callback_may_start_the_next_download(
    downloads: ModelDownloadManager, client: Client, served: RangeServer, tiny_file: Path
):
    (served.folder / "second.gguf").write_bytes(tiny_file.read_bytes() + b"\0")
    client.add("second", served.url("second.gguf"))
    chained: list[bool] = []

    def then(progress: DownloadProgress) -> None:
        if progress.model == "remote" and progress.status == "completed":
            chained.append(downloads.download_model("second"))

    downloads.register_callback(then)
    assert downloads.download_model("remote")
    until(lambda: chained, "the second download")
    assert chained == [True]


def test_a_download_that_somebody_else_started_is_heard_of(downloads: ModelDownloadManager, client: Client):
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    client.pull("tiny")
    client.pull("remote")
    until(lambda: "completed" in ends(told), "the end of the download")


def test_the_daemons_restart_in_the_middle_is_survived(
    daemon, downloads: ModelDownloadManager, client: Client, served: RangeServer
):
    served.fault("mistral.gguf", Fault(stall_after=1000, times=1))
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    result: list[bool] = []
    waiting = threading.Thread(target=lambda: result.append(downloads.download_model("remote")))
    waiting.start()
    served.wait_for_requests(1)
    until(lambda: downloads.is_downloading("remote"), "a running download")
    daemon.stop()
    served.release()
    daemon.start()
    waiting.join(60)
    assert result == [True] and ends(told) == ["completed"]


def test_without_a_daemon_the_answers_are_the_documented_ones(away: DaemonAccess):
    downloads = ModelDownloadManager(object(), access=away)
    told: list[DownloadProgress] = []
    downloads.register_callback(told.append)
    assert downloads.download_model("mistral") is False
    assert ends(told) == ["error"]
    assert downloads.is_downloading("mistral") is False
    assert downloads.get_progress("qwen") is None
    downloads.close()


def test_the_payload_has_every_consumers_keys_in_either_words():
    running = DownloadProgress("m", "in_progress", 512, 1024, 50.0, 2.0 * 1024**2, 92.0, "half")
    classic, live = payload(running), payload(running, "downloading")
    assert set(classic) == {
        "model",
        "model_id",
        "status",
        "downloaded",
        "total",
        "percent",
        "progress",
        "speed",
        "speed_mbps",
        "eta",
        "eta_text",
        "message",
        "error",
        "timestamp",
    }
    assert (classic["status"], live["status"]) == ("in_progress", "downloading")
    assert (classic["speed_mbps"], classic["eta_text"], classic["error"]) == (2.0, "1m 32s", None)
    unknown = payload(DownloadProgress("m", "in_progress"))
    assert (unknown["percent"], unknown["progress"], unknown["eta"], unknown["eta_text"]) == (None, 0.0, None, "N/A")
    assert payload(DownloadProgress("m", "failed", message="why"))["error"] == "why"
    assert payload(DownloadProgress("m", "completed"), "downloading")["status"] == "completed"


def test_the_live_downloader_answers_with_success_message_and_path(
    access: DaemonAccess, client: Client, served: RangeServer
):
    client.add("remote", served.url("mistral.gguf"))
    downloader = ModelDownloader(access=access)
    told: list[tuple[float, str]] = []
    assert downloader.is_model_downloaded("remote") is False
    assert downloader.get_download_status() == {"is_downloading": False, "current_model": None, "progress": 0.0}
    answer = downloader.download_model("remote", progress_callback=lambda percent, text: told.append((percent, text)))
    assert answer["success"] is True and Path(str(answer["file_path"])).is_file()
    assert told[-1][0] == 100.0 and downloader.is_model_downloaded("REMOTE")
    assert downloader.get_model_path("remote").name == "mistral.gguf"
    assert downloader.requires_token("remote") is False


def test_a_gated_repository_is_known_to_require_a_token_once_it_was_asked(
    access: DaemonAccess, client: Client, served: RangeServer
):
    client.add("gated", served.url("mistral.gguf"))
    served.fault("mistral.gguf", Fault(status=401, times=1))
    downloader = ModelDownloader(access=access)
    answer = downloader.download_model("gated")
    assert answer["success"] is False and answer["file_path"] is None and "401" in str(answer["message"])
    assert downloader.requires_token("gated") is True


def test_the_live_downloader_does_not_raise_without_a_daemon(away: DaemonAccess):
    downloader = ModelDownloader(access=away)
    assert downloader.download_model("mistral", hf_token="x")["success"] is False
    assert downloader.is_model_downloaded("mistral") is False
    assert downloader.get_download_status()["is_downloading"] is False
    assert downloader.get_model_path("mistral").name == "mistral.gguf"


def test_the_reasons_that_a_token_can_cure_are_reasons_of_the_daemon() -> None:
    reasons_ = [reasons.known(name) for name in NEEDS_TOKEN]
    assert [reason and reason.code for reason in reasons_] == [ErrorCode.NOT_ALLOWED] * len(NEEDS_TOKEN)
