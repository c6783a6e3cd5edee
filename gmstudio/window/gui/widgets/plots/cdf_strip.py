"""How a uniform number chooses a value: the unit interval, cut into the values' shares, and where the number falls."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.distribution_view import LEFT_LABEL

BAR = 14
POINTER = 8


class CdfStrip(QWidget):
    """Shows [0, 1) from left to right; value v owns a share of width p(v), and the number u points into one.

    Attributes:
        probabilities: (L,) shares; empty when there is nothing to show.
        uniform: u, in [0, 1).
        marked: the value in whose share it falls (or that was chosen instead), or None.
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
        """Show shares and the number.

        Args:
            probabilities: (L,) widths of the shares; empty: nothing is shown.
            uniform: in [0, 1).
            marked: value whose share is outlined, or None.
            shades: (L, 3) RGB of each share.
        """
        self.probabilities, self.uniform, self.marked, self._shades = probabilities, uniform, marked, shades
        self.update()

    def sizeHint(self) -> QSize:
        """The bar and the pointer above it."""
        return QSize(400, BAR + POINTER + 2)

    def bar_rect(self) -> QRectF:
        """Where the unit interval is painted."""
        left = self.fontMetrics().horizontalAdvance(LEFT_LABEL) + 8
        return QRectF(left, POINTER, self.width() - left - 6, BAR)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the shares, the pointer and the outline of the share that it falls into."""
        painter = QPainter(self)
        bar = self.bar_rect()
        painter.setPen(theme().color("muted"))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, POINTER, bar.left() - 6, BAR), flags, "u")
        if self.probabilities.size:
            self._paint_shares(painter, bar)
            self._paint_pointer(painter, bar)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(theme().color("border"))
        painter.drawRect(bar)

    def _edges(self, bar: QRectF) -> NDArray[np.float64]:
        """(L + 1,) x of the shares' borders."""
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
