"""Views as text: numbers with units, the context bar, the comparison, tables; pure, quick to import."""

import math
import unicodedata
from collections.abc import Sequence

from modeld.protocol.views import BenchmarkResult, Comparison, Figure

from modelctl.language.catalogue import _
from modelctl.language.printable import one_line

GIB = 1024**3
MIB = 1024**2
BAR_WIDTH = 30
COMPARISON_HEADERS = ("Model", "Tokens/Sec", "Inference(ms)", "Memory(MB)", "Context")
"""In English: programs read them in any language."""

_UNITS = ("B", "KB", "MB", "GB", "TB")


def format_bytes(count: float) -> str:
    """``2.7 GB``: 1024-based, one decimal from KB up."""
    size = float(max(count, 0))
    for unit in _UNITS[:-1]:
        if round(size, 1) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def format_speed(bytes_per_s: float) -> str:
    """``15.3 MB/s``: 1024-based."""
    return f"{format_bytes(bytes_per_s)}/s"


def format_eta(seconds: float | None) -> str:
    """``45s``, ``1m 32s``, ``2h 5m``; ``N/A`` when unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return _("N/A")
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def percent(value: float | None) -> str:
    """``65.3%``; ``N/A`` when unknown."""
    return _("N/A") if value is None else f"{value:.1f}%"


def context_bar(used: int, size: int, width: int = BAR_WIDTH) -> str:
    """``Context: 158/8192 tokens [█░░░] 1.9%``, the bar to scale: a cell is full once its middle is reached."""
    fraction = min(max(used / size, 0.0), 1.0) if size > 0 else 0.0
    full = math.floor(fraction * width + 0.5)
    label = _("Context: {used}/{size} tokens").format(used=used, size=size)
    return f"{label} [{'█' * full}{'░' * (width - full)}] {100 * fraction:.1f}%"


def context_colour(used: int, size: int) -> str:
    """``green`` below half, ``orange`` up to four fifths, ``red`` above."""
    fraction = used / size if size > 0 else 0.0
    if fraction < 0.5:
        return "green"
    return "orange" if fraction <= 0.8 else "red"


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison as text; with fewer than two models, what to do first."""
    lines = ["📊 " + _("Performance Comparison")]
    if len(comparison.rows) < 2:
        text = _("Benchmark at least two models to compare them: modelctl bench KEY, or modelctl bench --all")
        if comparison.rows:
            text = _(
                "Benchmark at least two models to compare them ({key} has one): "
                "modelctl bench KEY, or modelctl bench --all"
            ).format(key=one_line(comparison.rows[0].model_key.upper()))
        return [*lines, text]
    headers = [_("Model"), _("Tokens/Sec"), _("Inference(ms)"), _("Memory(MB)"), _("Context")]
    rows = [comparison_cells(row) for row in comparison.rows]
    widths = [max(map(display_width, column)) for column in zip(headers, *rows, strict=True)]
    lines += [" | ".join(map(_padded, cells, widths)).rstrip() for cells in (headers, *rows)]
    return [*lines, *comparison_legend(comparison)]


def comparison_cells(row: BenchmarkResult) -> list[str]:
    """One row under ``COMPARISON_HEADERS``."""
    return [
        one_line(row.model_key.upper()),
        f"{row.tokens_per_second:.2f}",
        f"{row.inference_time:.1f}",
        f"{row.memory_usage_mb:.1f}",
        f"{row.context_used}/{row.context_available}",
    ]


def comparison_legend(comparison: Comparison) -> list[str]:
    """The fastest and the most efficient model, one line each; ``comparison`` must not be empty."""
    by_key = {row.model_key: row for row in comparison.rows}
    fastest, least = by_key[comparison.fastest], by_key[comparison.most_efficient]
    return [
        _("🏆 Fastest: {key} ({rate:.2f} tokens/sec)").format(
            key=one_line(fastest.model_key.upper()), rate=fastest.tokens_per_second
        ),
        _("💾 Most Efficient: {key} ({size:.1f} MB)").format(
            key=one_line(least.model_key.upper()), size=least.memory_usage_mb
        ),
    ]


def format_figure(figure: Figure | None) -> str:
    """``45.32 ± 0.41``; ``n/a`` if it was not measured."""
    return _("n/a") if figure is None else f"{figure.mean:.2f} ± {figure.stddev:.2f}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns, two spaces apart, wide characters counted as two."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(headers, *rows, strict=True)]
    return ["  ".join(map(_padded, cells, widths)).rstrip() for cells in (headers, *rows)]


def labelled(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """``label  value`` lines, the values in one column: at ``width``, or after the longest label."""
    column = max([width, *(display_width(label) + 1 for label, _value in rows)])
    return [_padded(label, column) + one_line(value) for label, value in rows]


def display_width(text: str) -> int:
    """The columns that a terminal uses for ``text``: two for wide characters, none for combining ones and selectors."""
    return sum(_cell_width(character) for character in text)


def _cell_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - display_width(cell))
