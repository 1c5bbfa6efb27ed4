"""Benchmarks of a real child: true numbers, nothing out of a cache, and a stop that is heeded."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Sampling
from modeld.protocol.states import Phase
from modeld.protocol.workers import Measure, Measured, MeasureProgress, Stop, TaskFailed
from modeld.worker import measure as measuring
from support import tiny_gguf
from support.worker_child import Child

PROMPT = "Why is the sky blue?"


def measure(child: Child, **wanted: int) -> tuple[list[MeasureProgress], Measured]:
    order = Measure(task=child.next_task(), prompt=PROMPT, **wanted)
    child.tell(order)
    steps, end = child.end_of(order.task)
    assert isinstance(end, Measured), end
    return [step for step in steps if isinstance(step, MeasureProgress)], end


def test_every_figure_is_of_all_repetitions_and_possible(real: Child):
    steps, measured = measure(real, max_tokens=12, repetitions=3, pp_tokens=64, tg_tokens=8)
    run = measured.run
    assert [step.step for step in steps] == list(range(1, 11)) and {step.steps for step in steps} == {10}
    assert [step.phase for step in steps] == [Phase.WARM_UP, *[Phase.PROMPT] * 3, *[Phase.PP] * 3, *[Phase.TG] * 3]
    figures = [run.prefill, run.decode, run.first_token_ms, run.inference_ms, run.pp, run.tg]
    for figure in figures:
        assert figure is not None and figure.n == 3
        assert math.isfinite(figure.mean) and 0 < figure.mean < 1e6 and figure.stddev >= 0
    assert run.first_token_ms.mean < run.inference_ms.mean
    assert (run.pp_tokens, run.tg_tokens) == (64, 8)


def test_the_result_is_what_the_run_was(real: Child):
    _, measured = measure(real, max_tokens=12, repetitions=2, pp_tokens=16, tg_tokens=4)
    run, result = measured.run, measured.run.result
    assert result.model_key == "m" and result.completion_tokens == 12
    assert result.tokens_per_second == run.decode.mean and result.inference_time == run.inference_ms.mean
    assert result.context_used == result.prompt_tokens + 11 and result.context_available == 1024
    assert result.memory_usage_mb == run.memory_peak_bytes / 1024**2 > 90
    when = datetime.fromisoformat(result.timestamp)
    offset = when.utcoffset()
    assert offset is not None and not offset and "." in result.timestamp
    assert run.environment.cpu and run.environment.cores > 0 and run.environment.threads == 1
    assert run.environment.power in ("mains", "battery", "n/a")
    assert run.disturbed == bool(run.disturbances)
    assert run.disturbance == " ".join(note.message for note in run.disturbances)


def test_nothing_comes_out_of_a_cache(real: Child):
    """A prompt out of the cache would have a first token in the time of one decode; both runs compute it all."""
    _, first = measure(real, max_tokens=6, repetitions=2, pp_tokens=16, tg_tokens=4)
    _, second = measure(real, max_tokens=6, repetitions=2, pp_tokens=16, tg_tokens=4)
    assert first.run.result.completion_tokens == second.run.result.completion_tokens
    assert first.run.result.context_used == second.run.result.context_used
    one_decode_ms = 1000 / second.run.decode.mean
    assert second.run.first_token_ms.mean > 2 * one_decode_ms
    _, answer = real.ask("Why", max_tokens=1)
    assert answer.cached_tokens == 0


def test_pp_and_tg_are_no_longer_than_the_context(tiny: Child):
    _, measured = measure(tiny, max_tokens=4, repetitions=1, pp_tokens=5000, tg_tokens=5000)
    assert (measured.run.pp_tokens, measured.run.tg_tokens) == (256, 256)


def test_a_prompt_longer_than_the_context_is_a_failure_with_both_numbers(start: Callable[[], Child], tiny_file: Path):
    child = start()
    child.load(tiny_file, context_size=256)
    child.tell(Measure(task=1, prompt="x" * 400, repetitions=1))
    failure = child.hear(TaskFailed).failure
    assert failure.code is ErrorCode.CONTEXT_OVERFLOW and failure.reason == Reason.BENCHMARK_PROMPT_TOO_LONG.id
    assert failure.fields == {"prompt_tokens": 418, "context_size": 256}


def test_a_stop_is_heeded_inside_a_repetition(start: Callable[[], Child], tmp_path: Path):
    child = start()
    child.load(tiny_gguf.write(tmp_path / "long.gguf", context=100_000), context_size=100_000)
    child.tell(Measure(task=1, prompt="x", max_tokens=2, repetitions=1, pp_tokens=1, tg_tokens=90_000))
    while child.hear(MeasureProgress).phase != "pp":
        continue
    child.tell(Stop(task=1))
    told = time.perf_counter()
    assert child.hear(TaskFailed).failure.code is ErrorCode.CANCELLED
    assert time.perf_counter() - told < 2.0


class ClockedEngine:
    """An engine whose decode step takes 10 ms and all else no time; its answers end after ``length`` tokens."""

    context_size, batch_size, vocab, n_vocab = 4096, 512, None, 10

    def __init__(self, length: int) -> None:
        self.now = 0.0
        self.tokens: list[int] = []
        self._length = length
        self._given = 0

    def clear(self) -> None:
        self.tokens.clear()

    @contextmanager
    def sampler(self, _sampling: Sampling) -> Iterator[None]:
        yield

    def decode_many(self, tokens: list[int], _stopping: Callable[[], bool]) -> None:
        self.tokens.extend(tokens)

    def decode_one(self, token: int) -> None:
        self.now += 0.010
        self.tokens.append(token)

    def sample(self, _sampler: object) -> int:
        self._given += 1
        return 0 if self._given > self._length else 1

    def is_end(self, token: int) -> bool:
        return token == 0

    def finish_computing(self) -> None:
        """Nothing is computed in the background."""

    def context_used(self) -> int:
        return len(self.tokens)


@pytest.mark.parametrize("length", [2, 3, 5, 127, 128, 200])
def test_the_decode_rate_counts_the_steps_however_the_answer_ends(length: int, monkeypatch: pytest.MonkeyPatch):
    engine = ClockedEngine(length)
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: engine.now))
    link = SimpleNamespace(stopping=lambda: False, say=lambda _news: None)
    order = Measure(task=1, prompt=PROMPT, pp_tokens=1, tg_tokens=1)
    sample = measuring.Measuring(engine, link, "m", order)._answer_once([1, 2, 3], 128)  # type: ignore[arg-type]
    assert sample.completion_tokens == min(length, 128)
    assert sample.decode_rate == pytest.approx(100.0)
