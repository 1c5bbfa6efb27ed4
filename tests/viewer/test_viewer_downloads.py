"""What the download dialog and the progress windows say, without a window."""

import time
from collections.abc import Iterator

import pytest
from modelctl.desktop.viewer.downloads.dialog_text import choices, find_job, progress_text
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import HAS_FILE, JobState, ModelState
from modeld.protocol.views import ModelView, Progress
from support.views.dialogs import GIB, MIB, model, pull, snapshot

HALF_WAY = Progress(
    done=int(2.7 * GIB), total=int(4.1 * GIB), percent=65.3, rate=15.3 * MIB, eta_s=92.0, phase="downloading"
)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person whose clock shows UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_running_download_says_the_prescribed_lines() -> None:
    text = progress_text(pull(progress=HALF_WAY))
    assert text.title == "Downloading MISTRAL"
    assert text.status == "Status: Downloading..."
    assert text.bar == "65.3%"
    assert text.fraction == pytest.approx(0.653)
    assert text.downloaded == "Downloaded: 2.7 GB / 4.1 GB"
    assert text.speed == "Speed: 15.3 MB/s"
    assert text.eta == "ETA: 1m 32s"
    assert (text.ended, text.can_pause, text.can_resume, text.can_retry) == (False, True, False, False)


def test_before_the_size_is_known_nothing_is_made_up() -> None:
    text = progress_text(pull(progress=Progress(done=3 * MIB, rate=MIB, phase="downloading")))
    assert (text.bar, text.fraction) == ("N/A", 0.0)
    assert text.downloaded == "Downloaded: 3.0 MB / ?"
    assert text.eta == "ETA: N/A"


@pytest.mark.usefixtures("utc")
def test_a_stall_is_shown_with_its_beginning_and_its_retries() -> None:
    stalled = Progress(
        done=MIB, total=4 * MIB, percent=25.0, rate=9.0, eta_s=3.0, stalled_since="2026-11-24T12:03:11+00:00", retries=2
    )
    text = progress_text(pull(progress=stalled))
    assert text.status == "Status: Stalled since 12:03:11 (retry 2)"
    assert (text.speed, text.eta, text.tone) == ("Speed: 0 B/s", "ETA: N/A", "stalled")
    assert not text.ended


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("connecting", "Status: Connecting..."),
        ("verifying", "Status: Verifying..."),
        ("waiting to retry", "Status: Waiting to retry (retry 0)"),
        ("waiting for network", "Status: Waiting for the network"),
        ("waiting for a connection", "Status: Waiting for a free connection"),
    ],
)
def test_each_phase_has_its_words(phase: str, status: str) -> None:
    assert progress_text(pull(progress=Progress(phase=phase))).status == status


@pytest.mark.parametrize("state", list(JobState))
def test_the_window_can_be_closed_at_every_end_and_only_there(state: JobState) -> None:
    ends = {JobState.DONE, JobState.FAILED, JobState.CANCELLED}
    assert progress_text(pull(state, progress=HALF_WAY)).ended == (state in ends)


def test_a_file_that_was_there_already_ends_full() -> None:
    there = Progress(done=GIB, total=GIB, percent=100.0, eta_s=0.0, phase="already_exists")
    text = progress_text(pull(JobState.DONE, progress=there, already_there=True))
    assert text.status == "Status: Already downloaded, complete and verified"
    assert (text.bar, text.fraction, text.ended) == ("100.0%", 1.0, True)


def test_a_paused_download_offers_to_go_on() -> None:
    text = progress_text(pull(JobState.PAUSED, progress=HALF_WAY))
    assert (text.can_pause, text.can_resume) == (False, True)
    assert text.speed == "Speed: 0 B/s"


def test_a_full_disk_pauses_and_says_so() -> None:
    full = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.", hint="Make room, then resume.")
    assert progress_text(pull(JobState.PAUSED, failure=full)).detail == "The disk is full.\nMake room, then resume."


def test_a_failure_shows_reason_and_hint_and_offers_a_retry() -> None:
    failure = Failure(code=ErrorCode.HTTP_ERROR, message="https://x/m.gguf answered 404.", hint="Check the URL.")
    text = progress_text(pull(JobState.FAILED, progress=HALF_WAY, failure=failure))
    assert text.status == "Status: Failed"
    assert text.detail == "https://x/m.gguf answered 404.\nCheck the URL."
    assert text.can_retry


def test_without_a_daemon_the_window_can_be_closed_but_nothing_else() -> None:
    text = progress_text(pull(progress=HALF_WAY), known=False, daemon_there=False)
    assert text.status == "Status: The daemon is not reachable"
    assert (text.ended, text.can_pause, text.can_resume, text.can_retry) == (True, False, False, False)
    assert text.bar == "65.3%", "it still shows how far it was"


def test_every_model_that_is_not_on_disk_is_offered() -> None:
    models = [model(state.value, state) for state in ModelState]
    assert {choice.key for choice in choices(snapshot(models))} == {
        state.value for state in ModelState if state not in HAS_FILE
    }


def test_a_choice_says_name_description_size_and_context() -> None:
    offered = ModelView(
        key="mistral",
        state=ModelState.ABSENT,
        display_name="Mistral 7B",
        description="Good at much",
        size_bytes=int(4.1 * GIB),
        context_length=32768,
    )
    (choice,) = choices(snapshot([offered]))
    assert (choice.title, choice.name, choice.description) == ("MISTRAL", "Mistral 7B", "Good at much")
    assert (choice.size, choice.context) == ("4.1 GB", "32768 tokens")


def test_what_is_not_known_of_a_choice_is_called_unknown() -> None:
    (choice,) = choices(snapshot([model("mine", ModelState.ABSENT)]))
    assert (choice.size, choice.context) == ("unknown", "unknown")


def test_a_model_that_is_being_downloaded_leads_to_its_download() -> None:
    job = pull(progress=HALF_WAY)
    (choice,) = choices(snapshot([model("mistral", ModelState.DOWNLOADING)], [job]))
    assert choice.job is job


def test_an_ended_download_is_no_reason_not_to_download_again() -> None:
    (choice,) = choices(snapshot([model("mistral", ModelState.ABSENT)], [pull(JobState.FAILED)]))
    assert choice.job is None


def test_a_downloaded_model_leaves_the_list_by_itself() -> None:
    assert choices(snapshot([model("mistral", ModelState.ON_DISK)], [pull(JobState.DONE)])) == []


def test_a_job_is_found_by_its_id_where_there_is_a_daemon() -> None:
    job = pull()
    assert find_job(snapshot(jobs=[job]), "j1") is job
    assert find_job(snapshot(), "j1") is None
    assert find_job(None, "j1") is None
