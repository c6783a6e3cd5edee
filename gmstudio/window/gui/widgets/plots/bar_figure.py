"""Histogram or bar chart of one or more series, with a reference line."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.plot_scale import HEADROOM

LEFT, RIGHT, TOP, BOTTOM = 44, 8, 6, 20
NAMES = 18
"""Height of the row with the names of the series, above the bars."""
FILL = 0.55
"""Opacity of bars, so that overlapping series stay visible."""

Floats = NDArray[np.float64]


class BarFigure(QWidget):
    """Bars from zero upwards; several series overlap in a histogram and stand side by side otherwise.

    Signals:
        read: text about the bar under the pointer, or "".
        clicked: a click on the figure.
    """

    read = Signal(str)
    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: Floats = np.zeros((0, 0))
        self._edges: Floats | None = None
        self._reference: Floats | None = None
        self._series: tuple[str, ...] = ()
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def set_bars(
        self, values: NDArray[np.floating], series: tuple[str, ...], reference: NDArray[np.floating] | None = None
    ) -> None:
        """Show (S, N) values, one bar each, numbered from 0.

        Args:
            values: (S, N).
            series: S names, or none.
            reference: (N,) reference values, or None.
        """
        self._show(values, None, series, reference)

    def set_histogram(
        self,
        counts: NDArray[np.floating],
        edges: NDArray[np.floating],
        series: tuple[str, ...],
        reference: NDArray[np.floating] | None = None,
    ) -> None:
        """Show (S, N) counts of N bins between (N + 1) edges."""
        self._show(counts, edges.astype(np.float64), series, reference)

    def _show(
        self,
        values: NDArray[np.floating],
        edges: Floats | None,
        series: tuple[str, ...],
        reference: NDArray[np.floating] | None,
    ) -> None:
        self._values = np.nan_to_num(values.astype(np.float64))
        self._edges = edges
        self._reference = None if reference is None else np.nan_to_num(reference.astype(np.float64))
        self._series = series
        self.update()

    @property
    def span(self) -> tuple[float, float]:
        """Left and right end of the horizontal axis."""
        if self._edges is not None:
            return float(self._edges[0]), float(self._edges[-1])
        return -0.5, self._values.shape[1] - 0.5

    @property
    def top(self) -> float:
        """Value at the upper end."""
        highest = float(self._values.max(initial=0.0))
        if self._reference is not None:
            highest = max(highest, float(self._reference.max(initial=0.0)))
        return highest * HEADROOM or 1.0

    def color(self, number: int) -> QColor:
        """Colour of a series."""
        return QColor(theme().series(number))

    def words_at(self, x: float) -> str:
        """Values of the bars at a position of the horizontal axis, in words."""
        count = self._values.shape[1]
        if not count:
            return ""
        low, high = self.span
        index = min(max(int((x - low) / (high - low) * count), 0), count - 1)
        where = f"{index}" if self._edges is None else f"{self._edges[index]:.3g} to {self._edges[index + 1]:.3g}"
        names = self._series or ("",) * len(self._values)
        parts = [f"{name} {value:.4g}".strip() for name, value in zip(names, self._values[:, index], strict=True)]
        if self._reference is not None:
            parts.append(f"expected {self._reference[index]:.4g}")
        return f"{where}: {', '.join(parts)}"

    # ---- painting ----------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size for axes and bars."""
        return QSize(240, 140)

    def minimumSizeHint(self) -> QSize:
        """Smallest legible size."""
        return QSize(120, 80)

    def _frame(self) -> QRectF:
        top = TOP + (NAMES if self._series else 0)
        return QRectF(LEFT, top, max(self.width() - LEFT - RIGHT, 1), max(self.height() - top - BOTTOM, 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint axes, bars, the reference line and the names of the series."""
        with QPainter(self) as painter:
            frame = self._frame()
            painter.fillRect(frame, theme().color("base"))
            self._paint_axes(painter, frame)
            if self._values.size:
                for number in range(len(self._values)):
                    self._paint_series(painter, frame, number)
                if self._reference is not None:
                    self._paint_reference(painter, frame)
                self._paint_names(painter, frame)

    def _paint_series(self, painter: QPainter, frame: QRectF, number: int) -> None:
        series, count = self._values.shape
        slot = frame.width() / count
        share, shift = (1.0, 0.0) if self._edges is not None else (0.8 / series, 0.1 + 0.8 * number / series)
        color = self.color(number)
        if self._edges is not None and series > 1:
            color.setAlphaF(FILL)
        for index, value in enumerate(self._values[number]):
            height = frame.height() * max(value, 0.0) / self.top
            left = frame.left() + slot * (index + shift)
            painter.fillRect(QRectF(left, frame.bottom() - height, max(slot * share - 0.5, 1.0), height), color)

    def _paint_reference(self, painter: QPainter, frame: QRectF) -> None:
        assert self._reference is not None
        slot = frame.width() / len(self._reference)
        points = [
            QPointF(frame.left() + slot * (index + 0.5), frame.bottom() - frame.height() * value / self.top)
            for index, value in enumerate(self._reference)
        ]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("text"), 1.5, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF(points))

    def _paint_axes(self, painter: QPainter, frame: QRectF) -> None:
        painter.setPen(theme().color("grid"))
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        if not self._values.size:
            return
        painter.setPen(theme().color("muted"))
        for share in (0.0, 0.5, 1.0):
            y = frame.bottom() - share * frame.height() / HEADROOM
            painter.drawText(
                QRectF(0, y - 8, LEFT - 4, 16),
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                _short(share * self.top / HEADROOM),
            )
        low, high = self.span
        for value in self.labelled():
            x = frame.left() + (value - low) / (high - low) * frame.width()
            text = _short(value)
            width = painter.fontMetrics().horizontalAdvance(text)
            left = min(max(x - width / 2, frame.left()), frame.right() - width)
            painter.drawText(QPointF(left, frame.bottom() + 2 + painter.fontMetrics().ascent()), text)

    def labelled(self) -> tuple[float, ...]:
        """Labels of the horizontal axis: both ends and the middle."""
        if self._edges is None:
            last = self._values.shape[1] - 1
            return tuple(sorted({0, last // 2, last}))
        low, high = self.span
        return low, (low + high) / 2, high

    def _paint_names(self, painter: QPainter, frame: QRectF) -> None:
        right = frame.right() - 6
        for number in reversed(range(len(self._series))):
            name = self._series[number]
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(theme().color("text"))
            painter.drawText(QPointF(right - width, frame.top() - 6), name)
            painter.fillRect(QRectF(right - width - 14, frame.top() - 15, 10, 10), self.color(number))
            right -= width + 24

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the values of the bar under the pointer."""
        frame = self._frame()
        low, high = self.span
        x = low + (event.position().x() - frame.left()) / frame.width() * (high - low)
        self.read.emit(self.words_at(x) if self._values.size else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Emit a click."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()
        else:
            super().mousePressEvent(event)

    def leaveEvent(self, event: object) -> None:
        """Emit that no bar is under the pointer."""
        self.read.emit("")


def _short(value: float) -> str:
    """Format a number for an axis: three digits, and thousands in full."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"
