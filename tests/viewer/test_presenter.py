"""What the cards say and offer, from the snapshot alone."""

import msgspec
import pytest
from modelctl.desktop.viewer.models import presenter
from modelctl.desktop.viewer.models.presenter import ModelAction
from modeld.protocol import views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState

AT = "2026-01-02T03:04:05+00:00"


def result(rate: float) -> views.BenchmarkResult:
    return views.BenchmarkResult(
        model_key="mistral",
        tokens_per_second=rate,
        inference_time=3250.6,
        context_used=158,
        context_available=8192,
        timestamp=AT,
        prompt_tokens=30,
        completion_tokens=128,
        memory_usage_mb=4829.3,
    )


def model(state: ModelState = ModelState.LOADED, key: str = "mistral", **fields: object) -> views.ModelView:
    in_memory = state in (ModelState.LOADED, ModelState.BUSY)
    loaded = views.LoadedView(run=1, gpu_layers=35, context_size=8192, context_used=158, memory_bytes=5 << 30)
    whole = {
        "display_name": "Mistral 7B",
        "description": "For everything",
        "path": "/models/mistral.gguf",
        "size_bytes": 4 << 30,
        "context_length": 8192,
        "estimated_bytes": 4 << 30,
        "loaded": loaded if in_memory else None,
        **fields,
    }
    return msgspec.convert({"key": key, "state": state, **whole}, views.ModelView, from_attributes=True)


def job(kind: JobKind, state: JobState, **progress: object) -> views.JobView:
    return views.JobView(
        id=f"{kind}-{state}",
        kind=kind,
        model="mistral",
        state=state,
        created_at=AT,
        progress=msgspec.convert(progress, views.Progress),
    )


def test_a_card_has_every_line_of_a_loaded_and_measured_model() -> None:
    average = views.BenchmarkAverage(
        runs=3, avg_tokens_per_second=44.1, avg_inference_time=3300.0, avg_memory_usage_mb=4800.0
    )
    card = presenter.card(model(active=True, latest=result(45.3), average=average, last_load_s=8.3))

    texts = card.texts
    assert (texts.ready_sign, texts.title) == ("✅", "MISTRAL")
    assert [mark.text for mark in card.marks] == ["🟢 ACTIVE", "🔵 LOADED"]
    assert texts.about == (
        "📝 Mistral 7B",
        "💬 For everything",
        "📁 mistral.gguf (4.0 GB)",
        "📊 Context Window: 8192 tokens",
    )
    assert [(benchmark.heading, *benchmark.figures) for benchmark in texts.benchmarks] == [
        ("⚡ Latest Benchmark:", "• 45.3 tokens/sec", "• 3251 ms inference time", "• 4829.3 MB memory"),
        ("⚡ Average of 3 Benchmarks:", "• 44.1 tokens/sec", "• 3300 ms inference time", "• 4800.0 MB memory"),
    ]
    assert texts.machine == (
        "🎮 GPU Acceleration: 35 layers",
        "🧮 Memory: 4096.0 MB estimated, 5120.0 MB measured",
        "⏱️ Load Time: 8.3s",
    )
    assert card.context == (158, 8192)


def test_a_model_that_is_not_there_says_what_it_needs() -> None:
    card = presenter.card(model(ModelState.ABSENT))

    assert (card.texts.ready_sign, card.texts.title) == ("❌", "MISTRAL")
    assert card.texts.file == "📁 Not downloaded - 4.0 GB required"
    assert card.context is None


def test_a_failure_is_shown_once_with_its_hint() -> None:
    failure = Failure(code=ErrorCode.INTERNAL, message="The worker ended.", hint="See the log.")
    card = presenter.card(model(ModelState.ON_DISK, failure=failure))

    assert card.failure == "The worker ended. See the log."
    assert not any("worker" in line for line in (*card.texts.about, *card.texts.machine))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ModelState.ABSENT, (ModelAction.DOWNLOAD,)),
        (ModelState.ON_DISK, (ModelAction.LOAD, ModelAction.BENCHMARK)),
        (ModelState.LOADING, (ModelAction.UNLOAD,)),
        (ModelState.LOADED, (ModelAction.CHAT, ModelAction.BENCHMARK, ModelAction.UNLOAD)),
        (ModelState.BUSY, (ModelAction.CHAT, ModelAction.BENCHMARK, ModelAction.UNLOAD)),
        (ModelState.UNLOADING, ()),
    ],
)
def test_a_card_offers_what_its_state_allows(state: ModelState, expected: tuple[ModelAction, ...]) -> None:
    assert presenter.actions(model(state), None) == expected


def test_a_download_can_be_held_and_cancelled_and_a_held_one_goes_on() -> None:
    absent = model(ModelState.DOWNLOADING)

    assert presenter.actions(absent, job(JobKind.PULL, JobState.RUNNING)) == (ModelAction.PAUSE, ModelAction.CANCEL)
    assert presenter.actions(absent, job(JobKind.PULL, JobState.PAUSED)) == (ModelAction.RESUME, ModelAction.CANCEL)


