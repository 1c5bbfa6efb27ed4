"""Benchmarks through a real daemon: measured, kept, mirrored, compared."""

import json
import shutil
from pathlib import Path

import pytest
from modelctl import Client
from modeld.protocol import events
from modeld.protocol.states import JobState, ModelState

NINE_KEYS = {
    "model_key",
    "tokens_per_second",
    "inference_time",
    "context_used",
    "context_available",
    "timestamp",
    "prompt_tokens",
    "completion_tokens",
    "memory_usage_mb",
}


@pytest.fixture
def settings() -> dict[str, str]:
    return {"LLM_CONTEXT_SIZE": "1024"}


def test_a_benchmark_measures_a_real_model(client: Client, sample_model: Path):
    client.add("real", str(sample_model))
    (job,) = client.benchmark(["real"], repetitions=2, max_tokens=16, wait=True)
    assert job.state is JobState.DONE and job.benchmark is not None
    run = job.benchmark
    assert run.decode.n == 2 and run.pp is not None and run.tg is not None
    assert run.pp_tokens == 512 and run.tg_tokens == 128
    assert 0 < run.decode.mean < 1e6 and run.pp.mean > run.tg.mean
    result = run.result
    assert result.completion_tokens == 16 and result.prompt_tokens > 20
    assert result.context_used == result.prompt_tokens + 15 and result.context_available == 1024
    assert result.memory_usage_mb > 90
    assert run.environment.threads > 0 and "llama" in run.environment.library
    assert client.show("real").latest == result


def test_a_model_that_was_loaded_for_its_benchmark_is_unloaded_again(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    seen = client.events("model.tiny", "benchmark.tiny")
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    progress = 0
    for event in seen:
        progress += isinstance(event, events.JobProgress)
        if isinstance(event, events.ModelChanged) and "its benchmark is done" in event.reason:
            break
    assert progress == 4
    last = next(e for e in seen if isinstance(e, events.ModelChanged) and e.model.state is ModelState.ON_DISK)
    seen.close()
    assert last.model.latest is not None


def test_the_mirror_has_the_last_ten_runs_with_exactly_nine_keys(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    for _ in range(12):
        client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    history = client.results("tiny", limit=100)
    assert len(history.runs) == 12
    assert history.average is not None and history.average.runs == 12
    assert daemon.stop() == 0
    records = json.loads(daemon.places.benchmarks_file.read_text())["tiny"]
    assert len(records) == 10
    assert all(set(record) == NINE_KEYS for record in records)
    assert [record["timestamp"] for record in records] == sorted(record["timestamp"] for record in records)
    assert [record["timestamp"] for record in records] == [run.result.timestamp for run in history.runs[-10:]]


def test_results_and_averages_are_there_after_a_restart(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    (job,) = client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    daemon.stop()
    daemon.start()
    model = client.show("tiny")
    assert job.benchmark is not None and model.latest == job.benchmark.result
    assert model.average is not None and model.average.runs == 1


def test_several_models_are_compared_fastest_first(client: Client, tiny_file: Path, tmp_path: Path):
    from support import tiny_gguf

    large = tiny_gguf.write(tmp_path / "large.gguf", layers=12, vocabulary=20_000, context=1024)
    client.add("small", str(tiny_file))
    client.add("large", str(large))
    jobs = client.benchmark(all_models=False, models=["large", "small"], repetitions=1, max_tokens=8, wait=True)
    assert [job.state for job in jobs] == [JobState.DONE, JobState.DONE]
    comparison = client.compare(["small", "large"])
    assert [row.model_key for row in comparison.rows] == ["small", "large"]
    assert comparison.fastest == "small" and comparison.most_efficient == "small"


def test_a_benchmark_file_that_cannot_be_read_is_kept_aside(daemon, client: Client, tiny_file: Path):
    daemon.stop()
    daemon.places.benchmarks_file.write_text('{"tiny": [')
    daemon.start()
    client.add("tiny", str(tiny_file))
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    daemon.stop()
    aside = daemon.places.benchmarks_file.with_name("model_benchmarks.json.unreadable")
    assert aside.read_text() == '{"tiny": ['
    assert len(json.loads(daemon.places.benchmarks_file.read_text())["tiny"]) == 1


def test_a_benchmark_file_of_the_user_is_taken_in(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.benchmark(["tiny"], repetitions=1, max_tokens=4, wait=True)
    daemon.stop()
    brought = daemon.places.benchmarks_file.read_text()
    shutil.rmtree(daemon.home)
    daemon.home.mkdir()
    daemon.places.benchmarks_file.write_text(brought)
    daemon.start()
    client.add("tiny", str(tiny_file))
    (run,) = client.results("tiny").runs
    assert run.result.model_key == "tiny" and run.pp is None
