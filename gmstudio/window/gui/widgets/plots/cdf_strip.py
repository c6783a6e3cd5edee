"""Inverse transform sampling: the unit interval, divided into the CDF intervals of the values, and u in it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.distribution_paint import RIGHT_MARGIN
from gmstudio.window.gui.widgets.plots.distribution_view import LEFT_LABEL

BAR = 14
POINTER = 8


class CdfStrip(QWidget):
    """The interval [0, 1) from left to right; value v has a CDF interval of width p(v), and u lies in one of them.

    Attributes:
        probabilities: (L,) widths of the intervals; empty where there is no distribution.
        uniform: u, in [0, 1).
        marked: value whose interval holds u (or that was chosen instead), or None.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.probabilities: NDArray[np.floating] = np.zeros(0)
        self.uniform = 0.0
        self.marked: int | None = None
        self._shades = np.zeros((0, 3), np.uint8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def set_shares(
        self, probabilities: NDArray[np.floating], uniform: float, marked: int | None, shades: NDArray[np.uint8]
    ) -> None:
        """Show the CDF intervals and u.

        Args:
            probabilities: (L,) widths of the intervals; empty: nothing is shown.
            uniform: u, in [0, 1).
            marked: value whose interval is outlined, or None.
            shades: (L, 3) RGB of each interval.
        """
        self.probabilities, self.uniform, self.marked, self._shades = probabilities, uniform, marked, shades
        self.update()

    def sizeHint(self) -> QSize:
        """Height of the bar and the pointer above it."""
        return QSize(400, BAR + POINTER + 2)

    def bar_rect(self) -> QRectF:
        """Rectangle of the unit interval."""
        left = self.fontMetrics().horizontalAdvance(LEFT_LABEL) + 8
        return QRectF(left, POINTER, self.width() - left - RIGHT_MARGIN, BAR)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the intervals, the pointer at u and the outline of the marked interval."""
        with QPainter(self) as painter:
            bar = self.bar_rect()
            painter.setPen(theme().color("muted"))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, POINTER, bar.left() - 4, BAR), flags, "u   0")
            beside = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
            painter.drawText(QRectF(bar.right() + 4, POINTER, RIGHT_MARGIN - 4, BAR), beside, "1")
            if self.probabilities.size:
                self._paint_shares(painter, bar)
                self._paint_pointer(painter, bar)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme().color("border"))
            painter.drawRect(bar)

    def _edges(self, bar: QRectF) -> NDArray[np.float64]:
        """Borders of the intervals, (L + 1,) x coordinates."""
        cumulative = np.concatenate(([0.0], np.cumsum(self.probabilities, dtype=np.float64)))
        edges: NDArray[np.float64] = bar.left() + bar.width() * cumulative / cumulative[-1]
        return edges

    def _paint_shares(self, painter: QPainter, bar: QRectF) -> None:
        edges = self._edges(bar)
        line = QPen(theme().color("muted"), 1)
        for value in np.flatnonzero(np.diff(edges) > 0.25).tolist():
            share = QRectF(edges[value], bar.top(), edges[value + 1] - edges[value], bar.height())
            painter.fillRect(share, QColor(*self._shades[value].tolist()))
            if share.width() > 3:
                painter.setPen(line)
                painter.drawLine(share.topRight(), share.bottomRight())
        if self.marked is not None:
            painter.setPen(QPen(theme().color("mark"), 2))
            left, right = edges[self.marked], edges[self.marked + 1]
            painter.drawRect(QRectF(left, bar.top(), max(2.0, right - left), bar.height()))

    def _paint_pointer(self, painter: QPainter, bar: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = bar.left() + bar.width() * self.uniform
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("mark"))
        tip = QPointF(x, bar.top() + 2)
        painter.drawPolygon(QPolygonF([tip, tip + QPointF(-5, -POINTER - 1), tip + QPointF(5, -POINTER - 1)]))
