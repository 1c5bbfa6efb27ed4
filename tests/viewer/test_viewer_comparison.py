"""The comparison's rows, order and colours, without a window."""

import csv
import io

from modelctl.desktop.viewer.benchmarks.comparison_rows import (
    BEST,
    MIDDLE,
    WORST,
    as_csv,
    as_markdown,
    colour,
    ordered,
    rows,
    too_few,
)
from modeld.protocol.views import BenchmarkResult, Comparison
from support.views.dialogs import result

RESULTS = [
    result("mistral", 145.32, 3250.5, 4829.3, 8192),
    result("phi", 38.1, 13702.94, 911.0, 4096),
    result("llama", 9.874, 900.0, 15302.8, 131072),
]


def comparison(results: list[BenchmarkResult]) -> Comparison:
    return Comparison(rows=results, fastest="mistral", most_efficient="phi")


def order(column: int, ascending: bool) -> list[str]:
    return [row.key for row in ordered(rows(comparison(RESULTS)), column, ascending)]


def test_a_row_has_the_prescribed_formats() -> None:
    assert rows(comparison([result(), result("phi")]))[0].cells == ("MISTRAL", "45.32", "3250.5", "4829.3", "158/8192")


def test_each_column_sorts_by_value_and_not_by_text() -> None:
    assert order(1, ascending=False) == ["mistral", "phi", "llama"]
    assert order(1, ascending=True) == ["llama", "phi", "mistral"]
    assert order(2, ascending=True) == ["llama", "mistral", "phi"]
    assert order(3, ascending=True) == ["phi", "mistral", "llama"]
    assert order(4, ascending=True) == ["phi", "mistral", "llama"]
    assert order(0, ascending=True) == ["llama", "mistral", "phi"]


def test_equal_values_stay_in_the_order_of_their_names() -> None:
    table = rows(Comparison(rows=[result("b"), result("a")], fastest="b", most_efficient="b"))
    assert [row.key for row in ordered(table, 1, ascending=True)] == ["a", "b"]
    assert [row.key for row in ordered(table, 1, ascending=False)] == ["a", "b"]


def test_the_fastest_and_the_most_efficient_wear_their_medals() -> None:
    titles = [row.title for row in rows(comparison(RESULTS))]
    assert titles == ["MISTRAL 🏆", "PHI 💾", "LLAMA"]


def test_each_metric_is_coloured_from_its_best_to_its_worst() -> None:
    ranks = {row.key: row.ranks for row in rows(comparison(RESULTS))}
    assert ranks["mistral"] == (None, 0.0, 0.5, 0.5, 0.5)
    assert ranks["phi"] == (None, 0.5, 1.0, 0.0, 1.0)
    assert ranks["llama"] == (None, 1.0, 0.0, 1.0, 0.0)


def test_where_all_are_alike_there_is_no_best() -> None:
    table = rows(comparison([result("mistral"), result("phi")]))
    assert all(row.ranks == (None,) * 5 for row in table)


def test_the_colours_go_from_green_over_yellow_to_red() -> None:
    assert [colour(0.0), colour(0.5), colour(1.0)] == [BEST, MIDDLE, WORST]
    between = colour(0.25)
    assert all(min(a, b) <= c <= max(a, b) for a, b, c in zip(BEST, MIDDLE, between, strict=True))


def test_fewer_than_two_models_get_a_friendly_word() -> None:
    assert "at least two models" in too_few(comparison([]))
    assert "Only MISTRAL has been benchmarked" in too_few(comparison(RESULTS[:1]))
    assert too_few(comparison(RESULTS)) == ""


def test_markdown_has_the_columns_and_the_rows_in_their_order() -> None:
    lines = as_markdown(ordered(rows(comparison(RESULTS)), 3, ascending=True)).splitlines()
    assert lines[0] == "| Model | Tokens/Sec | Inference(ms) | Memory(MB) | Context |"
    assert lines[1] == "|---|---:|---:|---:|---:|"
    assert lines[2] == "| PHI | 38.10 | 13702.9 | 911.0 | 158/4096 |"
    assert len(lines) == 5


def test_csv_can_be_read_back() -> None:
    read = list(csv.reader(io.StringIO(as_csv(rows(comparison(RESULTS))))))
    assert read[0] == ["Model", "Tokens/Sec", "Inference(ms)", "Memory(MB)", "Context"]
    assert read[1] == ["MISTRAL", "145.32", "3250.5", "4829.3", "158/8192"]
