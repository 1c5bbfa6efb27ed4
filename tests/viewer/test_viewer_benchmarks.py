"""What the benchmark dialog says, without a window."""

import pytest
from modelctl.desktop.viewer.benchmarks.dialog_text import candidates, change_text, followed, job_row
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import FINAL, HAS_FILE, JobState, ModelState
from modeld.protocol.views import Change, Progress
from support.views.dialogs import bench, model, pull, result, run, snapshot


def test_the_models_on_disk_can_be_measured_and_loaded_ones_are_marked() -> None:
    models = [model(state.value, state) for state in ModelState]
    found = {candidate.key: candidate.loaded for candidate in candidates(snapshot(models))}
    assert found.keys() == {state.value for state in HAS_FILE}
    assert {key for key, loaded in found.items() if loaded} == {"loaded", "busy"}


def test_a_candidate_shows_its_newest_rate() -> None:
    (candidate,) = candidates(snapshot([model("mistral", latest=result())]))
    assert (candidate.title, candidate.latest) == ("MISTRAL", "45.32")


def test_running_benchmarks_are_followed_whoever_started_them() -> None:
    jobs = [bench(state, id_=state.value) for state in JobState]
    assert {job.id for job in followed(snapshot(jobs=[*jobs, pull()]), {"done"})} == {
        *(state.value for state in JobState if state not in FINAL),
        "done",
    }


def test_a_running_benchmark_shows_step_percent_and_newest_rate() -> None:
    row = job_row(bench(progress=Progress(done=5, total=10, percent=50.0, rate=38.123, phase="pp")))
    assert (row.bar, row.fraction) == ("50%  prefill (pp)", 0.5)
    assert row.cells == ("38.12", "", "", "")
    assert not row.ended


def test_before_the_first_step_it_is_being_prepared() -> None:
    assert job_row(bench()).bar == "Preparing..."


def test_a_finished_benchmark_shows_its_numbers_in_the_comparisons_formats() -> None:
    row = job_row(bench(JobState.DONE, benchmark=run()), Change(percent=3.2, significant=True))
    assert row.cells == ("45.32 ± 0.41", "3250.5", "4829.3", "158/8192")
    assert (row.bar, row.fraction, row.ended) == ("Done", 1.0, True)
    assert row.note == "+3.2%, more than the noise"


def test_a_disturbed_run_is_marked() -> None:
    row = job_row(bench(JobState.DONE, benchmark=run(disturbance="1.6 cores were busy.")))
    assert row.note == "disturbed: 1.6 cores were busy"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(percent=3.25, significant=True), "+3.2%, more than the noise"),
        (Change(percent=-12.0, significant=False), "-12.0%, within the noise"),
    ],
)
def test_a_change_says_whether_it_is_more_than_noise(change: Change, text: str) -> None:
    assert change_text(change) == text


def test_a_failed_benchmark_says_why() -> None:
    failure = Failure(code=ErrorCode.LOAD_FAILED, message="It did not load.", hint="Free some memory.")
    row = job_row(bench(JobState.FAILED, failure=failure))
    assert (row.bar, row.note, row.ended) == ("Failed", "It did not load.\nFree some memory.", True)
