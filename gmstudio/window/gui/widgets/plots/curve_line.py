"""Curve of a plot: its data, and its graphics, which draw only as many points as are visible."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGraphicsItem

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.decimation import Floats, decimate
from gmstudio.window.gui.widgets.plots.extremes import Extremes
from gmstudio.window.gui.widgets.plots.smoothed_curve import SmoothedCurve, gap_of_steps

MAX_MARKERS = 120
RECENT = 9
STAR = 15
"""Size of the star at the best value, in pixels."""
FAINT = 0.3
"""Opacity of an unsmoothed curve behind the smoothed one."""
ONE_OF_MANY = 0.6
"""Opacity of single curves behind their average."""
ROBUST = (0.5, 99.5)
"""Percentiles of a noisy curve that define the view; single spikes may exceed it."""
OUTLIERS = 0.025
"""Share of the points at each end that are left out of the view where they stretch it."""
STRETCH = 4.0
"""Ratio of the whole range to the range of the other points from which on this applies."""
MIN_FOR_OUTLIERS = 10
"""Curves of fewer points are shown whole."""
MAX_TRAVEL = 10
"""Above this number of turning points a line is drawn without antialiasing, which would be too slow."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve.

    Args:
        key: identity; a trace with the same key continues the one shown before.
        label: for the legend; traces with the same label share one entry with their values side by side, and one
            without a label has none.
        steps: (n,) rising.
        values: (n,) values at the steps.
        color: of its line.
        dash: of its line.
        split: ``train`` or ``validation`` for the legend; empty: none.
        validation: draw it strong, with markers, and never smoothed.
        factor: conversion of values to the displayed unit.
        owner: title of the run, for the legend's tooltip.
        generation: a changed number marks that points were removed.
        among_many: draw it behind the others, in a colour nearer to the background.
        width: of a line that is neither smoothed nor of validation.
        best: step of the best value, which gets a star; None: none.
        best_label: number of that step, for the legend.
        spacing: training steps between two points, for smoothing; 0: as ``steps`` has it.
    """

    key: Hashable
    label: str
    steps: NDArray[np.int64]
    values: Floats
    color: QColor
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    split: str = ""
    validation: bool = False
    factor: float = 1.0
    owner: str = ""
    generation: int = 0
    among_many: bool = False
    width: float = 1.0
    best: int | None = None
    best_label: str = ""
    spacing: int = 0

    def index_at(self, step: float) -> int:
        """Index of the last point not after a step; -1 before the first."""
        return (len(self.steps) if math.isinf(step) else int(np.searchsorted(self.steps, int(step), side="right"))) - 1

    def value_at(self, step: float) -> float:
        """Value at the last point not after a step; NaN before the first."""
        index = self.index_at(step)
        return float(self.values[index]) * self.factor if index >= 0 else math.nan

    def recent_at(self, step: float) -> float:
        """Mean of the last ``RECENT`` points not after a step; NaN before the first."""
        end = self.index_at(step) + 1
        return float(self.values[max(end - RECENT, 0) : end].mean()) * self.factor if end else math.nan


class Line:
    """Graphics of a curve: the line, faintly behind it the unsmoothed one, and markers on a validation curve.

    Args:
        plot: plot item that holds the graphics.
        kept: cache the line as a picture, so that overlays which move do not cause it to be redrawn.
    """

    def __init__(self, plot: Any, *, kept: bool = False) -> None:
        # Segments one by one: stroking a dense zigzag as one path takes Qt ten times as long.
        self._faint = pyqtgraph.PlotCurveItem()
        self._main = pyqtgraph.PlotCurveItem()
        self._faint.setSegmentedLineMode("on")
        self._main.setSegmentedLineMode("on")
        self._markers = pyqtgraph.ScatterPlotItem(pxMode=True)
        self._star = pyqtgraph.ScatterPlotItem(pxMode=True)
        for item, z in ((self._faint, 0), (self._main, 1), (self._markers, 2), (self._star, 3)):
            item.setZValue(z)
            if kept:
                item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
            plot.addItem(item)
        self._curve = SmoothedCurve()
        self._robust = self._smooths = False
        self._shown: tuple[NDArray[Any], Floats] = (np.zeros(0), np.zeros(0))
        self._raw = self._shown
        self.beyond_log = False
        """On a logarithmic axis, points in view are left out because they are not positive."""

    def remove(self, plot: Any) -> None:
        """Remove the graphics from the plot."""
        for item in (self._faint, self._main, self._markers, self._star):
            plot.removeItem(item)

    def draw(self, trace: Trace, smoothing: float, log: bool, steps: tuple[float, float], points: int) -> None:
        """Draw the visible points."""
        smooth, curve = smoothing > 0 and not trace.validation, self._curve
        weight = smoothing ** (trace.spacing or gap_of_steps(trace.steps)) if smooth else 0.0
        curve.take(trace.values, trace.generation, weight)
        raw = _visible(trace, curve.values, curve.raw, steps, points)
        averages = _visible(trace, curve.smoothed, curve.averages, steps, points // 2) if smooth else raw
        self.beyond_log = log and bool((raw[1] <= 0).any())
        self._raw, self._shown = _on_axis(raw, log), _on_axis(averages, log)
        x, y = self._shown
        self._robust = not (smooth or trace.validation)
        self._smooths = smooth
        width = 2.5 if trace.validation else 1.5 if smooth else trace.width
        color = _mixed(trace.color, theme().color("base"), ONE_OF_MANY) if trace.among_many else trace.color
        pen = _pen(color, width, trace.dash)
        self._main.setZValue(2 if trace.validation else 0 if trace.among_many else 1)
        self._main.setData(x, y, pen=pen, antialias=_is_calm(y), connect="finite")
        if smooth:
            faint = _mixed(trace.color, theme().color("base"), FAINT)
            self._faint.setData(*self._raw, pen=_pen(faint, 1.0), connect="finite")
        self._faint.setVisible(smooth)
        marked = np.isfinite(y) if trace.validation and len(x) <= MAX_MARKERS else _alone(y)
        self._markers.setVisible(bool(marked.any()))
        if marked.any():
            self._markers.setData(x[marked], y[marked], symbol="o", size=6, brush=color, pen=None)

        self._draw_star(trace, log)

    def _draw_star(self, trace: Trace, log: bool) -> None:
        """Mark the best value."""
        value = math.nan if trace.best is None else trace.value_at(trace.best)
        if log:
            value = math.log10(value) if value > 0 else math.nan
        shown = trace.best is not None and math.isfinite(value)
        self._star.setVisible(shown)
        if shown:
            outline = _pen(theme().color("base"), 1.0)
            self._star.setData(
                [trace.best], [value], symbol="star", size=STAR, brush=theme().color("mark"), pen=outline
            )

    def extent(self, steps: tuple[float, float], *, whole: bool = False) -> tuple[float, float] | None:
        """Smallest and largest value of the visible range; None without points.

        Args:
            steps: ends of the visible range.
            whole: with the outliers, which are left out otherwise where they would flatten the curve.
        """
        shown = _inside(self._shown, steps)
        if not len(shown):
            return None
        raw = _inside(self._raw, steps)
        extent = _range(shown, raw) if whole or self._smooths else self._plain_extent(shown)
        return extent if whole else _without_outliers(extent, raw)

    def has_outliers(self, steps: tuple[float, float]) -> bool:
        """Test for values in the visible range that would flatten the curve."""
        shown = _inside(self._shown, steps)
        if not len(shown):
            return False
        raw = _inside(self._raw, steps)
        extent = _range(shown, raw)
        return _without_outliers(extent, raw) != extent

    def _plain_extent(self, shown: Floats) -> tuple[float, float]:
        if self._robust and len(shown) > MAX_MARKERS:
            low, high = np.percentile(shown, ROBUST)
            return float(low), float(high)
        return float(shown.min()), float(shown.max())

    def smoothed_at(self, trace: Trace, step: float) -> float:
        """Smoothed value at the last point not after a step, in the displayed unit; NaN where there is none."""
        index, smoothed = trace.index_at(step), self._curve.smoothed
        known = not trace.validation and self._smooths and 0 <= index < len(smoothed)
        return float(smoothed[index]) * trace.factor if known else math.nan

    def sample(self, trace: Trace) -> Floats:
        """Some values of the whole curve in the displayed unit, the extreme ones among them."""
        return self._curve.raw.sample(self._curve.values) * trace.factor


def _inside(points: tuple[NDArray[Any], Floats], steps: tuple[float, float]) -> Floats:
    """Finite values between two steps."""
    x, y = points
    return y[(x >= steps[0]) & (x <= steps[1]) & np.isfinite(y)]


def _range(shown: Floats, raw: Floats) -> tuple[float, float]:
    """Smallest and largest value of a line and of the unsmoothed one behind it."""
    return min(float(shown.min()), float(raw.min())), max(float(shown.max()), float(raw.max()))


def _without_outliers(extent: tuple[float, float], values: Floats) -> tuple[float, float]:
    """Cut an extent to the range of most values where few of them stretch it; else return it as it is.

    Args:
        extent: of what is drawn.
        values: (n,) finite, not smoothed.
    """
    if len(values) < MIN_FOR_OUTLIERS:
        return extent
    left_out = max(1, int(len(values) * OUTLIERS))
    ordered = np.sort(values)
    low, high = float(ordered[left_out]), float(ordered[-1 - left_out])
    if extent[1] - extent[0] <= STRETCH * (high - low) or high == low:
        return extent
    return low, high


def _alone(y: Floats) -> NDArray[np.bool_]:
    """Mask of the points that no line reaches, as their neighbours are missing."""
    finite = np.isfinite(y)
    padded = np.concatenate([[False], finite, [False]])
    return np.asarray(finite & ~padded[:-2] & ~padded[2:])


def _is_calm(y: Floats) -> bool:
    finite = y[np.isfinite(y)]
    if len(finite) < 2:
        return True
    return float(np.abs(np.diff(finite)).sum()) <= MAX_TRAVEL * float(finite.max() - finite.min())


def _mixed(color: QColor, background: QColor, share: float) -> QColor:
    """Opaque blend with the background; half-transparent lines are slow to draw."""
    rest = 1 - share
    return QColor.fromRgbF(
        share * color.redF() + rest * background.redF(),
        share * color.greenF() + rest * background.greenF(),
        share * color.blueF() + rest * background.blueF(),
    )


def _visible(
    trace: Trace, values: Floats, extremes: Extremes, steps: tuple[float, float], points: int
) -> tuple[NDArray[Any], Floats]:
    """Points to draw, in the displayed unit."""
    x, y = decimate(trace.steps, values, *steps, points, extremes)
    return x.astype(np.float64), y * trace.factor


def _on_axis(points: tuple[NDArray[Any], Floats], log: bool) -> tuple[NDArray[Any], Floats]:
    """Points on the displayed axis; a gap where a value has no place on it."""
    x, y = points
    if log:
        y = np.log10(np.where(y > 0, y, np.nan))
    return x, np.where(np.isfinite(y), y, np.nan)


def _pen(color: QColor, width: float, dash: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(color, width, dash)
    pen.setCosmetic(True)
    return pen
