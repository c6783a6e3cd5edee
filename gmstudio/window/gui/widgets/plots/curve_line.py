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
from gmstudio.window.gui.widgets.plots.decimation import Floats, Smoother, decimate

MAX_MARKERS = 120
FAINT = 0.3
"""Opacity of an unsmoothed curve behind the smoothed one."""
ONE_OF_MANY = 0.6
"""Opacity of single curves behind their average."""
ROBUST = (0.5, 99.5)
"""Percentiles of a noisy curve that define the view; single spikes may exceed it."""
MAX_TRAVEL = 10
"""Above this number of turning points a line is drawn without antialiasing, which would be too slow."""
MAX_GAPS = 64


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

    def value_at(self, step: float) -> float:
        """Value at the last point not after a step; NaN before the first."""
        index = len(self.steps) if math.isinf(step) else int(np.searchsorted(self.steps, int(step), side="right"))
        index -= 1
        return float(self.values[index]) * self.factor if index >= 0 else float("nan")


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
        for item, z in ((self._faint, 0), (self._main, 1), (self._markers, 2)):
            item.setZValue(z)
            if kept:
                item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
            plot.addItem(item)
        self._smoother: Smoother | None = None
        self._smoothed: Floats = np.zeros(0)
        self._generation = 0
        self._robust = False
        self._shown: tuple[NDArray[Any], Floats] = (np.zeros(0), np.zeros(0))

    def remove(self, plot: Any) -> None:
        """Remove the graphics from the plot."""
        for item in (self._faint, self._main, self._markers):
            plot.removeItem(item)

    def draw(self, trace: Trace, smoothing: float, log: bool, steps: tuple[float, float], points: int) -> None:
        """Draw the visible points."""
        smooth = smoothing > 0 and not trace.validation
        values = self._smooth(trace, smoothing) if smooth else trace.values
        x, y = _visible(trace, values, log, steps, points // 2 if smooth else points)
        self._shown = (x, y)
        self._robust = not (smooth or trace.validation)
        width = 2.5 if trace.validation else 1.5 if smooth else trace.width
        color = _mixed(trace.color, theme().color("base"), ONE_OF_MANY) if trace.among_many else trace.color
        pen = _pen(color, width, trace.dash)
        self._main.setZValue(2 if trace.validation else 0 if trace.among_many else 1)
        self._main.setData(x, y, pen=pen, antialias=_is_calm(y), connect="finite")
        if smooth:
            faint = _mixed(trace.color, theme().color("base"), FAINT)
            self._faint.setData(
                *_visible(trace, trace.values, log, steps, points), pen=_pen(faint, 1.0), connect="finite"
            )
        self._faint.setVisible(smooth)
        marked = trace.validation and len(x) <= MAX_MARKERS
        self._markers.setVisible(marked)
        if marked:
            finite = np.isfinite(y)
            self._markers.setData(x[finite], y[finite], symbol="o", size=6, brush=trace.color, pen=None)

    def extent(self, steps: tuple[float, float]) -> tuple[float, float] | None:
        """Smallest and largest value of the visible range; None without points."""
        x, y = self._shown
        inside = y[(x >= steps[0]) & (x <= steps[1]) & np.isfinite(y)]
        if not len(inside):
            return None
        if self._robust and len(inside) > MAX_MARKERS:
            low, high = np.percentile(inside, ROBUST)
            return float(low), float(high)
        return float(inside.min()), float(inside.max())

    def _smooth(self, trace: Trace, weight: float) -> Floats:
        """Smoothed values; only new points are computed."""
        weight **= _gap(trace.steps)
        known = self._smoother
        stale = known is None or known.weight != weight or self._generation != trace.generation
        if stale or len(self._smoothed) > len(trace.values):
            self._smoother, self._smoothed, self._generation = Smoother(weight), np.zeros(0), trace.generation
        assert self._smoother is not None
        new = trace.values[len(self._smoothed) :]
        if len(new):
            self._smoothed = np.concatenate([self._smoothed, self._smoother.extend(new)])
        return self._smoothed


def _gap(steps: NDArray[np.int64]) -> int:
    """Median distance of points, so that curves recorded at every tenth step are not smoothed more than others."""
    return max(int(np.median(np.diff(steps[:MAX_GAPS]))), 1) if len(steps) > 1 else 1


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
    trace: Trace, values: Floats, log: bool, steps: tuple[float, float], points: int
) -> tuple[NDArray[Any], Floats]:
    """Points to draw, in the displayed unit and on the displayed axis."""
    x, y = decimate(trace.steps, values, *steps, points)
    y = y * trace.factor
    if log:
        y = np.log10(np.where(y > 0, y, np.nan))
    return x.astype(np.float64), np.where(np.isfinite(y), y, np.nan)


def _pen(color: QColor, width: float, dash: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(color, width, dash)
    pen.setCosmetic(True)
    return pen
