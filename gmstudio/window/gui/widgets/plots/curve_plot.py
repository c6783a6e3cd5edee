"""Plot of curves over training steps that stays fast with hundreds of thousands of points.

Data may arrive at any rate: the plot is redrawn by its own timer, at most twenty times a second, and draws only as many
points as its width resolves. It follows the data until the user zooms, and again after a double click.
"""

import math
import time
from collections.abc import Hashable, Sequence
from html import escape
from typing import Any

import pyqtgraph  # type: ignore[import-untyped]
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.plots.curve_legend import Reading, legend_html, legend_tip
from gmstudio.window.gui.widgets.plots.curve_line import Line, Trace
from gmstudio.window.gui.widgets.plots.curve_nearest import nearest_trace
from gmstudio.window.gui.widgets.plots.curve_view import CurveView, move_view
from gmstudio.window.gui.widgets.plots.extents import fits, union
from gmstudio.window.gui.widgets.plots.legend_label import LegendLabel
from gmstudio.window.gui.widgets.plots.plot_axes import PlotAxes
from gmstudio.window.gui.widgets.plots.plot_note import PlotNote
from gmstudio.window.gui.widgets.plots.step_marks import StepMarks
from gmstudio.window.gui.widgets.when_styled import when_styled

REDRAW_MS = 50
BEYOND_LOG = "Values ≤ 0 have no place on a logarithmic axis: {}."
OUTLIERS_LEFT_OUT = "Outliers are beyond the view; double click for all."
PADDING = 0.04
ROOM_X, ROOM_Y = 0.1, 0.25
"""Share of the view that may stay empty before the view is fitted again."""
MIN_POINTS = 64


