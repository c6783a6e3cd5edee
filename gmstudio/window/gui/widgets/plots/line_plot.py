"""Small plot of a few lines over a common axis, with their names, for pictures that change several times a second."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme

RIGHT, GAP = 10, 4
TICKS = 4
LEAST_ROOM = 40
"""Smallest side of the area of the lines that is drawn."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlotLine:
    """Line: its name and the coordinates of its points, (N,) each."""

    name: str
    x: Floats
    y: Floats


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Round numbers between two ends, about ``count`` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / count
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


class LinePlot(QWidget):
    """Lines, axes with titles, and a legend above.

    Args:
        x_title: name of the horizontal axis.
        y_title: name of the vertical axis, written above it.
    """

    def __init__(self, x_title: str, y_title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_title, self._y_title = x_title, y_title
        self._lines: tuple[PlotLine, ...] = ()
        self._x_range: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"{y_title} by {x_title}")
        theme().changed.connect(self.update)

    @property
    def lines(self) -> tuple[PlotLine, ...]:
        """The lines on display."""
        return self._lines

    def set_lines(self, lines: tuple[PlotLine, ...], x_range: tuple[float, float] | None = None) -> None:
        """Show lines.

        Args:
            lines: the lines; points that are not finite are left out.
            x_range: ends of the horizontal axis; None: as the lines need.
        """
        self._lines, self._x_range = lines, x_range
        self.update()

    @property
    def ranges(self) -> tuple[float, float, float, float]:
        """Ends of the axes: left, right, bottom, top; zero belongs to the vertical one."""
        points = [(line.x[good], line.y[good]) for line in self._lines for good in [np.isfinite(line.x * line.y)]]
        x = np.concatenate([np.zeros(0), *(pair[0] for pair in points)])
        y = np.concatenate([np.zeros(1), *(pair[1] for pair in points)])
        left, right = self._x_range or (float(x.min(initial=0.0)), float(x.max(initial=0.0)))
        bottom, top = float(y.min()), float(y.max())
        return left, right if right > left else left + 1.0, bottom, top if top > bottom else bottom + 1.0

    def sizeHint(self) -> QSize:
        """Size in which axes and lines are legible."""
        return QSize(240, 150)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(120, 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, lines and legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, bottom, top = self.ranges
        line_height = self.fontMetrics().height()
        marks = ticks(bottom, top)
        margin = max(self.fontMetrics().horizontalAdvance(f"{mark:g}") for mark in marks) + 2 * GAP
        area = QRectF(margin, 2 * line_height, self.width() - margin - RIGHT, self.height() - 4 * line_height - GAP)
        if area.width() < LEAST_ROOM or area.height() < LEAST_ROOM / 2:
            return
        self._paint_legend(painter)
        self._paint_axes(painter, area)
        painter.setClipRect(area.adjusted(-2, -2, 2, 2))
        for number, line in enumerate(self._lines):
            good = np.isfinite(line.x * line.y)
            x = area.left() + (line.x[good] - left) / (right - left) * area.width()
            y = area.bottom() - (line.y[good] - bottom) / (top - bottom) * area.height()
            painter.setPen(QPen(theme().series(number), 2))
            painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]))

    def _paint_legend(self, painter: QPainter) -> None:
        x, height = float(GAP), self.fontMetrics().height()
        for number, line in enumerate(self._lines):
            painter.setPen(QPen(theme().series(number), 3))
            painter.drawLine(QPointF(x, height / 2), QPointF(x + 14, height / 2))
            painter.setPen(theme().color("text"))
            width = self.fontMetrics().horizontalAdvance(line.name)
            painter.drawText(QRectF(x + 18, 0, width + 2, height), Qt.AlignmentFlag.AlignLeft, line.name)
            x += width + 34

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        left, right, bottom, top = self.ranges
        height = self.fontMetrics().height()
        painter.setPen(theme().color("muted"))
        painter.drawText(QRectF(GAP, height, area.right(), height), Qt.AlignmentFlag.AlignLeft, self._y_title)
        below = QRectF(area.left(), area.bottom() + height, area.width(), height)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._x_title)
        for mark in ticks(bottom, top):
            y = area.bottom() - (mark - bottom) / (top - bottom) * area.height()
            painter.setPen(theme().color("grid"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme().color("muted"))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - height / 2, area.left() - GAP, height), flags, f"{mark:g}")
        for mark in ticks(left, right):
            x = area.left() + (mark - left) / (right - left) * area.width()
            width = self.fontMetrics().horizontalAdvance(f"{mark:g}") + 2.0
            x = min(x - width / 2, self.width() - width)  # a number at the end of the axis stays inside
            painter.drawText(QRectF(x, area.bottom(), width, height), Qt.AlignmentFlag.AlignHCenter, f"{mark:g}")
        painter.setPen(theme().color("border"))
        painter.drawRect(area)
