"""A model's card: everything a user wants to know about a model, as texts; pure, quick to import.

``model_card`` creates the data. ``card_lines`` renders it for a terminal; the viewer draws the same data
(``desktop/viewer/models/card_layout``). Each text begins with its emoji. An empty text means that there is nothing to
show.
"""

from dataclasses import dataclass

from modeld.protocol.errors import Failure
from modeld.protocol.states import HAS_FILE, IN_MEMORY
from modeld.protocol.views import ModelView

from modelctl.errors import explained
from modelctl.language.catalogue import _, _n
from modelctl.language.format import GIB, MIB, format_bytes
from modelctl.language.printable import one_line


@dataclass(frozen=True)
class BenchmarkFigures:
    """A heading and three figures."""

    heading: str
    figures: tuple[str, str, str]


@dataclass(frozen=True)
class ModelCard:
    """The texts of a card by topic; ``ready`` says whether the model's file is on disk."""

    title: str
    ready: bool
    active: str
    loaded: str
    name: str
    description: str
    file: str
    context: str
    benchmarks: tuple[BenchmarkFigures, ...]
    acceleration: str
    memory: str
    load_time: str
    failure: Failure | None

    @property
    def ready_sign(self) -> str:
        """The emoji before the title."""
        return "✅" if self.ready else "❌"

    @property
    def about(self) -> tuple[str, ...]:
        """The model's description."""
        return _present(self.name, self.description, self.file, self.context)

    @property
    def machine(self) -> tuple[str, ...]:
        """The device, and the memory it needs."""
        return _present(self.acceleration, self.memory, self.load_time)


def model_card(view: ModelView) -> ModelCard:
    """The card of a model."""
    ready = view.state in HAS_FILE
    context = _("Context Window: {count} tokens").format(count=view.context_length)
    load_time = _("Load Time: {seconds:.1f}s").format(seconds=view.last_load_s or 0)
    return ModelCard(
        title=one_line(view.key.upper()),
        ready=ready,
        active="🟢 " + _("ACTIVE") if view.active else "",
        loaded="🔵 " + _("LOADED") if view.state in IN_MEMORY else "",
        name=f"📝 {one_line(view.display_name)}",
        description=f"💬 {one_line(view.description)}" if view.description else "",
        file=f"📁 {_file(view, ready)}",
        context=f"📊 {context}" if view.context_length else "",
        benchmarks=_benchmarks(view),
        acceleration=_acceleration(view),
        memory=_memory(view),
        load_time=f"⏱️ {load_time}" if view.last_load_s else "",
        failure=view.failure,
    )


def card_lines(card: ModelCard) -> list[str]:
    """The card for a terminal, one line per text."""
    texts: list[str] = [*card.about]
    for benchmark in card.benchmarks:
        texts += [benchmark.heading, *(f"   {figure}" for figure in benchmark.figures)]
    texts += card.machine
    if card.failure is not None:
        texts.append(f"⚠️ {explained(card.failure)}")
    head = "  ".join(_present(card.ready_sign, card.title, card.active, card.loaded))
    return [head, *(f"   {text}" for text in texts)]


def _present(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _file(view: ModelView, ready: bool) -> str:
    if ready:
        name = view.path.replace("\\", "/").rsplit("/", 1)[-1]
        return f"{one_line(name)} ({format_bytes(view.size_bytes)})"
    if not view.size_bytes:
        return _("Not downloaded - size known when the download starts")
    return _("Not downloaded - {size:.1f} GB required").format(size=view.size_bytes / GIB)


def _benchmarks(view: ModelView) -> tuple[BenchmarkFigures, ...]:
    benchmarks = []
    if view.latest is not None:
        latest = view.latest
        figures = _figures(latest.tokens_per_second, latest.inference_time, latest.memory_usage_mb)
        benchmarks.append(BenchmarkFigures("⚡ " + _("Latest Benchmark:"), figures))
    if view.average is not None and view.average.runs > 1:
        mean = view.average
        figures = _figures(mean.avg_tokens_per_second, mean.avg_inference_time, mean.avg_memory_usage_mb)
        heading = "⚡ " + _("Average of {count} Benchmarks:").format(count=mean.runs)
        benchmarks.append(BenchmarkFigures(heading, figures))
    return tuple(benchmarks)


def _figures(rate: float, inference_ms: float, memory_mb: float) -> tuple[str, str, str]:
    return (
        "• " + _("{rate:.1f} tokens/sec").format(rate=rate),
        "• " + _("{ms:.0f} ms inference time").format(ms=inference_ms),
        "• " + _("{size:.1f} MB memory").format(size=memory_mb),
    )


def _acceleration(view: ModelView) -> str:
    if view.loaded is None:
        return ""
    layers = view.loaded.gpu_layers
    if not layers:
        return "🖥️ " + _("CPU Only")
    return "🎮 " + _n("GPU Acceleration: {count} layer", "GPU Acceleration: {count} layers", layers).format(
        count=layers
    )


def _memory(view: ModelView) -> str:
    if not view.estimated_bytes:
        return ""
    text = _("Memory: {estimated:.1f} MB estimated")
    measured = view.loaded.memory_bytes if view.loaded else 0
    if measured:
        text = _("Memory: {estimated:.1f} MB estimated, {measured:.1f} MB measured")
    return "🧮 " + text.format(estimated=view.estimated_bytes / MIB, measured=measured / MIB)
