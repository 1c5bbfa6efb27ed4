"""ModelBenchmark with real measurements of a tiny model."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

import msgspec
from modelctl import Client
from modelctl.jarvis.benchmark import BenchmarkResult, ModelBenchmark
from modelctl.jarvis.daemon_access import DaemonAccess
from support.waiting import until

NINE = [
    "model_key",
    "tokens_per_second",
    "inference_time",
    "context_used",
    "context_available",
    "timestamp",
    "prompt_tokens",
    "completion_tokens",
    "memory_usage_mb",
]


def test_a_benchmark_gives_the_documented_record_and_is_told_of(access: DaemonAccess, client: Client, daemon):
    benchmark = ModelBenchmark(object(), access=access)
    told: list[Mapping[str, object]] = []
    assert benchmark.get_latest_result("tiny") is None and benchmark.get_average_performance("tiny") is None
    result = benchmark.run_benchmark("TINY", told.append)
    assert isinstance(result, BenchmarkResult) and [field.name for field in fields(result)] == NINE
    assert result.model_key == "tiny" and result.tokens_per_second > 0 and isinstance(result.timestamp, datetime)
    statuses = [news["status"] for news in told]
    assert statuses[-1] == "completed" and statuses.count("completed") == 1 and told[-1]["result"] == result
    assert benchmark.get_latest_result("tiny") == result
    average = benchmark.get_average_performance("tiny")
    assert average is not None
    assert set(average) == {"avg_tokens_per_second", "avg_inference_time", "avg_memory_usage_mb"}
    until(daemon.places.benchmarks_file.exists, "the mirror of the results")
    written = msgspec.json.decode(daemon.places.benchmarks_file.read_bytes())
    assert written["tiny"][-1] == result.to_dict()


def test_a_model_that_is_not_there_gives_none_and_failed_once(access: DaemonAccess):
    told: list[Mapping[str, object]] = []
    assert ModelBenchmark(None, access=access).run_benchmark("nobody", told.append) is None
    assert [news["status"] for news in told] == ["failed"] and "nobody" in str(told[0]["message"])


def test_a_callback_that_raises_does_not_stop_the_benchmark(access: DaemonAccess, client: Client):
    def broken(news: Mapping[str, object]) -> None:
        raise ValueError("the host's own bug")

    assert ModelBenchmark(None, access=access).run_benchmark("tiny", broken) is not None


def test_without_a_daemon_everything_is_none(away: DaemonAccess):
    benchmark = ModelBenchmark(None, access=away)
    assert benchmark.run_benchmark("tiny") is None
    assert benchmark.get_latest_result("tiny") is None
    assert benchmark.get_average_performance("tiny") is None
