"""A curve of a plot: its data, and its graphics, which draw no more than can be seen."""

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
"""How much of its colour an unsmoothed curve keeps behind the smoothed one."""
ONE_OF_MANY = 0.6
"""How much of its colour a curve keeps behind the one that sums up all of them."""
ROBUST = (0.5, 99.5)
"""Percentiles of a noisy curve that are in view; single spikes may leave it."""
MAX_TRAVEL = 10
"""A line that goes up and down more often than this is drawn without smoothed edges, which would take too long."""
MAX_GAPS = 64


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve.

    Args:
        key: what it is; a trace with the same key continues the one shown before.
        label: for the legend; traces with the same label are named once, their values side by side, and one without
            a label is not named.
        steps: (n,) rising.
        values: (n,).
        color: of its line.
        dash: of its line.
        validation: draw it strong, with markers, and never smoothed.
        factor: turns values into the unit shown.
        owner: whose curve it is, for the legend's tooltip.
        generation: another number than before says that points were taken back.
        among_many: draw it behind the others, in a colour nearer to the background.
        width: of a line that is neither smoothed nor of validation.
    """

    key: Hashable
    label: str
    steps: NDArray[np.int64]
    values: Floats
    color: QColor
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    validation: bool = False
    factor: float = 1.0
    owner: str = ""
    generation: int = 0
    among_many: bool = False
    width: float = 1.0

    def value_at(self, step: float) -> float:
        """The value at the last point not after a step; not a number before the first."""
        index = len(self.steps) if math.isinf(step) else int(np.searchsorted(self.steps, int(step), side="right"))
        index -= 1
        return float(self.values[index]) * self.factor if index >= 0 else float("nan")


class Line:
    """A curve's graphics: the line, and faintly behind it the unsmoothed one, or markers on a validation curve.

    Args:
        plot: where it is drawn.
        kept: as a picture, so that what moves over it does not have it drawn again.
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
        """Take it off the plot."""
        for item in (self._faint, self._main, self._markers):
            plot.removeItem(item)

    def draw(self, trace: Trace, smoothing: float, log: bool, steps: tuple[float, float], points: int) -> None:
        """Draw what can be seen."""
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
        """Smallest and largest value to be in view; None without any."""
        x, y = self._shown
        inside = y[(x >= steps[0]) & (x <= steps[1]) & np.isfinite(y)]
        if not len(inside):
            return None
        if self._robust and len(inside) > MAX_MARKERS:
            low, high = np.percentile(inside, ROBUST)
            return float(low), float(high)
        return float(inside.min()), float(inside.max())

    def _smooth(self, trace: Trace, weight: float) -> Floats:
        """The smoothed values; only new points are worked on."""
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
    """Usual distance of points, so that curves recorded at every tenth step lag no more than the others."""
    return max(int(np.median(np.diff(steps[:MAX_GAPS]))), 1) if len(steps) > 1 else 1


def _is_calm(y: Floats) -> bool:
    finite = y[np.isfinite(y)]
    if len(finite) < 2:
        return True
    return float(np.abs(np.diff(finite)).sum()) <= MAX_TRAVEL * float(finite.max() - finite.min())


def _mixed(color: QColor, background: QColor, share: float) -> QColor:
    """An opaque colour; half-transparent lines would be drawn slowly."""
    rest = 1 - share
    return QColor.fromRgbF(
        share * color.redF() + rest * background.redF(),
        share * color.greenF() + rest * background.greenF(),
        share * color.blueF() + rest * background.blueF(),
    )


def _visible(
    trace: Trace, values: Floats, log: bool, steps: tuple[float, float], points: int
) -> tuple[NDArray[Any], Floats]:
    """The points to draw, in the unit and on the axis shown."""
    x, y = decimate(trace.steps, values, *steps, points)
    y = y * trace.factor
    if log:
        y = np.log10(np.where(y > 0, y, np.nan))
    return x.astype(np.float64), np.where(np.isfinite(y), y, np.nan)


def _pen(color: QColor, width: float, dash: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(color, width, dash)
    pen.setCosmetic(True)
    return pen
