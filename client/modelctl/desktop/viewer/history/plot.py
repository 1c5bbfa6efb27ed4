"""A plot of one figure over time: a line per model, its average, error bars, and disturbed runs marked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.history.series import Curve, RunPoints, reach, ticks
from modelctl.desktop.viewer.style.theme import PALETTE, Colour
from modelctl.language.catalogue import _

DISTURBED: Colour = PALETTE.orange
MARKER_SIZE = 4.0
MOST_MARKS = 300
"""With more runs than this, only some get a point and error bars; the line passes through all of them."""
AVERAGE_ALPHA = 130


@dataclass(frozen=True)
class Measure:
    """The figure that a plot shows."""

    title: str
    values: Callable[[RunPoints], list[float]]
    average: Callable[[Curve], float | None]
    error_bars: bool = False


class HistoryPlot:
    """The plot; ``show`` redraws everything, so it is called only after a selection or a new run."""

    def __init__(self, parent: Tag, measure: Measure) -> None:
        self._measure = measure
        self._plot = plot = dpg.add_plot(
            parent=parent,
            label=measure.title,
            width=-1,
            no_menus=True,
            no_inputs=True,
            no_mouse_pos=True,
        )
        dpg.add_plot_legend(parent=plot, location=dpg.mvPlot_Location_South, outside=True, horizontal=True)
        self._across = dpg.add_plot_axis(dpg.mvXAxis, parent=plot)
        self._up = dpg.add_plot_axis(dpg.mvYAxis, parent=plot)

    def resize(self, height: int) -> None:
        """Set the plot's height."""
        dpg.configure_item(self._plot, height=height)

    def show(self, curves: Sequence[Curve], colours: Sequence[Colour]) -> None:
        """Draw ``curves``, each in its colour, and fit the axes to all of them."""
        dpg.delete_item(self._up, children_only=True)
        every = 1 + sum(len(curve.line.at) for curve in curves) // MOST_MARKS
        for curve, colour in zip(curves, colours, strict=True):
            self._curve(curve, colour, every)
            self._average(curve, colour)
        if any(curve.disturbed.at for curve in curves):
            self._disturbed([curve.disturbed.thinned(every) for curve in curves])
        self._fit(curves)

    def _curve(self, curve: Curve, colour: Colour, every: int) -> None:
        values, line, quiet = self._measure.values, curve.line, curve.quiet.thinned(every)
        drawn = []
        if self._measure.error_bars:
            bars = line.thinned(every)
            drawn.append(
                dpg.add_error_series(
                    bars.at, bars.speed, bars.deviation, bars.deviation, **self._named(f"##{curve.title}")
                )
            )
        drawn.append(dpg.add_line_series(line.at, values(line), **self._named(f"##{curve.title}")))
        dots = dpg.add_scatter_series(quiet.at, values(quiet), **self._named(f"##{curve.title}"))
        dpg.bind_item_theme(dots, _dots(colour, hollow=False))
        for item in drawn:
            dpg.bind_item_theme(item, _line(colour))

    def _average(self, curve: Curve, colour: Colour) -> None:
        average = self._measure.average(curve)
        if average is not None:
            across = dpg.add_inf_line_series([average], horizontal=True, **self._named(_("average")))
            dpg.bind_item_theme(across, _line((*colour, AVERAGE_ALPHA)))

    def _disturbed(self, runs: Sequence[RunPoints]) -> None:
        at = [moment for points in runs for moment in points.at]
        values = [value for points in runs for value in self._measure.values(points)]
        dots = dpg.add_scatter_series(at, values, **self._named(_("disturbed")))
        dpg.bind_item_theme(dots, _dots(DISTURBED, hollow=True))

    def _named(self, label: str) -> dict[str, Tag | bool]:
        """The label of a series; series with one label share a legend entry (after ``##``: none)."""
        return {"parent": self._up, "label": label, "use_internal_label": False}

    def _fit(self, curves: Sequence[Curve]) -> None:
        """Set the axis limits so that every point, its error bar and the averages are visible."""
        lows: list[float] = []
        highs: list[float] = []
        for curve in curves:
            values = self._measure.values(curve.line)
            spread = curve.line.deviation if self._measure.error_bars else [0.0] * len(values)
            lows += [value - by for value, by in zip(values, spread, strict=True)]
            highs += [value + by for value, by in zip(values, spread, strict=True)]
            average = self._measure.average(curve)
            lows += [] if average is None else [average]
        across = reach([moment for curve in curves for moment in curve.line.at], least=3600.0)
        dpg.set_axis_limits(self._across, *across)
        dpg.set_axis_ticks(self._across, tuple(ticks(*across)))
        dpg.set_axis_limits(self._up, *reach([*lows, *highs], least=1.0))


def _line(colour: Sequence[int]) -> Tag:
    """The theme for lines and error bars of this colour, created once."""
    tag = f"modelctl.history.line.{'-'.join(map(str, colour))}"
    if not dpg.does_item_exist(tag):
        part = dpg.add_theme_component(dpg.mvAll, parent=dpg.add_theme(tag=tag))
        for target in (dpg.mvPlotCol_Line, dpg.mvPlotCol_ErrorBar):
            dpg.add_theme_color(target, colour, category=dpg.mvThemeCat_Plots, parent=part)
        dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, 1.5, category=dpg.mvThemeCat_Plots, parent=part)
    return tag


def _dots(colour: Colour, *, hollow: bool) -> Tag:
    """The theme for points of this colour, filled or as rings, created once."""
    tag = f"modelctl.history.{'rings' if hollow else 'dots'}.{'-'.join(map(str, colour))}"
    if not dpg.does_item_exist(tag):
        part = dpg.add_theme_component(dpg.mvScatterSeries, parent=dpg.add_theme(tag=tag))
        fill = PALETTE.ground if hollow else colour
        plots = dpg.mvThemeCat_Plots
        dpg.add_theme_color(dpg.mvPlotCol_MarkerFill, fill, category=plots, parent=part)
        dpg.add_theme_color(dpg.mvPlotCol_MarkerOutline, colour, category=plots, parent=part)
        dpg.add_theme_style(dpg.mvPlotStyleVar_Marker, dpg.mvPlotMarker_Circle, category=plots, parent=part)
        dpg.add_theme_style(dpg.mvPlotStyleVar_MarkerWeight, 2.0, category=plots, parent=part)
        size = MARKER_SIZE + 1 if hollow else MARKER_SIZE
        dpg.add_theme_style(dpg.mvPlotStyleVar_MarkerSize, size, category=plots, parent=part)
    return tag
