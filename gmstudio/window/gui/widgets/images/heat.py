"""Colour scale of surprisal, from low (dark) to high (bright), and its legend."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.media.heat import heat_colours as heat_colours
from gmstudio.media.heat import heat_table as heat_table
from gmstudio.window.gui.theme import theme

_SMALLEST_TOP = 1.0
_TICKS = 4


def scale_top(values: NDArray[np.floating], smallest: float = _SMALLEST_TOP) -> float:
    """Round upper bound (1, 2, 5, 10 … nats) of the magnitudes of values; NaN is ignored.

    Args:
        values: array of any shape.
        smallest: lower limit of the bound.
    """
    known = np.abs(values[~np.isnan(values)])
    largest = max(smallest, float(known.max()) if known.size else 0.0)
    decade = 10.0 ** math.floor(math.log10(largest))
    return next(decade * step for step in (1.0, 2.0, 5.0, 10.0) if largest <= decade * step * (1 + 1e-9))


class HeatLegend(QWidget):
    """Colour scale as a horizontal bar with ticks in nats.

    Attributes:
        top: value at the right end, in nats.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.top = _SMALLEST_TOP
        row = np.full((1, 256, 4), 255, np.uint8)
        row[0, :, :3] = heat_table()[:, ::-1]
        self._bar = QImage(row.data, 256, 1, QImage.Format.Format_RGB32).copy()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def set_top(self, top: float) -> None:
        """Set the value at the right end of the scale, in nats."""
        if top != self.top:
            self.top = top
            self.update()

    def sizeHint(self) -> QSize:
        """Height of the bar and a line of numbers."""
        return QSize(160, 12 + self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar and its numbers."""
        with QPainter(self) as painter:
            left, right = (self.fontMetrics().horizontalAdvance(text) / 2 + 2 for text in ("0.0", "≥ 00 nats"))
            bar = QRectF(left, 0.5, self.width() - left - right, 11)
            painter.drawImage(bar, self._bar)
            painter.setPen(theme().color("border"))
            painter.drawRect(bar)
            painter.setPen(theme().color("muted"))
            for tick in range(_TICKS + 1):
                x = bar.left() + bar.width() * tick / _TICKS
                text = f"{self.top * tick / _TICKS:g}"
                text = f"≥ {text} nats" if tick == _TICKS else text
                label = QRectF(x - 40, bar.bottom() + 2, 80, self.height())
                painter.drawText(label, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)
