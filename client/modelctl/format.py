"""Views as text: numbers with units, the context bar, the model card, the comparison; pure, quick to import."""

import math
import unicodedata
from collections.abc import Sequence

from modeld.protocol.states import HAS_FILE, IN_MEMORY
from modeld.protocol.views import BenchmarkResult, Comparison, Figure, ModelView

GIB = 1024**3
MIB = 1024**2
BAR_WIDTH = 30
COMPARISON_HEADERS = ("Model", "Tokens/Sec", "Inference(ms)", "Memory(MB)", "Context")
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
        return "N/A"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def percent(value: float | None) -> str:
    """``65.3%``; ``N/A`` when unknown."""
    return "N/A" if value is None else f"{value:.1f}%"


def context_bar(used: int, size: int, width: int = BAR_WIDTH) -> str:
    """``Context: 158/8192 tokens [█░░░] 1.9%``, the bar to scale: each cell is full when its middle is reached."""
    fraction = min(max(used / size, 0.0), 1.0) if size > 0 else 0.0
    full = math.floor(fraction * width + 0.5)
    return f"Context: {used}/{size} tokens [{'█' * full}{'░' * (width - full)}] {100 * fraction:.1f}%"


def context_colour(used: int, size: int) -> str:
    """``green`` below half, ``orange`` up to four fifths, ``red`` above."""
    fraction = used / size if size > 0 else 0.0
    if fraction < 0.5:
        return "green"
    return "orange" if fraction <= 0.8 else "red"


def model_card(view: ModelView) -> list[str]:
    """All that is known of a model, a line each."""
    ready = view.state in HAS_FILE
    marks = ["✅" if ready else "❌", view.key.upper()]
    if view.active:
        marks.append("🟢 ACTIVE")
    if view.state in IN_MEMORY:
        marks.append("🔵 LOADED")
    lines = ["  ".join(marks), f"   📝 {view.display_name}"]
    if view.description:
        lines.append(f"   💬 {view.description}")
    lines.append(f"   📁 {_file(view, ready)}")
    if view.context_length:
        lines.append(f"   📊 Context Window: {view.context_length} tokens")
    lines += _benchmarks(view)
    lines += _memory(view)
    if view.last_load_s:
        lines.append(f"   ⏱️ Load Time: {view.last_load_s:.1f}s")
    if view.failure is not None:
        lines.append(f"   ⚠️ {view.failure.message}")
    return lines


def _file(view: ModelView, ready: bool) -> str:
    if ready:
        name = view.path.replace("\\", "/").rsplit("/", 1)[-1]
        return f"{name} ({format_bytes(view.size_bytes)})"
    if not view.size_bytes:
        return "Not downloaded - size known when the download starts"
    return f"Not downloaded - {view.size_bytes / GIB:.1f} GB required"


def _benchmarks(view: ModelView) -> list[str]:
    lines = []
    if view.latest is not None:
        lines += [
            "   ⚡ Latest Benchmark:",
            f"      • {view.latest.tokens_per_second:.1f} tokens/sec",
            f"      • {view.latest.inference_time:.0f} ms inference time",
            f"      • {view.latest.memory_usage_mb:.1f} MB memory",
        ]
    if view.average is not None and view.average.runs > 1:
        lines += [
            f"   ⚡ Average of {view.average.runs} Benchmarks:",
            f"      • {view.average.avg_tokens_per_second:.1f} tokens/sec",
            f"      • {view.average.avg_inference_time:.0f} ms inference time",
            f"      • {view.average.avg_memory_usage_mb:.1f} MB memory",
        ]
    return lines


def _memory(view: ModelView) -> list[str]:
    lines = []
    loaded = view.loaded
    if loaded is not None and loaded.gpu_layers:
        lines.append(f"   🎮 GPU Acceleration: {loaded.gpu_layers} layers")
    elif loaded is not None:
        lines.append("   🖥️ CPU Only")
    if view.estimated_bytes:
        measured = f", {loaded.memory_bytes / MIB:.1f} MB measured" if loaded and loaded.memory_bytes else ""
        lines.append(f"   🧮 Memory: {view.estimated_bytes / MIB:.1f} MB estimated{measured}")
    return lines


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison as people know it; with fewer than two models, what to do first."""
    lines = ["📊 Performance Comparison"]
    if len(comparison.rows) < 2:
        have = f" ({comparison.rows[0].model_key.upper()} has one)" if comparison.rows else ""
        return [
            *lines,
            f"Benchmark at least two models to compare them{have}: modelctl bench KEY, or modelctl bench --all",
        ]
    rows = [comparison_cells(row) for row in comparison.rows]
    widths = [max(map(display_width, column)) for column in zip(COMPARISON_HEADERS, *rows, strict=True)]
    lines += [" | ".join(map(_padded, cells, widths)).rstrip() for cells in (COMPARISON_HEADERS, *rows)]
    return [*lines, *comparison_legend(comparison)]


def comparison_cells(row: BenchmarkResult) -> list[str]:
    """One row under ``COMPARISON_HEADERS``."""
    return [
        row.model_key.upper(),
        f"{row.tokens_per_second:.2f}",
        f"{row.inference_time:.1f}",
        f"{row.memory_usage_mb:.1f}",
        f"{row.context_used}/{row.context_available}",
    ]


def comparison_legend(comparison: Comparison) -> list[str]:
    """Which is the fastest and which the most efficient, a line each; ``comparison`` has rows."""
    by_key = {row.model_key: row for row in comparison.rows}
    fastest, least = by_key[comparison.fastest], by_key[comparison.most_efficient]
    return [
        f"🏆 Fastest: {fastest.model_key.upper()} ({fastest.tokens_per_second:.2f} tokens/sec)",
        f"💾 Most Efficient: {least.model_key.upper()} ({least.memory_usage_mb:.1f} MB)",
    ]


def format_figure(figure: Figure | None) -> str:
    """``45.32 ± 0.41``; ``n/a`` where it was not measured."""
    return "n/a" if figure is None else f"{figure.mean:.2f} ± {figure.stddev:.2f}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns, two spaces apart, wide characters counted as two."""
    widths = [max(map(display_width, column)) for column in zip(headers, *rows, strict=True)]
    return ["  ".join(map(_padded, cells, widths)).rstrip() for cells in (headers, *rows)]


def display_width(text: str) -> int:
    """The columns a terminal gives ``text``: two for wide characters, none for combining ones and selectors."""
    return sum(_cell_width(character) for character in text)


def _cell_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - display_width(cell))
