"""Benchmark numbers: means, comparisons, noise, and what cannot be true."""

import math

import msgspec
import pytest
from modeld.core.benchmarks.stats import change, compare, implausible
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Figure

FINE = BenchmarkResult(
    model_key="mistral",
    tokens_per_second=45.32,
    inference_time=3250.5,
    context_used=158,
    context_available=8192,
    timestamp="2025-11-23T10:00:00.000001",
    prompt_tokens=20,
    completion_tokens=138,
    memory_usage_mb=4829.3,
)


def result(key: str, speed: float = 45.0, memory: float = 1000.0) -> BenchmarkResult:
    return msgspec.structs.replace(FINE, model_key=key, tokens_per_second=speed, memory_usage_mb=memory)


def run(mean: float, stddev: float = 0.1, n: int = 3, *, disturbed: bool = False) -> BenchmarkRun:
    one = Figure(mean=1.0)
    return BenchmarkRun(
        id="1",
        result=FINE,
        prefill=one,
        decode=Figure(mean=mean, stddev=stddev, n=n),
        first_token_ms=one,
        inference_ms=one,
        disturbed=disturbed,
    )


def test_a_comparison_is_fastest_first_and_finds_the_least_memory() -> None:
    found = compare([result("slow", 10, 900), result("fast", 90, 5000), result("mid", 50, 400)])
    assert [row.model_key for row in found.rows] == ["fast", "mid", "slow"]
    assert (found.fastest, found.most_efficient) == ("fast", "mid")


def test_ties_go_by_key() -> None:
    found = compare([result("b"), result("a"), result("c")])
    assert [row.model_key for row in found.rows] == ["a", "b", "c"]
    assert (found.fastest, found.most_efficient) == ("a", "a")


def test_a_comparison_of_nothing_names_nobody() -> None:
    found = compare([])
    assert (found.rows, found.fastest, found.most_efficient) == ([], "", "")


def test_a_change_is_in_percent_of_the_run_before() -> None:
    assert change(run(50), run(60)).percent == pytest.approx(20)
    assert change(run(50), run(40)).percent == pytest.approx(-20)


def test_a_change_beyond_two_standard_errors_is_significant() -> None:
    # Standard error of the difference: sqrt(3**2/9 + 3**2/9) = 1.414, so the border lies at 2.83.
    assert change(run(50, 3, 9), run(52.9, 3, 9)).significant
    assert not change(run(50, 3, 9), run(52.8, 3, 9)).significant


def test_a_change_below_one_percent_is_never_significant() -> None:
    assert not change(run(100, 0.0001), run(100.9, 0.0001)).significant
    assert change(run(100, 0.0001), run(101.1, 0.0001)).significant


def test_a_disturbed_run_proves_nothing() -> None:
    assert not change(run(50, disturbed=True), run(100)).significant
    assert not change(run(50), run(100, disturbed=True)).significant


def test_a_single_repetition_proves_nothing() -> None:
    assert not change(run(50, 0.0, 1), run(100)).significant


def test_a_run_before_of_no_speed_is_no_error() -> None:
    assert change(run(0), run(50)).percent == 0.0


def test_a_measured_result_is_plausible() -> None:
    assert implausible(FINE) is None


@pytest.mark.parametrize("name", ["tokens_per_second", "inference_time", "memory_usage_mb"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_a_figure_must_be_a_number_above_nought(name: str, value: float) -> None:
    assert implausible(msgspec.structs.replace(FINE, **{name: value})) == Reason.RESULT_NOT_POSITIVE.note(
        name=name, value=str(value)
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tokens_per_second": 1.1e6}, "1100000 tokens per second is faster than any machine."),
        ({"memory_usage_mb": 1e9}, "1000000000 MB is more memory than any machine has."),
        ({"prompt_tokens": 0}, "0 prompt tokens and 138 completion tokens were counted."),
        ({"completion_tokens": 0}, "20 prompt tokens and 0 completion tokens were counted."),
        ({"context_used": 8193}, "8193 tokens of a context of 8192 were used."),
    ],
)
def test_an_impossible_number_is_named_in_a_sentence(changes: dict[str, float], sentence: str) -> None:
    wrong = implausible(msgspec.structs.replace(FINE, **changes))
    assert wrong is not None and wrong.message == sentence


def test_a_full_context_is_plausible() -> None:
    assert implausible(msgspec.structs.replace(FINE, context_used=8192)) is None
