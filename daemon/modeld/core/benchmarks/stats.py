"""Benchmark numbers: averages, comparisons, changes, and whether a number can be true at all."""

import math
from collections.abc import Iterable

from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Change, Comparison, Figure

FASTEST_BELIEVED = 1e6
"""Tokens a second above which a figure is a mistake."""

LARGEST_BELIEVED_MB = 1e8
LARGEST_FIGURE = 1e12
"""Above any rate in tokens/s and any time in ms."""

LARGEST_COUNT = 10**15
"""Above any number of tokens and any memory in bytes."""

NOISE_SIGMAS = 2.0
LEAST_CHANGE_PERCENT = 1.0


def compare(results: Iterable[BenchmarkResult]) -> Comparison:
    """Side by side, fastest first; the most efficient is the one with the least memory. Ties go by key."""
    rows = sorted(results, key=lambda result: (-result.tokens_per_second, result.model_key))
    least = min(rows, key=lambda result: (result.memory_usage_mb, result.model_key), default=None)
    return Comparison(
        rows=rows,
        fastest=rows[0].model_key if rows else "",
        most_efficient=least.model_key if least else "",
    )


def change(previous: BenchmarkRun, newest: BenchmarkRun) -> Change:
    """The change of the decode rate; significant beyond two standard errors of the difference (Welch) and one percent.

    A run that was disturbed, or of which no deviation is known, is no ground for calling a change significant.
    """
    before, after = previous.decode, newest.decode
    percent = 100.0 * (after.mean - before.mean) / before.mean if before.mean else 0.0
    known = before.n > 1 and after.n > 1 and not (previous.disturbed or newest.disturbed)
    if not math.isfinite(percent):  # a run of an older version, which did not refuse impossible figures
        return Change(percent=0.0, significant=False)
    noise = math.hypot(before.stddev / math.sqrt(max(before.n, 1)), after.stddev / math.sqrt(max(after.n, 1)))
    beyond = abs(after.mean - before.mean) > NOISE_SIGMAS * noise and abs(percent) >= LEAST_CHANGE_PERCENT
    return Change(percent=percent, significant=known and beyond)


def is_possible(figure: Figure) -> bool:
    """Whether a figure can have been measured: finite, not negative, and no larger than any machine's."""
    is_count = 0 <= figure.n <= LARGEST_COUNT
    return is_count and 0 <= figure.mean <= LARGEST_FIGURE and 0 <= figure.stddev <= LARGEST_FIGURE


def implausible(result: BenchmarkResult) -> Note | None:
    """What of a result cannot be true; None when all of it can."""
    figures = {
        "tokens_per_second": result.tokens_per_second,
        "inference_time": result.inference_time,
        "memory_usage_mb": result.memory_usage_mb,
    }
    for name, value in figures.items():
        if not math.isfinite(value) or value <= 0:
            return Reason.RESULT_NOT_POSITIVE.note(name=name, value=str(value))
    prompt, completion = result.prompt_tokens, result.completion_tokens
    if result.tokens_per_second > FASTEST_BELIEVED:
        return Reason.RESULT_TOO_FAST.note(speed=result.tokens_per_second)
    if result.memory_usage_mb > LARGEST_BELIEVED_MB:
        return Reason.RESULT_TOO_LARGE.note(size_mb=result.memory_usage_mb)
    if prompt <= 0 or completion <= 0:
        return Reason.RESULT_WITHOUT_TOKENS.note(prompt_tokens=prompt, completion_tokens=completion)
    if result.context_used > result.context_available:
        return Reason.RESULT_EXCEEDS_CONTEXT.note(used=result.context_used, size=result.context_available)
    return None
