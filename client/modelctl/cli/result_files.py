"""Benchmark runs as files for other programs: CSV, JSON and Markdown. Pure."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

import msgspec
from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Environment, Figure

from modelctl.language.cells import csv_cell, markdown_row
from modelctl.language.printable import json_text

_Cell = str | int | float | None

NINE = BenchmarkResult.__struct_fields__
"""The keys of ``model_benchmarks.json`` in their order; they are the first columns."""


def as_csv(runs: Sequence[BenchmarkRun]) -> str:
    """One line per run, the nine keys first; unknown numbers are empty. Lines end with CR LF (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([csv_cell(cell) if isinstance(cell, str) else cell for cell in _row(run)] for run in runs)
    return text.getvalue()


def as_json(runs: Sequence[BenchmarkRun]) -> str:
    """An object that maps each model to its records, oldest first: the format of ``model_benchmarks.json``."""
    by_key: dict[str, list[BenchmarkResult]] = {}
    for run in runs:
        by_key.setdefault(run.result.model_key, []).append(run.result)
    return json_text(msgspec.json.format(msgspec.json.encode(by_key), indent=2).decode()) + "\n"


def as_markdown(runs: Sequence[BenchmarkRun]) -> str:
    """A Markdown table."""
    lines = [
        "| model | when | tokens/s | ± | prefill tokens/s | inference ms | memory MB | context | note |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for run in runs:
        result = run.result
        cells = [
            result.model_key,
            result.timestamp,
            f"{result.tokens_per_second:.2f}",
            f"{run.decode.stddev:.2f}" if run.decode.n > 1 else "",
            f"{run.prefill.mean:.2f}" if run.prefill.n else "",
            f"{result.inference_time:.1f}",
            f"{result.memory_usage_mb:.1f}",
            f"{result.context_used}/{result.context_available}",
            run.disturbance,
        ]
        lines.append(markdown_row(cells))
    return "\n".join(lines) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[BenchmarkRun]], str]] = {
    "csv": as_csv,
    "json": as_json,
    "md": as_markdown,
}


def _row(run: BenchmarkRun) -> list[_Cell]:
    row: list[_Cell] = [getattr(run.result, name) for name in NINE]
    for name in _FIGURES:
        figure: Figure | None = getattr(run, name)
        known = figure is not None and figure.n > 0
        row.append(figure.mean if figure is not None and known else None)
        row.append(figure.stddev if figure is not None and figure.n > 1 else None)
    row += [getattr(run, name) for name in _PLAIN]
    return row + [getattr(run.environment, name) for name in Environment.__struct_fields__]


_FIGURES = ("prefill", "decode", "first_token_ms", "inference_ms", "pp", "tg")
_PLAIN = (
    "pp_tokens",
    "tg_tokens",
    "load_s",
    "memory_peak_bytes",
    "gpu_memory_bytes",
    "energy_j",
    "disturbed",
    "disturbance",
)
_COLUMNS = (
    *NINE,
    *(f"{name}_{part}" for name in _FIGURES for part in ("mean", "stddev")),
    *_PLAIN,
    *(f"environment_{name}" for name in Environment.__struct_fields__),
)
