"""View of a discrete distribution: bars, overlays, and the range of values in view."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.distribution_paint import (
    MANY,
    RIGHT_MARGIN,
    SHARES,
    SWATCH,
    Chart,
    paint_chart,
)
from gmstudio.window.gui.widgets.plots.value_axis import ProbabilityAxis, ValueAxis, quantiles

LEFT_LABEL = "0.015"
"""Widest label of the probability axis; widgets below the bars are aligned with them by it."""
CUT_FROM = 2.5
"""Ratio to the highest other bar from which the bars of the first and last value are cut off."""
MOST_CUT = 0.5
"""Probability of the end values from which they are never cut off."""
ROOM = 1.2
_QUANTILE_ROOM = 12


class DistributionView(QWidget):
    """Bars over the values 0 … L−1, of which one is marked; the view of many values can be zoomed.

    Attributes:
        probabilities: (L,) the bars; empty where there is no distribution.
        overlay: (L,) an outline, or None.
        other_model: (L,) distribution of another model, or None.
        components: (K, L) mixture components whose sum the bars are, or None.
        marked: the marked value, or None.
        candidate: candidate of the keyboard, or −1.
        values: axis of the values in view.
        fitting: the view follows the probability mass.
        log: probabilities are drawn on a logarithmic scale.

    Signals:
        view_changed: ``values``, ``fitting`` or ``log``.
    """

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.probabilities: NDArray[np.floating] = np.zeros(0)
        self.overlay: NDArray[np.floating] | None = None
        self.other_model: NDArray[np.floating] | None = None
        self.components: NDArray[np.floating] | None = None
        self.marked: int | None = None
        self.candidate = -1
        self.values = ValueAxis.whole(2)
        self.fitting = False
        self.log = False
        self._shades = np.zeros((0, 3), np.uint8)
        self._placeholder = ""
        self._typed = ""
        self._hover = -1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    @property
    def levels(self) -> int:
        """L, number of values."""
        return int(self.probabilities.size)

    @property
    def zoomable(self) -> bool:
        """There are enough values for zooming."""
        return self.levels >= MANY

    def set_distribution(
        self,
        probabilities: NDArray[np.floating],
        overlay: NDArray[np.floating] | None,
        marked: int | None,
        shades: NDArray[np.uint8],
        *,
        other_model: NDArray[np.floating] | None = None,
        components: NDArray[np.floating] | None = None,
    ) -> None:
        """Show a distribution.

        Args:
            probabilities: (L,) for the bars.
            overlay: (L,) for the outline, or None.
            marked: value to mark, or None.
            shades: (L, 3) RGB of each value in the image.
            other_model: (L,) distribution of another model, or None.
            components: (K, L) mixture components whose sum the bars are, or None.
        """
        if probabilities.size != self.levels:
            self.candidate, self._hover = -1, -1
            self.values = ValueAxis.whole(probabilities.size)
        self.probabilities, self.overlay, self.marked, self._shades = probabilities, overlay, marked, shades
        self.other_model, self.components = other_model, components
        self._typed = ""
        self._fit()
        self.update()

    def clear(self, text: str) -> None:
        """Show a sentence in place of a distribution."""
        self.probabilities, self.overlay, self.other_model, self.components = np.zeros(0), None, None, None
        self.marked = None
        self.candidate, self._hover, self._typed, self._placeholder = -1, -1, "", text
        self.update()

    # ---- which part of it ----------------------------------------------------------------------------------------

    def set_fitting(self, fitting: bool) -> None:
        """Show the range of nearly all probability mass, now and as it moves; or all values."""
        self.fitting = fitting
        if self.levels:
            self.values = ValueAxis.whole(self.levels)
        self._fit()
        self.update()
        self.view_changed.emit()

    def set_log(self, log: bool) -> None:
        """Draw probabilities on a logarithmic scale, or on a linear one."""
        self.log = log
        self.update()
        self.view_changed.emit()

    def show_values(self, values: ValueAxis) -> None:
        """Show this range of values, and stop following the probability mass."""
        if self.zoomable and values != self.values:
            self.values, self.fitting = values, False
            self.update()
            self.view_changed.emit()

    def _fit(self) -> None:
        """Follow the probability mass; a view that still holds it, and not much more, stays."""
        if not (self.fitting and self.zoomable):
            return
        shown = [p for p in (self.probabilities, self.overlay, self.other_model) if p is not None]
        best = ValueAxis.whole(self.levels).fitted(*shown)
        holds = self.values.low <= best.low and best.high <= self.values.high
        if not holds or self.values.span > 2.0 * best.span:
            self.values = best

    # ---- where things are --------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size for sixteen labelled bars."""
        return QSize(400, 190)

    def minimumSizeHint(self) -> QSize:
        """Smallest legible size."""
        return QSize(200, 104)

    def plot_rect(self) -> QRectF:
        """Rectangle of the bars."""
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance(LEFT_LABEL) + 8
        bottom = SWATCH + metrics.height() + 6 + (4 if self.zoomable else 0)
        top = metrics.height() + 10 + (_QUANTILE_ROOM if self.zoomable else 0)
        return QRectF(left, top, max(1, self.width() - left - RIGHT_MARGIN), max(1, self.height() - top - bottom))

    def chart(self) -> Chart:
        """Contents and geometry of the chart."""
        return Chart(
            probabilities=self.probabilities,
            overlay=self.overlay,
            other_model=self.other_model,
            components=self.components,
            marked=self.marked,
            shades=self._shades,
            values=self.values,
            heights=self._heights(),
            plot=self.plot_rect(),
        )

    def _heights(self) -> ProbabilityAxis:
        """The probability axis for the values in view.

        A discretized density puts the mass of its tails on the first and the last value: these bars may be cut off, so
        that they do not flatten all others.
        """
        visible = self.values.visible()
        shown = [p for p in (self.probabilities, self.overlay, self.other_model) if p is not None]
        parts = [p[visible.start : visible.stop] for p in shown]
        if self.log:
            positive = [float(part[part > 0].min()) for part in parts if (part > 0).any()]
            return ProbabilityAxis.logarithmic(min(positive, default=0.0))
        highest = max(float(part.max()) for part in parts)
        if self.zoomable:
            inner = max(float(p[max(1, visible.start) : min(self.levels - 1, visible.stop)].max()) for p in shown)
            heaped = max(float(p[0] + p[-1]) for p in shown)
            if highest > CUT_FROM * inner > 0 and heaped < MOST_CUT:
                highest = ROOM * inner
        return ProbabilityAxis.linear(highest)

    def bar_rect(self, value: int) -> QRectF:
        """Rectangle of the column of a value, from the axis to the top."""
        plot = self.plot_rect()
        width = plot.width() / self.values.span
        return QRectF(plot.left() + self.values.share(value) * plot.width(), plot.top(), width, plot.height())

    def value_at(self, position: QPointF) -> int:
        """Value whose column is at a point (bar, swatch or label); −1 outside."""
        plot = self.plot_rect()
        if not self.levels or not plot.left() <= position.x() < plot.right():
            return -1
        return self.values.value_at((position.x() - plot.left()) / plot.width())

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the chart, then the marks of pointer and keyboard."""
        with QPainter(self) as painter:
            if not self.levels:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self._placeholder)
                self._paint_focus(painter)
                return
            chart = self.chart()
            paint_chart(painter, chart, self.fontMetrics().horizontalAdvance(str(self.levels - 1)))
            self._paint_pointed(painter, chart.plot)
            self._paint_focus(painter)

    def _paint_pointed(self, painter: QPainter, plot: QRectF) -> None:
        """Draw a triangle under the marked value, and outlines of the hovered one and the candidate."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        visible = self.values.visible()
        if self.marked is not None and self.marked in visible:
            x, y = self.bar_rect(self.marked).center().x(), plot.bottom() + 1
            painter.setPen(QPen(theme().color("base"), 1))
            painter.setBrush(theme().color("mark"))
            painter.drawPolygon(QPolygonF([QPointF(x, y), QPointF(x - 6, y + 9), QPointF(x + 6, y + 9)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        with_keys = self.candidate if self.hasFocus() or self._typed else -1
        for value, role, style in (
            (self._hover, "muted", Qt.PenStyle.SolidLine),
            (with_keys, "text", Qt.PenStyle.DashLine),
        ):
            if value in visible:
                painter.setPen(QPen(theme().color(role), 1, style))
                outline = self.bar_rect(value).adjusted(0, 0, 0, SWATCH + 3)
                painter.drawRect(outline.intersected(plot.adjusted(0, 0, 0, SWATCH + 3)))
        self._paint_reading(painter, plot, self._hover if self._hover >= 0 else with_keys)

    def _paint_reading(self, painter: QPainter, plot: QRectF, value: int) -> None:
        """Label the value under the pointer above the bars; without one, their sum, and quantiles of many values."""
        line = QRectF(plot.left(), 0, plot.width(), self.fontMetrics().height())
        if value >= 0:
            painter.setPen(theme().color("text"))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, self._reading(value))
            return
        painter.setPen(theme().color("muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, self.sum_text())
        if self.zoomable:
            found = zip(SHARES, quantiles(self.probabilities, SHARES), strict=True)
            text = " · ".join(f"{'median' if share == 0.5 else f'P{share * 100:.0f}'} {at}" for share, at in found)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, text)

    def sum_text(self) -> str:
        """Sum of the bars, which shows that they are a distribution."""
        return f"Σ p = {float(self.probabilities.sum(dtype=np.float64)):.4g}"

    def _reading(self, value: int) -> str:
        """Text about a value and its probabilities."""
        p = float(self.probabilities[value])
        text = f"{value}: p = {p:.4g}"
        text += f", {-math.log(min(p, 1.0)):z.3f} nats" if p > 0 else ""
        if self.other_model is not None:
            text += f"; other {float(self.other_model[value]):.4g}"
        if self.overlay is not None:
            text += f"; tempered {float(self.overlay[value]):.4g}"
        return f"{self._typed}_ ⏎ chooses {text}" if self._typed else text

    def _paint_focus(self, painter: QPainter) -> None:
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme().color("accent"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
