"""A plot of curves over training steps that stays quick with hundreds of thousands of points.

Data may arrive at any rate: the plot is redrawn by its own timer, at most twenty times a second, and draws only what
its width can show. It follows the data until the user zooms, and again after a double click.
"""

import math
import time
from collections.abc import Hashable
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPen, QShowEvent
from PySide6.QtWidgets import QGraphicsItem, QLabel, QVBoxLayout, QWidget

from gmstudio.gui.theme import theme
from gmstudio.gui.widgets.decimation import Floats, Smoother, decimate

REDRAW_MS = 50
LEGEND_TIP = "Values at the pointer, else the newest ones; not smoothed. ━ training, ● validation."
SIGNS = {Qt.PenStyle.DashLine: "╍", Qt.PenStyle.DotLine: "┈", Qt.PenStyle.DashDotLine: "┉"}
FAINT = 0.3
"""How much of its colour an unsmoothed curve keeps behind the smoothed one."""
MAX_MARKERS = 120
PADDING = 0.04
ROOM_X, ROOM_Y = 0.1, 0.25
"""How much of the view may stay empty before it is fitted anew."""
MIN_POINTS = 64
MAX_TRAVEL = 10
"""A line that goes up and down more often than this is drawn without smoothed edges, which would take too long."""
AXIS_WIDTH = 48
ROBUST = (0.5, 99.5)
"""Percentiles of a noisy curve that are in view; single spikes may leave it."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve.

    Args:
        key: what it is; a trace with the same key continues the one shown before.
        label: for the legend; traces with the same label are named once, their values side by side.
        steps: (n,) rising.
        values: (n,).
        color: of its line.
        dash: of its line.
        validation: draw it strong, with markers, and never smoothed.
        factor: turns values into the unit shown.
        owner: whose curve it is, for the legend's tooltip.
        generation: another number than before says that points were taken back.
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

    def value_at(self, step: float) -> float:
        """The value at the last point not after a step; not a number before the first."""
        index = len(self.steps) if math.isinf(step) else int(np.searchsorted(self.steps, int(step), side="right"))
        index -= 1
        return float(self.values[index]) * self.factor if index >= 0 else float("nan")


class Reading(NamedTuple):
    """A curve's value at the cursor."""

    trace: Trace
    value: float


