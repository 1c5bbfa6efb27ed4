"""Views as text, to the letter."""

import pytest
from modelctl.language.format import (
    comparison_lines,
    context_bar,
    context_colour,
    display_width,
    format_bytes,
    format_eta,
    format_speed,
    percent,
    table,
)
from modelctl.language.model_card import card_lines, model_card
from modeld.core.benchmarks.stats import compare
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import ModelState
from modeld.protocol.views import BenchmarkAverage, BenchmarkResult, LoadedView, ModelView

GIB = 1024**3


def result(key: str, speed: float, memory: float) -> BenchmarkResult:
    return BenchmarkResult(
        model_key=key,
        tokens_per_second=speed,
        inference_time=3250.5,
        context_used=158,
        context_available=8192,
        timestamp="2026-01-01T00:00:00.000000+00:00",
        prompt_tokens=30,
        completion_tokens=128,
        memory_usage_mb=memory,
    )


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (1024**2 - 1, "1.0 MB"),
        (int(2.7 * GIB), "2.7 GB"),
        (5 * 1024**4, "5.0 TB"),
        (-5, "0 B"),
    ],
)
def test_bytes_are_1024_based_with_one_decimal(count: int, text: str):
    assert format_bytes(count) == text


def test_speed_is_bytes_a_second():
    assert format_speed(15.3 * 1024**2) == "15.3 MB/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.6, "1m 0s"),
        (92, "1m 32s"),
        (3599, "59m 59s"),
        (7500, "2h 5m"),
        (None, "N/A"),
        (float("inf"), "N/A"),
        (float("nan"), "N/A"),
        (-1, "N/A"),
    ],
)
def test_time_left_is_written_as_people_say_it(seconds: float | None, text: str):
    assert format_eta(seconds) == text


def test_percent_has_one_decimal():
    assert percent(65.34) == "65.3%" and percent(None) == "N/A"


@pytest.mark.parametrize("used", [0, 1, 158, 4096, 8191, 8192])
def test_the_context_bar_is_drawn_to_scale(used: int):
    bar = context_bar(used, 8192)
    assert bar.startswith(f"Context: {used}/8192 tokens [")
    full, empty = bar.count("█"), bar.count("░")
    assert full + empty == 30
    assert abs(full / 30 - used / 8192) <= 0.5 / 30 + 1e-9


def test_the_context_bar_ends_in_its_percentage():
    assert context_bar(158, 8192).endswith("] 1.9%")


@pytest.mark.parametrize(
    ("used", "colour"), [(0, "green"), (499, "green"), (500, "orange"), (800, "orange"), (801, "red"), (1000, "red")]
)
def test_the_context_is_green_then_orange_then_red(used: int, colour: str):
    assert context_colour(used, 1000) == colour


def test_the_comparison_is_exactly_as_documented():
    lines = comparison_lines(compare([result("llama3", 30.0, 5120.25), result("mistral", 45.32, 4829.3)]))
    assert lines == [
        "📊 Performance Comparison",
        "Model   | Tokens/Sec | Inference(ms) | Memory(MB) | Context",
        "MISTRAL | 45.32      | 3250.5        | 4829.3     | 158/8192",
        "LLAMA3  | 30.00      | 3250.5        | 5120.2     | 158/8192",
        "🏆 Fastest: MISTRAL (45.32 tokens/sec)",
        "💾 Most Efficient: MISTRAL (4829.3 MB)",
    ]


@pytest.mark.parametrize("results", [[], [result("mistral", 45.0, 1.0)]])
def test_fewer_than_two_models_get_a_friendly_message(results: list[BenchmarkResult]):
    text = "\n".join(comparison_lines(compare(results)))
    assert "at least two models" in text and "🏆" not in text


def test_the_card_of_a_loaded_model_has_everything():
    loaded = LoadedView(run=1, gpu_layers=35, memory_bytes=4800 * 1024**2)
    average = BenchmarkAverage(
        runs=2, avg_tokens_per_second=44.0, avg_inference_time=3300.0, avg_memory_usage_mb=4800.0
    )
    view = ModelView(
        key="mistral",
        state=ModelState.LOADED,
        display_name="Nous Hermes 2",
        description="Code",
        path="/models/m.gguf",
        size_bytes=int(4.1 * GIB),
        context_length=8192,
        estimated_bytes=5000 * 1024**2,
        active=True,
        loaded=loaded,
        last_load_s=8.3,
        latest=result("mistral", 45.32, 4829.3),
        average=average,
    )
    card = card_lines(model_card(view))
    assert card[0] == "✅  MISTRAL  🟢 ACTIVE  🔵 LOADED"
    text = "\n".join(card)
    for part in (
        "📝 Nous Hermes 2",
        "💬 Code",
        "📁 m.gguf (4.1 GB)",
        "📊 Context Window: 8192 tokens",
        "⚡ Latest Benchmark:",
        "• 45.3 tokens/sec",
        "• 3250 ms inference time",
        "• 4829.3 MB memory",
        "Average of 2",
        "• 44.0 tokens/sec",
        "🎮 GPU Acceleration: 35 layers",
        "⏱️ Load Time: 8.3s",
        "5000.0 MB estimated, 4800.0 MB measured",
    ):
        assert part in text


def test_the_card_of_a_model_that_is_not_there_says_what_it_takes():
    view = ModelView(key="llama", state=ModelState.ABSENT, display_name="Llama", size_bytes=4 * GIB)
    card = card_lines(model_card(view))
    assert card[0] == "❌  LLAMA"
    assert "   📁 Not downloaded - 4.0 GB required" in card


def test_a_model_without_gpu_layers_is_cpu_only():
    view = ModelView(key="m", state=ModelState.LOADED, display_name="M", loaded=LoadedView(run=1))
    assert "   🖥️ CPU Only" in card_lines(model_card(view))


def test_columns_line_up_with_wide_characters():
    lines = table(["KEY", "NAME"], [["日本", "a"], ["x", "b"]])
    at = [display_width(line[: line.rindex(line.split()[-1])]) for line in lines]
    assert len(set(at)) == 1


def test_a_failure_is_on_the_card():
    failure = Failure(code=ErrorCode.WORKER_CRASHED, message="The worker of m was ended by SIGKILL.")
    view = ModelView(key="m", state=ModelState.ON_DISK, display_name="M", failure=failure)
    assert card_lines(model_card(view))[-1] == "   ⚠️ The worker of m was ended by SIGKILL."
