"""Groups of bars with their names, a bar in a group for each series."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.line_plot import GAP
from gmstudio.window.gui.widgets.plots.plot_scale import HEADROOM, ticks

SHARE = 0.78
"""Share of a group's width that its bars take."""
MAX_VALUES = 8
"""Groups up to which the values are written above the bars of a single series."""


class GroupedBars(QWidget):
    """Bars from zero upwards, with a legend above where there are several series."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._series: tuple[str, ...] = ()
        self._values: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._top = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def values(self) -> NDArray[np.float32]:
        """(S, N) values on display."""
        return self._values

    @property
    def top(self) -> float:
        """Value at the upper end."""
        return self._top or HEADROOM * float(np.nan_to_num(self._values).max(initial=0.0)) or 1.0

    def set_bars(
        self, labels: tuple[str, ...], series: tuple[str, ...], values: NDArray[np.float32], top: float = 0.0
    ) -> None:
        """Show bars.

        Args:
            labels: names of the N groups.
            series: names of the S bars in a group.
            values: (S, N), 0 or more.
            top: end of the scale; 0: a little above the largest value.
        """
        self._labels, self._series, self._values, self._top = labels, series, values, top
        self.update()

    def sizeHint(self) -> QSize:
        """Size in which bars and names are legible."""
        return QSize(240, 150)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(120, 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axis, bars, names and legend."""
        with QPainter(self) as painter:
            height = self.fontMetrics().height()
            marks = ticks(0.0, self.top)
            margin = max(self.fontMetrics().horizontalAdvance(f"{mark:g}") for mark in marks) + 2 * GAP
            above = height if len(self._series) > 1 or self._has_values else GAP
            area = QRectF(margin, above + GAP, self.width() - margin - GAP, self.height() - above - height - 2 * GAP)
            for mark in marks:
                y = area.bottom() - mark / self.top * area.height()
                painter.setPen(theme().color("grid"))
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(QRectF(0, y - height / 2, area.left() - GAP, height), flags, f"{mark:g}")
            if self._values.size:
                self._paint_bars(painter, area)
            if len(self._series) > 1:
                self._paint_legend(painter)

    @property
    def _has_values(self) -> bool:
        return len(self._series) == 1 and len(self._labels) <= MAX_VALUES

    def _paint_bars(self, painter: QPainter, area: QRectF) -> None:
        count, groups = self._values.shape
        room = area.width() / groups
        wide, height = room * SHARE / count, self.fontMetrics().height()
        for group in range(groups):
            left = area.left() + group * room + room * (1 - SHARE) / 2
            for number in range(count):
                value = float(np.nan_to_num(self._values[number, group]))
                tall = min(value / self.top, 1.0) * area.height()
                bar = QRectF(left + number * wide, area.bottom() - tall, max(wide - 1, 1.0), tall)
                painter.fillRect(bar, theme().series(number))
                if self._has_values:
                    painter.setPen(theme().color("text"))
                    place = QRectF(bar.center().x() - room / 2, bar.top() - height, room, height)
                    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{value:.4g}")
            painter.setPen(theme().color("muted"))
            place = QRectF(area.left() + group * room, area.bottom() + 1, room, height)
            text = self.fontMetrics().elidedText(self._labels[group], Qt.TextElideMode.ElideRight, int(room))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(theme().color("border"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())

    def _paint_legend(self, painter: QPainter) -> None:
        x, height = float(GAP), self.fontMetrics().height()
        for number, name in enumerate(self._series):
            painter.setPen(QPen(theme().series(number), 6))
            painter.drawLine(QPointF(x + 3, height / 2), QPointF(x + 11, height / 2))
            painter.setPen(theme().color("text"))
            width = self.fontMetrics().horizontalAdvance(name)
            painter.drawText(QRectF(x + 18, 0, width + 2, height), Qt.AlignmentFlag.AlignLeft, name)
            x += width + 34