class CurvePlot(ActiveWidget):
    """Curves over steps, with a legend that reads their values.

    Args:
        title: above the plot.
        unit: of the values; may be empty.
        by: name of the horizontal axis, for example ``training step``.
        kept: cache the curves as pictures, which is faster where the cursor moves more often than the data.

    Attributes:
        marks: steps that are marked.

    Signals:
        clicked: the step (int) at which the user clicked.
        hovered: the step under the pointer (float), or None when it leaves.
        trace_clicked: key of the curve that was clicked, or None beside the curves.
        trace_hovered: key of the curve under the pointer; None: none is.
        zoomed: the user changed the view; the plot stops following the data.
        follow_wanted: a double click: follow the data again.
    """

    clicked = Signal(int)
    hovered = Signal(object)
    trace_clicked = Signal(object)
    trace_hovered = Signal(object)
    zoomed = Signal()
    follow_wanted = Signal()

    def __init__(
        self,
        title: str,
        unit: str = "",
        parent: QWidget | None = None,
        *,
        by: str = "training step",
        kept: bool = False,
    ) -> None:
        super().__init__(parent)
        self._kept = kept
        self._title = title
        self._unit = unit
        self._by, self._per_unit = by, 1
        self._place = ""
        self._traces: list[Trace] = []
        self._lines: dict[Hashable, Line] = {}
        self._smoothing, self._log = 0.0, False
        self._redrawn_at = 0.0
        self._all_steps: tuple[int, int] | None = None
        self._cursor: float | None = None
        self._whole = self._outliers = False
        self.following_x = True
        self.following_y = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._legend = LegendLabel(self)
        self._axes = PlotAxes(by)
        box = CurveView(self.follow_wanted.emit)
        self._view = pyqtgraph.PlotWidget(self, viewBox=box, axisItems=self._axes.items)
        # Its size hint is its present size, with which a page could never become smaller again.
        self._view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        when_styled(self._view, lambda: self._view.setMinimumSize(self._view.minimumSizeHint()))
        self._view.viewport().installEventFilter(self)
        self._note = PlotNote(self._view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._legend)
        layout.addWidget(self._view, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.redraw)
        self._set_up_plot()
        self.marks = StepMarks(self._plot)
        theme().changed.connect(self._restyle)
        self._restyle()

    # ---- what it shows ---------------------------------------------------------------------------------------------

    @property
    def traces(self) -> list[Trace]:
        """The curves."""
        return self._traces

    @property
    def by(self) -> str:
        """Name of the horizontal axis."""
        return self._by

    def set_traces(self, traces: list[Trace]) -> None:
        """Show these curves; cheap, as the timer draws them."""
        self._traces = traces
        self._schedule()

    def set_steps(self, extent: tuple[int, int] | None) -> None:
        """Follow these steps, first and last, instead of the plot's own; linked plots need the same."""
        self._all_steps = extent

    def set_axis(self, by: str, positions: Sequence[int] | None = None, unit: int = 1) -> None:
        """Set the horizontal axis of curves over frames that are numbered from 0.

        Args:
            by: name of the axis.
            positions: number at the tick of each frame, where it is not the frame's own; None: frame numbers.
            unit: steps that are one on the axis.
        """
        self._by, self._per_unit = by, unit
        self._axes.set_bottom(by, positions, unit)

    def set_title(self, title: str) -> None:
        """Set the title above the plot; another quantity makes both axes follow the data again."""
        if title != self._title:
            self._title, self.following_x, self.following_y = title, True, True

    def set_unit(self, unit: str) -> None:
        """Set the unit of the values; a change makes the value axis follow the data again."""
        if unit != self._unit:
            self._unit = unit
            self.following_y = True

    def set_smoothing(self, weight: float) -> None:
        """Smooth training curves by an exponential moving average; the unsmoothed ones stay faintly behind.

        Args:
            weight: of the past after one step, from 0 to below 1.
        """
        self._smoothing = weight
        self._schedule()

    def set_log(self, on: bool) -> None:
        """Draw values on a logarithmic axis; values that are not positive are left out."""
        self._log = on
        self._axes.set_log(on)
        self.following_y = True
        self._schedule()

    def set_cursor(self, step: float | None, place: str = "") -> None:
        """Read the curves at a step; None: the newest values. ``place`` labels the step, beside its number."""
        self._cursor, self._place = step, place
        self._crosshair.setVisible(step is not None)
        if step is not None:
            self._crosshair.setValue(step)
        self._write_legend()

    def follow(self) -> None:
        """Show all points, and follow new ones; called again, with the outliers that flatten the curves, or without."""
        if self.following_x and self.following_y:
            self._whole = self._outliers and not self._whole
        else:
            self._whole = False
        self.following_x = self.following_y = True
        self._schedule()

    def link_x(self, other: "CurvePlot") -> None:
        """Show the same steps as another plot."""
        self._plot.setXLink(other._plot)

    def readings(self) -> list[Reading]:
        """Value of each curve at the cursor, or its newest."""
        filled = [trace for trace in self._traces if len(trace.steps)]
        ends: dict[str, int] = {}
        for trace in filled:
            ends[trace.owner] = max(ends.get(trace.owner, 0), int(trace.steps[-1]))
        return [self._reading(trace, ends[trace.owner]) for trace in filled]

    @property
    def note(self) -> str:
        """Sentence on what is not in view, or ""."""
        return "" if self._note.isHidden() else self._note.text()

    def view_range(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Range of steps and of values (logarithms on a logarithmic axis) in view."""
        (x0, x1), (y0, y1) = self._plot.getViewBox().viewRange()
        return (float(x0), float(x1)), (float(y0), float(y1))

    def _reading(self, trace: Trace, end: int) -> Reading:
        """Read a curve at the cursor, or its newest value.

        Args:
            trace: the curve.
            end: last step of its run, beyond which it has no value.
        """
        step = math.inf if self._cursor is None else self._cursor
        if end < step < math.inf:
            return Reading(trace, math.nan)
        line = self._lines.get(trace.key)
        smoothed = math.nan if line is None else line.smoothed_at(trace, step)
        return Reading(trace, trace.value_at(step), smoothed, trace.recent_at(step))

    # ---- drawing ---------------------------------------------------------------------------------------------------

    @property
    def _plot(self) -> Any:
        return self._view.getPlotItem()

    def _schedule(self) -> None:
        """Redraw soon; a hidden plot is drawn when it is shown."""
        if self.active and not self._timer.isActive():
            since_ms = (time.monotonic() - self._redrawn_at) * 1000
            self._timer.start(max(0, math.ceil(REDRAW_MS - since_ms)))

    def redraw(self) -> None:
        """Draw now; called by the timer."""
        self._redrawn_at = time.monotonic()
        for key in [k for k in self._lines if k not in {t.key for t in self._traces}]:
            self._lines.pop(key).remove(self._plot)
        self._follow_x()
        (low, high), _ = self.view_range()
        spare = (high - low) / 4  # so that a pan shows no empty edge before the next redraw
        points = max(self._view.width(), MIN_POINTS)
        for trace in self._traces:
            if trace.key not in self._lines:
                self._lines[trace.key] = Line(self._plot, kept=self._kept)
            self._lines[trace.key].draw(trace, self._smoothing, self._log, (low - spare, high + spare), points)
        self._follow_y((low, high))
        self._write_note()
        self._write_legend(reserve=True)

    def _follow_x(self) -> None:
        filled = [t.steps for t in self._traces if len(t.steps)]
        if self.following_x and filled:
            low, high = self._all_steps or (min(int(s[0]) for s in filled), max(int(s[-1]) for s in filled))
            view, _ = self.view_range()
            high = max(high, low + 1)
            if not fits((low, high), view, ROOM_X):
                room = ROOM_X / 2 * (high - low)  # so that the axis need not move with every point
                self._plot.getViewBox().setXRange(low, high + room, padding=0)

    def _follow_y(self, steps: tuple[float, float]) -> None:
        lines = self._lines.values()
        extent = union([line.extent(steps, whole=self._whole) for line in lines])
        self._outliers = any(line.has_outliers(steps) for line in lines)
        self._axes.set_numbered(extent is not None)
        if self.following_y and extent is not None:
            low, high = extent
            if high - low < 1e-12 * max(abs(low), abs(high), 1e-12):
                half = max(abs(low) * 0.05, 1e-9)
                low, high = low - half, high + half
            _, view = self.view_range()
            if not fits((low, high), view, ROOM_Y):
                self._plot.getViewBox().setYRange(low, high, padding=PADDING)

    def _write_note(self) -> None:
        """Say what is not in view, and why."""
        beyond = [t.label for t in self._traces if t.key in self._lines and self._lines[t.key].beyond_log]
        sentences = [BEYOND_LOG.format(", ".join(dict.fromkeys(filter(None, beyond))) or self._title)] if beyond else []
        if self._outliers and self.following_y and not self._whole:
            sentences.append(OUTLIERS_LEFT_OUT)
        self._note.show_sentences(sentences)

    def _write_legend(self, *, reserve: bool = False) -> None:
        """Write the legend, and keep room for that of any point under the pointer, so that the plot stays in place."""
        readings = self.readings()
        if reserve:
            last = max((int(reading.trace.steps[-1]) for reading in readings), default=0)
            samples = {t.key: self._lines[t.key].sample(t) for t in self._traces}
            self._legend.reserve(self._title, self._details(last), readings, samples)
        self._legend.setText(legend_html(self._title, self._details(self._cursor), readings))
        self._legend.setToolTip(legend_tip(self.toolTip(), readings))

    def _details(self, cursor: float | None) -> str:
        """Unit, axis and place of the cursor, beside the title."""
        digits = ",.0f" if self._per_unit == 1 else ",.2f"
        at = "" if cursor is None else f" at {self._by} {cursor / self._per_unit:{digits}}"
        if self._place:
            at = f" · {escape(self._place)}"
        unit = f" ({self._unit})" if self._unit else ""
        logarithm = ", logarithmic" if self._log else ""
        return f"{unit}{logarithm}{at}"

    # ---- the plot's parts ----------------------------------------------------------------------------------------

    def _set_up_plot(self) -> None:
        plot = self._plot
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.ctrlMenu.setParent(self, plot.ctrlMenu.windowFlags())  # else it is never deleted
        plot.disableAutoRange()
        plot.showGrid(x=True, y=True, alpha=0.2)
        self._axes.set_up()
        self._axes.set_font(self.font())
        self._crosshair = pyqtgraph.InfiniteLine(angle=90, movable=False)
        self._crosshair.setVisible(False)
        plot.addItem(self._crosshair, ignoreBounds=True)
        plot.getViewBox().sigRangeChangedManually.connect(self._on_zoomed)
        plot.getViewBox().sigXRangeChanged.connect(self._on_x_range_changed)
        plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        plot.scene().sigMouseClicked.connect(self._on_mouse_clicked)

    def _restyle(self) -> None:
        self._view.setBackground(theme().color("base"))
        self._axes.restyle()
        self._crosshair.setPen(pyqtgraph.mkPen(theme().color("muted"), style=Qt.PenStyle.DashLine))
        self._schedule()

    def _on_zoomed(self, axes: Sequence[bool] = (True, True)) -> None:
        """Keep what the user chose on the axes that were zoomed or moved: horizontal, vertical."""
        self.following_x &= not axes[0]
        self.following_y &= not axes[1]
        self.zoomed.emit()
        self._schedule()

    def _on_x_range_changed(self, *_range: object) -> None:
        if not self.following_x:
            self._schedule()

    def _on_mouse_moved(self, position: QPointF) -> None:
        self.hovered.emit(self._step_at(position))
        self.trace_hovered.emit(self._trace_at(position))

    def _on_mouse_clicked(self, event: Any) -> None:
        step = self._step_at(event.scenePos())
        if step is not None and event.button() == Qt.MouseButton.LeftButton and not event.double():
            self.trace_clicked.emit(self._trace_at(event.scenePos()))
            self.clicked.emit(step)

    def _trace_at(self, position: QPointF) -> Hashable | None:
        return nearest_trace(self._traces, self._plot.getViewBox(), position, log=self._log)

    def _step_at(self, position: QPointF) -> int | None:
        """Step at a point of the scene; None outside the curves."""
        box = self._plot.getViewBox()
        return round(float(box.mapSceneToView(position).x())) if box.sceneBoundingRect().contains(position) else None

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Emit that the pointer left the plot; show no tooltip over the curves, as the legend has it."""
        if event.type() == QEvent.Type.Leave:
            self.hovered.emit(None)
            self.trace_hovered.emit(None)
        if event.type() == QEvent.Type.ToolTip:
            return True
        if event.type() == QEvent.Type.Resize:
            self._note.place()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Write the axes in the type of the legend."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._axes.set_font(self.font())

    def set_active(self, active: bool) -> None:
        """Draw the points that arrived while the plot was hidden."""
        if active:
            self._schedule()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom by plus and minus, move by left and right, follow the data again by Home."""
        if event.key() == Qt.Key.Key_Home:
            self.follow_wanted.emit()
        elif move_view(self._plot.getViewBox(), event.key()):
            self._on_zoomed()
        else:
            super().keyPressEvent(event)