def test_a_benchmark_that_runs_can_be_cancelled_but_not_begun_again() -> None:
    offered = presenter.actions(model(ModelState.BUSY), job(JobKind.BENCHMARK, JobState.RUNNING))

    assert offered == (ModelAction.CHAT, ModelAction.CANCEL, ModelAction.UNLOAD)


def test_a_model_in_memory_cannot_be_removed_and_one_of_the_catalogue_without_a_file_neither() -> None:
    assert ModelAction.REMOVE not in presenter.more(model(ModelState.LOADED))
    assert ModelAction.REMOVE not in presenter.more(model(ModelState.ABSENT, builtin=True))
    assert ModelAction.REMOVE in presenter.more(model(ModelState.ON_DISK, builtin=True))
    assert ModelAction.REMOVE in presenter.more(model(ModelState.ABSENT))


def test_the_menu_says_what_a_click_would_change() -> None:
    assert ModelAction.PIN in presenter.more(model())
    assert ModelAction.UNPIN in presenter.more(model(pinned=True))


def test_a_downloads_line_has_percent_amount_speed_and_time() -> None:
    running = job(
        JobKind.PULL, JobState.RUNNING, done=1 << 30, total=4 << 30, percent=25.0, rate=15.3 * 2**20, eta_s=92
    )
    gauge = presenter.gauge(running)

    assert gauge.fraction == 0.25
    assert gauge.text == "25.0%    1.0 GB / 4.0 GB    Speed: 15.3 MB/s    ETA: 1m 32s"


def test_a_download_that_has_begun_tells_the_size_of_its_model() -> None:
    absent = model(ModelState.ABSENT, path="", size_bytes=0)
    running = job(JobKind.PULL, JobState.RUNNING, done=1 << 30, total=3 << 30)

    assert "size known when the download starts" in presenter.card(absent).texts.file
    assert "3.0 GB required" in presenter.card(absent, running).texts.file


def test_a_download_without_a_known_size_has_no_fraction() -> None:
    gauge = presenter.gauge(job(JobKind.PULL, JobState.RUNNING, done=1 << 20))

    assert gauge.fraction is None
    assert gauge.text.startswith("N/A    1.0 MB")


def test_a_stall_and_a_pause_are_said() -> None:
    assert "No data arrives" in presenter.gauge(job(JobKind.PULL, JobState.RUNNING, stalled_since=AT)).text
    assert presenter.gauge(job(JobKind.PULL, JobState.PAUSED, done=5)).text.startswith("Paused")


def test_a_benchmark_counts_its_steps() -> None:
    gauge = presenter.gauge(job(JobKind.BENCHMARK, JobState.RUNNING, done=3, total=9, rate=45.04))

    assert gauge.text == "Benchmark: step 3 of 9    45.0 tokens/sec"
    assert gauge.fraction == pytest.approx(1 / 3)


def test_a_job_that_runs_is_shown_before_one_that_waits_and_ended_ones_never() -> None:
    waits, runs = job(JobKind.BENCHMARK, JobState.QUEUED), job(JobKind.PULL, JobState.RUNNING)

    assert presenter.current_jobs([waits, runs, job(JobKind.PULL, JobState.DONE)]) == {"mistral": runs}
    assert presenter.current_jobs([runs, waits]) == {"mistral": runs}


def test_the_filter_looks_at_key_and_name_in_any_case() -> None:
    models = [model(key="a", display_name="Alpha"), model(key="b", display_name="Beta")]

    assert [found.key for found in presenter.selected(models, " ALPH ")] == ["a"]
    assert [found.key for found in presenter.selected(models, "B")] == ["b"]
    assert presenter.selected(models, "nothing") == []


def test_what_works_comes_first_when_sorted_by_state_and_the_daemons_order_stays_else() -> None:
    states = [ModelState.ABSENT, ModelState.ON_DISK, ModelState.BUSY, ModelState.LOADED, ModelState.ON_DISK]
    models = [model(state, key=str(number)) for number, state in enumerate(states)]

    assert [found.key for found in presenter.selected(models, by_state=True)] == ["2", "3", "1", "4", "0"]
    assert [found.key for found in presenter.selected(models, on_disk=True)] == ["1", "2", "3", "4"]


def test_every_action_has_words() -> None:
    assert all(presenter.label(do) for do in ModelAction)


def test_the_list_in_a_line_counts_what_is_there_and_in_memory() -> None:
    snapshot = views.Snapshot(
        epoch="e",
        seq=1,
        at=AT,
        daemon=views.DaemonView(version="1", pid=1, started_at=AT),
        system=views.SystemView(),
        models=[model(), model(ModelState.ABSENT, key="b")],
        jobs=[],
    )

    assert presenter.summary(snapshot) == "2 models, 1 on disk, 1 loaded (5.0 GB)"
    assert presenter.can_unload(snapshot)
    assert not presenter.nothing_on_disk(snapshot)
