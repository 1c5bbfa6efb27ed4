"""The comparison as rows of a sortable table: cells, sort values, colours from best to worst; pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from modeld.protocol.views import BenchmarkResult, Comparison

from modelctl.language.catalogue import _
from modelctl.language.cells import csv_cell, markdown_row
from modelctl.language.format import COMPARISON_HEADERS, comparison_cells

Sortable = tuple[float, ...] | str
Colour = tuple[int, int, int]

BEST: Colour = (46, 160, 90)
MIDDLE: Colour = (190, 150, 40)
WORST: Colour = (200, 70, 60)


@dataclass(frozen=True)
class ComparisonRow:
    """One model: its cells, their sort values, and their ranks (0 best, 1 worst, None: all equal)."""

    key: str
    cells: tuple[str, ...]
    values: tuple[Sortable, ...]
    ranks: tuple[float | None, ...]
    fastest: bool
    most_efficient: bool

    @property
    def title(self) -> str:
        """The model's name with its medals."""
        medals = ("🏆" if self.fastest else "") + ("💾" if self.most_efficient else "")
        return f"{self.cells[0]} {medals}" if medals else self.cells[0]


def rows(comparison: Comparison) -> list[ComparisonRow]:
    """The rows in the comparison's order, fastest first."""
    ranks = zip(
        _ranks([result.tokens_per_second for result in comparison.rows], larger_is_better=True),
        _ranks([result.inference_time for result in comparison.rows], larger_is_better=False),
        _ranks([result.memory_usage_mb for result in comparison.rows], larger_is_better=False),
        _ranks([float(result.context_available) for result in comparison.rows], larger_is_better=True),
        strict=True,
    )
    return [
        ComparisonRow(
            key=result.model_key,
            cells=tuple(comparison_cells(result)),
            values=_values(result),
            ranks=(None, *four),
            fastest=result.model_key == comparison.fastest,
            most_efficient=result.model_key == comparison.most_efficient,
        )
        for result, four in zip(comparison.rows, ranks, strict=True)
    ]


def ordered(table: Sequence[ComparisonRow], column: int, ascending: bool) -> list[ComparisonRow]:
    """``table`` sorted by a column's values (not its text); equal values stay in alphabetical order."""
    by_key = sorted(table, key=lambda row: row.key)
    return sorted(by_key, key=lambda row: row.values[column], reverse=not ascending)


def colour(rank: float) -> Colour:
    """From green (0, best) through yellow to red (1, worst)."""
    low, high, share = (BEST, MIDDLE, rank * 2) if rank <= 0.5 else (MIDDLE, WORST, rank * 2 - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


def too_few(comparison: Comparison) -> str:
    """What to do first if fewer than two models have benchmarks; otherwise empty."""
    if len(comparison.rows) >= 2:
        return ""
    if not comparison.rows:
        return _("Nothing has been benchmarked yet. Benchmark at least two models to compare them.")
    only = comparison.rows[0].model_key.upper()
    return _("Only {key} has been benchmarked so far. Benchmark at least two models to compare them.").format(key=only)


def as_markdown(table: Sequence[ComparisonRow]) -> str:
    """The rows, in their order, as a Markdown table."""
    head = ["| " + " | ".join(COMPARISON_HEADERS) + " |", "|---|" + "---:|" * (len(COMPARISON_HEADERS) - 1)]
    return "\n".join([*head, *(markdown_row(row.cells) for row in table)]) + "\n"


def as_csv(table: Sequence[ComparisonRow]) -> str:
    """The rows, in their order, as comma-separated values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COMPARISON_HEADERS)
    writer.writerows(map(csv_cell, row.cells) for row in table)
    return text.getvalue()


def _values(result: BenchmarkResult) -> tuple[Sortable, ...]:
    return (
        result.model_key,
        (result.tokens_per_second,),
        (result.inference_time,),
        (result.memory_usage_mb,),
        (float(result.context_available), float(result.context_used)),
    )


def _ranks(values: Sequence[float], *, larger_is_better: bool) -> list[float | None]:
    """Each value's rank among the distinct ones, 0 for the best to 1 for the worst; None if all are equal."""
    places = {value: place for place, value in enumerate(sorted(set(values), reverse=larger_is_better))}
    if len(places) < 2:
        return [None] * len(values)
    return [places[value] / (len(places) - 1) for value in values]
