"""The system monitor: memory by user, CPU, disk, GPU, and the last ten minutes."""

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
from modeld.protocol.events import AnyEvent
from modeld.protocol.views import GpuView, ModelView, Snapshot, SystemView

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.frame.ui import Ui
from modelctl.desktop.viewer.monitor.series import MemoryPart, SampleSeries, memory_parts, memory_percent, with_worker
from modelctl.desktop.viewer.monitor.stacked_bar import BarPiece, StackedBar
from modelctl.desktop.viewer.style.theme import PALETTE, Colour, stripe
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes, percent
from modelctl.language.printable import one_line

MUTED = PALETTE.muted
MEMORY, CPU = PALETTE.blue, PALETTE.orange
MODELS: Sequence[Colour] = (PALETTE.blue, PALETTE.purple, (38, 198, 218), (236, 96, 166), (212, 190, 60))
OURS, OTHER, FREE = PALETTE.green, PALETTE.faint, PALETTE.raised

BACK = (2, 5, 10)
"""The choices for the plot's time span in minutes."""


class MonitorTab:
    """The system monitor tab. It updates only items whose values changed since the last snapshot."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._series = SampleSeries()
        self._system: SystemView | None = None
        self._workers: list[ModelView] | None = None

    def build(self, parent: Tag) -> None:
        """Create the items."""
        self._away = dpg.add_text(_("No data: modeld is not running."), parent=parent, color=MUTED)
        self._body = dpg.add_group(parent=parent, show=False)
        self._headline = dpg.add_text(parent=self._body)
        self._memory = StackedBar(self._ui, self._body)
        self._legend = dpg.add_group(parent=self._body)
        dpg.add_spacer(parent=self._body, height=4)
        self._models = dpg.add_group(parent=self._body)
        dpg.add_spacer(parent=self._body, height=4)
        self._meters = dpg.add_group(parent=self._body)
        self._cpu = _Meter(self._meters, CPU)
        self._disk = _Meter(self._meters, MUTED)
        dpg.add_spacer(parent=self._body, height=4)
        self._gpus = dpg.add_group(parent=self._body)
        dpg.add_spacer(parent=self._body, height=4)
        self._build_plot()

    def show(self, snapshot: Snapshot | None) -> None:
        """Update the items to ``snapshot``."""
        dpg.configure_item(self._away, show=snapshot is None)
        dpg.configure_item(self._body, show=snapshot is not None)
        if snapshot is None:
            return
        workers = with_worker(snapshot)
        sampled = self._series.take(snapshot)
        if sampled or workers != self._workers:
            self._show_memory(snapshot)
        if workers != self._workers:
            self._show_models(workers)
        if sampled:
            self._show_system(snapshot.system)
        self._workers = workers

    def on_event(self, event: AnyEvent) -> None:
        """Ignore events: snapshots contain everything shown here."""

    def _build_plot(self) -> None:
        plot = dpg.add_plot(
            parent=self._body, height=180, width=-1, no_menus=True, no_box_select=True, no_mouse_pos=True
        )
        dpg.add_plot_legend(parent=plot, horizontal=True, location=dpg.mvPlot_Location_NorthWest)
        self._across = dpg.add_plot_axis(dpg.mvXAxis, label=_("minutes ago"), parent=plot, lock_min=True, lock_max=True)
        self._reach(0.0)
        up = dpg.add_plot_axis(dpg.mvYAxis, label="%", parent=plot, lock_min=True, lock_max=True)
        dpg.set_axis_limits(up, 0, 100)
        self._memory_line = dpg.add_stair_series([], [], label=_("Memory"), parent=up)
        self._cpu_line = dpg.add_stair_series([], [], label=_("Processor"), parent=up)
        for line, colour in ((self._memory_line, MEMORY), (self._cpu_line, CPU)):
            dpg.bind_item_theme(line, _line_theme(colour))

    def _reach(self, minutes: float) -> None:
        """Limit the plot's time span to the samples that exist."""
        back = next(mark for mark in BACK if mark >= minutes or mark == BACK[-1])
        dpg.set_axis_limits(self._across, -back, 0)
        step = max(back // 5, 1)
        dpg.set_axis_ticks(self._across, tuple((str(ago), float(-ago)) for ago in range(0, back + 1, step)))

    def _show_memory(self, snapshot: Snapshot) -> None:
        system, parts = snapshot.system, memory_parts(snapshot)
        dpg.set_value(self._headline, memory_line(system))
        colours = part_colours(parts)
        self._memory.show([BarPiece(part.size_bytes, colour) for part, colour in zip(parts, colours, strict=True)])
        dpg.delete_item(self._legend, children_only=True)
        table = _plain_table(self._legend, ["", "", ""])
        row: Tag = 0
        for index, (part, colour) in enumerate(zip(parts, colours, strict=True)):
            if index % 3 == 0:
                row = dpg.add_table_row(parent=table)
            cell = dpg.add_group(parent=row, horizontal=True)
            dpg.add_text("■", parent=cell, color=colour)
            dpg.add_text(f"{part.label}  {format_bytes(part.size_bytes)}", parent=cell)

    def _show_models(self, workers: Sequence[ModelView]) -> None:
        dpg.delete_item(self._models, children_only=True)
        if not workers:
            dpg.add_text(_("No model is loaded."), parent=self._models, color=MUTED)
            return
        table = _plain_table(self._models, [_("Model"), _("Runs on"), _("Estimated"), _("Measured"), _("Peak")], True)
        for model in workers:
            row = dpg.add_table_row(parent=table)
            for cell in model_cells(model):
                dpg.add_text(cell, parent=row)

    def _show_system(self, system: SystemView) -> None:
        self._system = system
        self._cpu.show(_("Processor"), percent(system.cpu_percent), system.cpu_percent / 100)
        taken = (system.disk_total - system.disk_free) / system.disk_total if system.disk_total else 0.0
        self._disk.show(_("Disk"), disk_line(system), taken)
        dpg.delete_item(self._gpus, children_only=True)
        if not system.gpus:
            dpg.add_text(_("No GPU found: models run on the CPU."), parent=self._gpus, color=MUTED)
        for gpu in system.gpus:
            meter = _Meter(self._gpus, OURS)
            meter.show(
                one_line(gpu.name), gpu_line(gpu), gpu.memory_used / gpu.memory_total if gpu.memory_total else 0.0
            )
        minutes, memory, cpu = self._series.plot()
        self._reach(-minutes[0])
        dpg.set_value(self._memory_line, [minutes, memory])
        dpg.set_value(self._cpu_line, [minutes, cpu])


def memory_line(system: SystemView) -> str:
    """The used part of the machine's memory."""
    return _("Memory: {used} of {total} used ({percent}), {available} available").format(
        used=format_bytes(system.memory_total - system.memory_available),
        total=format_bytes(system.memory_total),
        percent=percent(memory_percent(system)),
        available=format_bytes(system.memory_available),
    )


def disk_line(system: SystemView) -> str:
    """The free space on the models' disk."""
    if not system.disk_total:
        return _("{free} free").format(free=format_bytes(system.disk_free))
    return _("{free} free of {total}").format(
        free=format_bytes(system.disk_free), total=format_bytes(system.disk_total)
    )


def gpu_line(gpu: GpuView) -> str:
    """A GPU's memory, and its utilisation if it can be read."""
    memory = _("{used} of {total}").format(used=format_bytes(gpu.memory_used), total=format_bytes(gpu.memory_total))
    if gpu.busy_percent is None:
        return memory
    return memory + "  ·  " + _("{percent} busy").format(percent=percent(gpu.busy_percent))


def model_cells(model: ModelView) -> list[str]:
    """A loaded model's row: its device, and its estimated, measured and peak memory."""
    loaded = model.loaded
    sizes = (model.estimated_bytes, loaded.memory_bytes, loaded.memory_peak_bytes) if loaded else (0, 0, 0)
    return [
        model.key.upper(),
        one_line(loaded.device) if loaded else "",
        *(format_bytes(size) if size else "-" for size in sizes),
    ]


def part_colours(parts: Sequence[MemoryPart]) -> list[Colour]:
    """The colour of each part: fixed colours, or one per model in turn."""
    fixed = {":daemon": OURS, ":other": OTHER, ":free": FREE}
    return [fixed.get(part.key, MODELS[index % len(MODELS)]) for index, part in enumerate(parts)]


class _Meter:
    """A name, its figures, and a bar below them."""

    def __init__(self, parent: Tag, colour: Colour) -> None:
        line = dpg.add_group(parent=parent, horizontal=True)
        self._name = dpg.add_text(parent=line)
        self._figures = dpg.add_text(parent=line, color=MUTED)
        self._bar = dpg.add_progress_bar(parent=parent, width=-1, height=8)
        dpg.bind_item_theme(self._bar, stripe(colour))

    def show(self, name: str, figures: str, fraction: float) -> None:
        dpg.set_value(self._name, name)
        dpg.set_value(self._figures, figures)
        dpg.set_value(self._bar, min(max(fraction, 0.0), 1.0))


def _plain_table(parent: Tag, columns: Sequence[str], header: bool = False) -> Tag:
    table: Tag = dpg.add_table(
        parent=parent,
        header_row=header,
        policy=dpg.mvTable_SizingStretchProp,
        borders_innerH=header,
        no_host_extendX=False,
    )
    for label in columns:
        dpg.add_table_column(label=label, parent=table)
    return table


def _line_theme(colour: Colour) -> Tag:
    tag = f"modelctl.transport.daemon_socket.{colour}"
    if not dpg.does_item_exist(tag):
        lines = dpg.add_theme_component(dpg.mvStairSeries, parent=dpg.add_theme(tag=tag))
        dpg.add_theme_color(dpg.mvPlotCol_Line, colour, category=dpg.mvThemeCat_Plots, parent=lines)
        dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, 2, category=dpg.mvThemeCat_Plots, parent=lines)
    return tag
