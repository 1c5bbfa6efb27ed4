"""Imported benchmark results: from ``model_benchmarks.json``, or from a backup."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from modeld.core.benchmarks import stats
from modeld.core.downloads import source
from modeld.protocol import limits
from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Figure

MAX_ID = 200


def as_run(result: BenchmarkResult) -> BenchmarkRun:
    """A record of nine keys as a run: what it does not say stays unknown (``n`` 0)."""
    unknown = Figure(mean=0.0, n=0)
    return BenchmarkRun(
        id=f"import-{result.model_key}-{result.timestamp}"[:MAX_ID],
        result=result,
        prefill=unknown,
        decode=Figure(mean=result.tokens_per_second),
        first_token_ms=unknown,
        inference_ms=Figure(mean=result.inference_time),
    )


def wrong_with(run: BenchmarkRun) -> Note | None:
    """Why a run cannot be kept; None when it can."""
    too_long = limits.exceeded(run)
    if too_long is not None:
        return too_long.note()
    result = run.result
    if not source.KEY.fullmatch(result.model_key):
        return Reason.RESULT_KEY_INVALID.note()
    if not 0 < len(run.id) <= MAX_ID:
        return Reason.RESULT_ID_INVALID.note()
    try:
        datetime.fromisoformat(result.timestamp)
    except ValueError:
        return Reason.RESULT_TIME_INVALID.note()
    wrong = stats.implausible(result)
    if wrong is not None:
        return wrong
    figures = [run.prefill, run.decode, run.first_token_ms, run.inference_ms, run.pp, run.tg]
    counts = [result.context_used, result.context_available, result.prompt_tokens, result.completion_tokens]
    counts += [run.pp_tokens, run.tg_tokens, run.memory_peak_bytes, run.gpu_memory_bytes or 0]
    possible = all(figure is None or stats.is_possible(figure) for figure in figures)
    if possible and all(0 <= count <= stats.LARGEST_COUNT for count in counts) and _numbers_are_possible(run):
        return None
    return Reason.RESULT_FIGURE_INVALID.note()


def _numbers_are_possible(run: BenchmarkRun) -> bool:
    """Whether every number of a run, also of fields that come later, is finite and no larger than any machine's."""
    return all(-1 <= number <= stats.LARGEST_COUNT for number in _numbers(msgspec.to_builtins(run)))


def _numbers(value: object) -> Iterator[float]:
    match value:
        case dict():
            for part in value.values():
                yield from _numbers(part)
        case list():
            for part in value:
                yield from _numbers(part)
        case int() | float():
            yield value