class CurvePlot(QWidget):
    """Curves over steps, with a legend that reads their values.

    Args:
        title: above the plot.
        unit: of the values; may be empty.

    Signals:
        hovered: the step under the pointer (float), or None when it leaves.
        zoomed: the user changed what is in view; the plot stays there.
        follow_asked: a double click asks to follow the data again.
    """

    hovered = Signal(object)
    zoomed = Signal()
    follow_asked = Signal()

    def __init__(self, title: str, unit: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._unit = unit
        self._traces: list[Trace] = []
        self._lines: dict[Hashable, _Line] = {}
        self._smoothing = 0.0
        self._log = False
        self._redrawn_at = 0.0
        self._all_steps: tuple[int, int] | None = None
        self._cursor: float | None = None
        self.following_x = True
        self.following_y = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._legend = QLabel(self)
        self._legend.setWordWrap(True)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._view = pyqtgraph.PlotWidget(self, viewBox=_View(self))
        self._view.viewport().installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._legend)
        layout.addWidget(self._view, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.redraw)
        self._set_up_plot()
        theme().changed.connect(self._restyle)
        self._restyle()

    # ---- what it shows ---------------------------------------------------------------------------------------------

    def set_traces(self, traces: list[Trace]) -> None:
        """Show these curves; cheap, the drawing comes with the timer."""
        self._traces = traces
        self._schedule()

    def set_steps(self, extent: tuple[int, int] | None) -> None:
        """Follow these steps, first and last, instead of the plot's own; linked plots need the same."""
        self._all_steps = extent

    def set_unit(self, unit: str) -> None:
        """Name the unit of the values; another one makes the value axis follow anew."""
        if unit != self._unit:
            self._unit = unit
            self.following_y = True

    def set_smoothing(self, weight: float) -> None:
        """Smooth training curves by an exponential average; the unsmoothed ones stay faintly behind.

        Args:
            weight: of the past after one step, 0 to below 1.
        """
        self._smoothing = weight
        self._schedule()

    def set_log(self, on: bool) -> None:
        """Draw values on a logarithmic axis; values that are not positive have no place there."""
        self._log = on
        self._plot.getAxis("left").setLogMode(y=on)
        self.following_y = True
        self._schedule()

    def set_cursor(self, step: float | None) -> None:
        """Read the curves at a step; None: the newest values."""
        self._cursor = step
        self._crosshair.setVisible(step is not None)
        if step is not None:
            self._crosshair.setValue(step)
        self._write_legend()

    def follow(self) -> None:
        """Show all there is, and keep showing it."""
        self.following_x = self.following_y = True
        self._schedule()

    def link_x(self, other: "CurvePlot") -> None:
        """Show the same steps as another plot."""
        self._plot.setXLink(other._plot)

    def readings(self) -> list[Reading]:
        """Each curve's value at the cursor, or its newest."""
        end = math.inf if self._cursor is None else self._cursor
        return [Reading(t, t.value_at(end)) for t in self._traces if len(t.steps)]

    def view_range(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Steps and values (logarithms on a logarithmic axis) in view."""
        (x0, x1), (y0, y1) = self._plot.getViewBox().viewRange()
        return (float(x0), float(x1)), (float(y0), float(y1))

    # ---- drawing ---------------------------------------------------------------------------------------------------

    @property
    def _plot(self) -> Any:
        return self._view.getPlotItem()

    def _schedule(self) -> None:
        """Redraw soon; a hidden plot is drawn when it is shown."""
        if self.isVisible() and not self._timer.isActive():
            since_ms = (time.monotonic() - self._redrawn_at) * 1000
            self._timer.start(max(0, math.ceil(REDRAW_MS - since_ms)))

    def redraw(self) -> None:
        """Draw now; the timer calls it."""
        self._redrawn_at = time.monotonic()
        for key in [k for k in self._lines if k not in {t.key for t in self._traces}]:
            self._lines.pop(key).remove(self._plot)
        self._follow_x()
        (low, high), _ = self.view_range()
        spare = (high - low) / 4  # so that a pan shows no empty edge before the next redraw
        points = max(self._view.width(), MIN_POINTS)
        for trace in self._traces:
            if trace.key not in self._lines:
                self._lines[trace.key] = _Line(self._plot)
            self._lines[trace.key].draw(trace, self._smoothing, self._log, (low - spare, high + spare), points)
        self._follow_y((low, high))
        self._write_legend()

    def _follow_x(self) -> None:
        filled = [t.steps for t in self._traces if len(t.steps)]
        if self.following_x and filled:
            low, high = self._all_steps or (min(int(s[0]) for s in filled), max(int(s[-1]) for s in filled))
            view, _ = self.view_range()
            if not _fits((low, max(high, low + 1)), view, ROOM_X):
                room = ROOM_X / 2 * max(high - low, 1)  # so that the axis need not move with every point
                self._plot.getViewBox().setXRange(low, high + room, padding=0)

    def _follow_y(self, steps: tuple[float, float]) -> None:
        extents = [e for line in self._lines.values() if (e := line.extent(steps)) is not None]
        if self.following_y and extents:
            low, high = min(e[0] for e in extents), max(e[1] for e in extents)
            if high - low < 1e-12 * max(abs(low), abs(high), 1e-12):
                half = max(abs(low) * 0.05, 1e-9)
                low, high = low - half, high + half
            _, view = self.view_range()
            if not _fits((low, high), view, ROOM_Y):
                self._plot.getViewBox().setYRange(low, high, padding=PADDING)

    def _write_legend(self) -> None:
        muted = theme().color("muted").name()
        at = "" if self._cursor is None else f" at step {self._cursor:,.0f}"
        unit = f" ({self._unit})" if self._unit else ""
        logarithm = ", logarithmic" if self._log else ""
        parts = [f"<b>{self._title}</b><span style='color:{muted}'>{unit}{logarithm}{at}</span>"]
        readings = self.readings()
        for label in dict.fromkeys(r.trace.label for r in readings):
            values = [_html(r) for r in readings if r.trace.label == label]
            parts.append(f"{label.replace(' ', '&nbsp;')}&nbsp;{'&nbsp;'.join(values)}")
        self._legend.setText(" &nbsp; ".join(parts))
        owners = {r.trace.owner: r.trace.color.name() for r in readings}
        rows = (f"<br><span style='color:{color}'>━</span> {escape(owner)}" for owner, color in owners.items())
        self._legend.setToolTip(LEGEND_TIP + ("".join(rows) if len(owners) > 1 else ""))

    # ---- the plot's parts ----------------------------------------------------------------------------------------

    def _set_up_plot(self) -> None:
        plot = self._plot
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.ctrlMenu.setParent(self, plot.ctrlMenu.windowFlags())  # else nobody deletes it
        plot.disableAutoRange()
        plot.showGrid(x=True, y=True, alpha=0.2)
        plot.getAxis("left").setWidth(AXIS_WIDTH)
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
            plot.getAxis(side).setStyle(maxTickLevel=0)
            plot.getAxis(side).setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # text is slow to paint
        self._crosshair = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._crosshair.setVisible(False)
        plot.addItem(self._crosshair, ignoreBounds=True)
        plot.getViewBox().sigRangeChangedManually.connect(self._on_zoomed)
        plot.getViewBox().sigXRangeChanged.connect(self._on_x_range_changed)
        plot.scene().sigMouseMoved.connect(self._on_mouse_moved)

    def _restyle(self) -> None:
        self._view.setBackground(theme().color("base"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(theme().color("muted"))
            axis.setTextPen(theme().color("muted"))
        self._crosshair.setPen(pyqtgraph.mkPen(theme().color("muted"), style=Qt.PenStyle.DashLine))
        self._schedule()

    def _on_zoomed(self, *_axes: object) -> None:
        self.following_x = self.following_y = False
        self.zoomed.emit()
        self._schedule()

    def _on_x_range_changed(self, *_range: object) -> None:
        if not self.following_x:
            self._schedule()

    def _on_mouse_moved(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        inside = box.sceneBoundingRect().contains(position)
        self.hovered.emit(round(float(box.mapSceneToView(position).x())) if inside else None)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Notice when the pointer leaves the plot."""
        if event.type() == QEvent.Type.Leave:
            self.hovered.emit(None)
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while it was hidden."""
        super().showEvent(event)
        self._schedule()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus and minus zoom, left and right move, Home follows the data again."""
        box = self._plot.getViewBox()
        (low, high), _ = self.view_range()
        match event.key():
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                box.scaleBy((0.8, 1.0))
            case Qt.Key.Key_Minus:
                box.scaleBy((1.25, 1.0))
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                sign = -1 if event.key() == Qt.Key.Key_Left else 1
                box.translateBy(x=sign * 0.1 * (high - low))
            case Qt.Key.Key_Home:
                self.follow_asked.emit()
                return
            case _:
                super().keyPressEvent(event)
                return
        self._on_zoomed()


class _View(pyqtgraph.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """A view box whose double click follows the data again."""

    def __init__(self, owner: CurvePlot) -> None:
        super().__init__(enableMenu=False)
        self._owner = owner

    def mouseDoubleClickEvent(self, event: Any) -> None:
        event.accept()
        self._owner.follow_asked.emit()


class _Line:
    """A curve's graphics: the line, and faintly behind it the unsmoothed one, or markers on a validation curve."""

    def __init__(self, plot: Any) -> None:
        # Segments one by one: stroking a dense zigzag as one path takes Qt ten times as long.
        self._faint = pyqtgraph.PlotCurveItem()
        self._main = pyqtgraph.PlotCurveItem()
        self._faint.setSegmentedLineMode("on")
        self._main.setSegmentedLineMode("on")
        self._markers = pyqtgraph.ScatterPlotItem(pxMode=True)
        for item, z in ((self._faint, 0), (self._main, 1), (self._markers, 2)):
            item.setZValue(z)
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
        width = 2.5 if trace.validation else 1.5 if smooth else 1.0
        pen = _pen(trace.color, width, trace.dash)
        self._main.setZValue(2 if trace.validation else 1)
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


def _fits(extent: tuple[float, float], view: tuple[float, float], room: float) -> bool:
    """Whether values are all in view and fill it but for ``room`` of it."""
    inside = view[0] <= extent[0] and extent[1] <= view[1]
    return inside and extent[1] - extent[0] >= (1 - room) * (view[1] - view[0])


def _gap(steps: NDArray[np.int64]) -> int:
    """Usual distance of points, so that curves recorded at every tenth step lag no more than the others."""
    return max(int(np.median(np.diff(steps[:MIN_POINTS]))), 1) if len(steps) > 1 else 1


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


def _html(reading: Reading) -> str:
    """A value for the legend, with the sign of its line."""
    trace = reading.trace
    sign = "●" if trace.validation else SIGNS.get(trace.dash, "━")
    value = "–" if np.isnan(reading.value) else f"{reading.value:.4g}"
    return f"<span style='color:{trace.color.name()}'>{sign}</span>&nbsp;<b>{value}</b>"


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
