"""Benchmark numbers: averages, comparisons, changes, and whether a number can be true at all."""

import math
from collections.abc import Iterable

from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Change, Comparison, Figure

FASTEST_BELIEVED = 1e6
"""Tokens a second above which a figure is a mistake."""

LARGEST_BELIEVED_MB = 1e8
LARGEST_FIGURE = 1e12
"""Above any rate in tokens/s and any time in ms."""

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
    return 0 <= figure.mean <= LARGEST_FIGURE and 0 <= figure.stddev <= LARGEST_FIGURE


def implausible(result: BenchmarkResult) -> str:
    """What of a result cannot be true, as a sentence; empty when nothing."""
    figures = {
        "tokens_per_second": result.tokens_per_second,
        "inference_time": result.inference_time,
        "memory_usage_mb": result.memory_usage_mb,
    }
    for name, value in figures.items():
        if not math.isfinite(value) or value <= 0:
            return f"{name} is {value}."
    if result.tokens_per_second > FASTEST_BELIEVED:
        return f"{result.tokens_per_second:.0f} tokens a second is more than any machine does."
    if result.memory_usage_mb > LARGEST_BELIEVED_MB:
        return f"{result.memory_usage_mb:.0f} MB is more than any machine has."
    if result.prompt_tokens <= 0 or result.completion_tokens <= 0:
        return f"{result.prompt_tokens} prompt and {result.completion_tokens} completion tokens were counted."
    if result.context_used > result.context_available:
        return f"{result.context_used} tokens are used of a context of {result.context_available}."
    return ""
