"""Curve of two rates between 0 and 1, such as ROC or precision–recall, with a point on it that can be dragged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme

Floats = NDArray[np.float64]
LEFT, RIGHT, GAP = 40, 10, 4
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_POINTS = 1000
"""Points of a curve that are drawn; more would fall on the same pixels."""


@dataclass(frozen=True)
class Rates:
    """A curve.

    Args:
        x: (T,) float64, 0 … 1.
        y: (T,) float64, 0 … 1.
        colour: of the line.
        steps: draw it as steps, as between two points of precision and recall nothing is known.
    """

    x: Floats
    y: Floats
    colour: QColor
    steps: bool = False


class RateCurve(QWidget):
    """Square plot of one curve, on which the pointer or the arrow keys move a point.

    Args:
        title: above the plot.
        x_title: name of the horizontal axis.
        y_title: name of the vertical axis.
        diagonal: draw the curve of a detector that guesses.

    Signals:
        moved: number of the point of the curve to which the point was moved.
    """

    moved = Signal(int)

    def __init__(
        self, title: str, x_title: str, y_title: str, *, diagonal: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._x_title, self._y_title, self._diagonal = title, x_title, y_title, diagonal
        self._rates: Rates | None = None
        self._point = -1
        self._dragged = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def rates(self) -> Rates | None:
        """The curve on display."""
        return self._rates

    @property
    def point(self) -> int:
        """Number of the point that is marked; −1: none."""
        return self._point

    def set_rates(self, rates: Rates | None) -> None:
        """Show another curve, without a point; None: none."""
        self._rates, self._point = rates, -1
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if rates is None else Qt.FocusPolicy.StrongFocus)
        self.update()

    def set_title(self, title: str) -> None:
        """Set the words above the plot."""
        self._title = title
        self.update()

    def set_point(self, number: int) -> None:
        """Mark a point of the curve; −1: none."""
        if number != self._point:
            self._point = number
            self.update()

    def place_of(self, number: int) -> QPointF:
        """Position of a point of the curve."""
        assert self._rates is not None
        area = self.area
        x = area.left() + float(self._rates.x[number]) * area.width()
        return QPointF(x, area.bottom() - float(self._rates.y[number]) * area.height())

    def number_at(self, place: QPointF) -> int:
        """Return the number of the point of the curve that is nearest to a position; −1: there is no curve."""
        if self._rates is None or not len(self._rates.x):
            return -1
        area = self.area
        x = (place.x() - area.left()) / area.width()
        y = (area.bottom() - place.y()) / area.height()
        return int(np.argmin((self._rates.x - x) ** 2 + (self._rates.y - y) ** 2))

    @property
    def area(self) -> QRectF:
        """Rectangle of the plot."""
        line = self.fontMetrics().height()
        top = 2.5 * line
        return QRectF(LEFT, top, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - top - 2 * line - GAP))

    def sizeHint(self) -> QSize:
        """Size in which the curve is legible."""
        return QSize(220, 200)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(140, 130)

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, curve and point."""
        with QPainter(self) as painter:
            area = self.area
            painter.fillRect(area, theme().color("base"))
            self._paint_axes(painter, area)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._diagonal:
                painter.setPen(QPen(theme().color("muted"), 1, Qt.PenStyle.DashLine))
                painter.drawLine(area.bottomLeft(), area.topRight())
            if self._rates is None:
                return
            painter.setPen(QPen(self._rates.colour, 2))
            painter.drawPolyline(QPolygonF(self._points(area)))
            if 0 <= self._point < len(self._rates.x):
                place = self.place_of(self._point)
                painter.setPen(QPen(theme().color("text"), 2))
                painter.setBrush(theme().color("text") if self.hasFocus() else theme().color("base"))
                painter.drawEllipse(place, 5, 5)

    def _points(self, area: QRectF) -> list[QPointF]:
        assert self._rates is not None
        count = len(self._rates.x)
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(np.int64))
        xs = area.left() + self._rates.x[chosen] * area.width()
        ys = area.bottom() - self._rates.y[chosen] * area.height()
        points: list[QPointF] = []
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            if self._rates.steps and points:
                points.append(QPointF(x, points[-1].y()))
            points.append(QPointF(x, y))
        return points

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        line, metrics = self.fontMetrics().height(), self.fontMetrics()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        few = TICKS if area.width() > 5 * metrics.horizontalAdvance("0.00") else (0.0, 0.5, 1.0)
        for tick in few:
            x, y = area.left() + tick * area.width(), area.bottom() - tick * area.height()
            painter.setPen(theme().color("grid"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(theme().color("muted"))
            painter.drawText(QRectF(0, y - line / 2, LEFT - GAP, line), right, f"{tick:g}")
            width = metrics.horizontalAdvance(f"{tick:g}")
            painter.drawText(
                QPointF(min(x - width / 2, self.width() - width - 1), area.bottom() + line - 2), f"{tick:g}"
            )
        below = QRectF(0, area.bottom() + line, self.width(), line)
        elided = metrics.elidedText(self._x_title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, elided)
        elided = metrics.elidedText(self._y_title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRectF(0, line, self.width(), line), Qt.AlignmentFlag.AlignLeft, elided)
        painter.setPen(theme().color("text"))
        elided = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, elided)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the point, from any place of the plot."""
        if event.button() == Qt.MouseButton.LeftButton and self._rates is not None:
            self._dragged = True
            self._move_to(self.number_at(event.position()))
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the point along the curve."""
        if self._dragged:
            self._move_to(self.number_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Release the point."""
        self._dragged = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the point along the curve by arrow keys; Shift makes larger steps."""
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}.get(
            Qt.Key(event.key())
        )
        if direction is None or self._rates is None or self._point < 0:
            super().keyPressEvent(event)
            return
        count = len(self._rates.x)
        large = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = max(1, count // (20 if large else 200))
        self._move_to(min(max(self._point + direction * step, 0), count - 1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Fill the point."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Empty the point."""
        super().focusOutEvent(event)
        self.update()

    def _move_to(self, number: int) -> None:
        if number >= 0 and number != self._point:
            self.set_point(number)
            self.moved.emit(number)
