"""A model's benchmark history as curves and table rows; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from modeld.protocol.views import BenchmarkRun, Figure, History, Snapshot

from modelctl.desktop.viewer.benchmarks.dialog_text import disturbed_text
from modelctl.desktop.viewer.style.local_time import date_and_time, seconds
from modelctl.language.catalogue import _
from modelctl.language.format import comparison_cells, format_bytes, format_figure

DAY_S = 86400
_STEPS_S = tuple(
    hours * 3600
    for hours in (0.25, 0.5, 1, 2, 3, 6, 12, *(24 * days for days in (1, 2, 7, 14, 28, 61, 91, 182, 365, 1826)))
)
MOST_TICKS = 5
EDGE = 0.1
"""There is no tick closer than this to an end of the axis: its label would be cut."""


@dataclass(frozen=True)
class RunPoints:
    """Points of a plot: seconds since 1970, decode rate with its deviation, peak memory in MB."""

    at: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    deviation: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def thinned(self, every: int) -> "RunPoints":
        """Every ``every``-th run, including the newest."""
        first = (len(self.at) - 1) % every if self.at else 0
        return RunPoints(*(values[first::every] for values in (self.at, self.speed, self.deviation, self.memory)))


@dataclass(frozen=True)
class Curve:
    """One model's history: all runs as a line, quiet and disturbed runs as separate points."""

    title: str
    line: RunPoints
    quiet: RunPoints
    disturbed: RunPoints
    average_speed: float | None
    average_memory: float | None


@dataclass(frozen=True)
class RunRow:
    """One run in the table."""

    cells: tuple[str, ...]
    disturbed: bool


def curve(history: History) -> Curve:
    """``history`` as a curve; runs without a readable time are omitted."""
    line, quiet, disturbed = RunPoints(), RunPoints(), RunPoints()
    for run in history.runs:
        at = seconds(run.result.timestamp)
        if at is None:
            continue
        for points in (line, disturbed if run.disturbed else quiet):
            points.at.append(at)
            points.speed.append(run.decode.mean)
            points.deviation.append(run.decode.stddev)
            points.memory.append(run.result.memory_usage_mb)
    average = history.average
    return Curve(
        title=history.model.upper(),
        line=line,
        quiet=quiet,
        disturbed=disturbed,
        average_speed=average.avg_tokens_per_second if average else None,
        average_memory=average.avg_memory_usage_mb if average else None,
    )


def headers() -> tuple[str, ...]:
    """The column headers of the table of runs."""
    return (
        _("When"),
        _("Model"),
        _("Tokens/Sec"),
        _("Inference(ms)"),
        _("Memory(MB)"),
        _("Context"),
        _("Prefill"),
        "pp",
        "tg",
        _("First token(ms)"),
        _("GPU memory"),
        _("Energy"),
        _("Note"),
    )


def run_rows(histories: Sequence[History]) -> list[RunRow]:
    """All runs, newest first."""
    runs = [run for history in histories for run in history.runs]
    runs.sort(key=lambda run: (seconds(run.result.timestamp) or 0.0, run.id), reverse=True)
    return [_row(run) for run in runs]


def _row(run: BenchmarkRun) -> RunRow:
    key, _speed, inference, memory, context = comparison_cells(run.result)
    missing = _("n/a")
    return RunRow(
        cells=(
            date_and_time(run.result.timestamp),
            key,
            format_figure(run.decode),
            inference,
            memory,
            context,
            _measured(run.prefill),
            _measured(run.pp),
            _measured(run.tg),
            f"{run.first_token_ms.mean:.1f}" if run.first_token_ms.n else missing,
            missing if run.gpu_memory_bytes is None else format_bytes(run.gpu_memory_bytes),
            missing if run.energy_j is None else f"{run.energy_j:.1f} J",
            disturbed_text(run) if run.disturbed else "",
        ),
        disturbed=run.disturbed,
    )


def _measured(figure: Figure | None) -> str:
    """A figure; an imported old run has ``n`` 0 for figures that were not measured."""
    return _("n/a") if figure is None or not figure.n else format_figure(figure)


def benchmarked(snapshot: Snapshot) -> dict[str, str]:
    """The models that have a history, in the daemon's order, each with the time of its newest run."""
    return {model.key: model.latest.timestamp for model in snapshot.models if model.latest is not None}


def stale(chosen: Sequence[str], newest: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    """The ``chosen`` models with a newer run than the one their history was ``asked`` for."""
    return [key for key in chosen if key in newest and asked.get(key) != newest[key]]


def ticks(low: float, high: float) -> list[tuple[str, float]]:
    """A handful of ticks for a time axis, at whole hours or days of local time."""
    step = next((step for step in _STEPS_S if (high - low) / step < MOST_TICKS), _STEPS_S[-1])
    by_day = step >= DAY_S
    first = datetime.fromtimestamp(low).replace(minute=0, second=0, microsecond=0, hour=0)
    mark = timedelta(seconds=step)
    form = "%m-%d\n%Y" if by_day else "%H:%M\n%m-%d"
    found = []
    while first.timestamp() <= high - EDGE * (high - low):
        if first.timestamp() >= low + EDGE * (high - low):
            found.append((first.strftime(form), first.timestamp()))
        first += mark
    return found


def reach(values: Sequence[float], *, least: float) -> tuple[float, float]:
    """Axis limits that include all ``values``, at least ``least`` apart."""
    if not values:
        return 0.0, least
    low, high = min(values), max(values)
    margin = max(0.08 * (high - low), least / 2)
    return low - margin, high + margin
