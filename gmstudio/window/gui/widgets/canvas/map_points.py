"""Scatter plot by label, in colours and shapes that colour-blind readers can distinguish, and its legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF

from gmstudio.window.gui.theme import theme

POINT_PX, MANY_PX = 5, 3
MANY, SMALL_MAP_PX = 300, 240
"""Number of points, and side of the map, at which points have full size; they are smaller beyond."""
LEGEND_ROW_PX = 18
MARK_PX = 16
GAP_PX = 10
MAX_ROWS = 2
COLORS = 8
"""Number of labels after which the colours repeat, on squares instead of dots."""


@dataclass(frozen=True, eq=False)
class Points:
    """Data points of a map.

    Args:
        places: (N, 2) float32 coordinates.
        labels: (N,) int64, or None.
        names: label → class name.
    """

    places: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]

    def present(self) -> list[int]:
        """Labels that occur, in order; none without labels."""
        return [] if self.labels is None else [int(label) for label in np.unique(self.labels)]

    def name(self, label: int) -> str:
        """Class name of a label."""
        return self.names[label] if 0 <= label < len(self.names) else str(label)


def point_px(count: int, side: float) -> int:
    """Diameter of a point, for a number of points on a map of this side, pixels."""
    return POINT_PX if count <= MANY and side >= SMALL_MAP_PX else MANY_PX


def paint_points(painter: QPainter, points: Points, pixels: NDArray[np.float64], size: int) -> None:
    """Paint the points at (N, 2) pixels, label by label, each with a rim that separates it from the images."""
    if not len(pixels):
        return
    groups = [(0, pixels)] if points.labels is None else [(k, pixels[points.labels == k]) for k in points.present()]
    rim = theme().color("base")
    for label, places in groups:
        polygon = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
        cap = _cap(label)
        painter.setPen(QPen(rim, size + 2, Qt.PenStyle.SolidLine, cap))
        painter.drawPoints(polygon)
        painter.setPen(QPen(theme().series(label), size, Qt.PenStyle.SolidLine, cap))
        painter.drawPoints(polygon)


def legend_rows(points: Points, metrics: QFontMetrics, width: float) -> int:
    """Number of rows of the legend in this width, at most ``MAX_ROWS``."""
    return min(MAX_ROWS, len(legend_lines(points, metrics, width)))


def legend_lines(points: Points, metrics: QFontMetrics, width: float) -> list[list[int]]:
    """Labels of each row of the legend: the smallest number of rows, of equal length where that fits."""
    labels = points.present() if len(points.places) else []
    taken = {label: _entry_px(points, label, metrics) for label in labels}
    lines: list[list[int]] = []
    room = 0.0
    for label in labels:
        if not lines or taken[label] > room:
            lines.append([])
            room = width + GAP_PX
        lines[-1].append(label)
        room -= taken[label]
    each = -(-len(labels) // max(1, len(lines)))
    even = [labels[start : start + each] for start in range(0, len(labels), max(1, each))]
    fits = all(sum(taken[label] for label in line) <= width + GAP_PX for line in even)
    return even if fits else lines


def paint_legend(painter: QPainter, points: Points, area: QRectF) -> None:
    """Paint mark and name of each label, in as many rows as fit."""
    metrics = painter.fontMetrics()
    for row, labels in enumerate(legend_lines(points, metrics, area.width())):
        x, y = area.left(), area.top() + row * LEGEND_ROW_PX
        if y + LEGEND_ROW_PX > area.bottom() + 2:
            return
        for label in labels:
            width = _entry_px(points, label, metrics)
            painter.setPen(QPen(theme().series(label), POINT_PX + 3, Qt.PenStyle.SolidLine, _cap(label)))
            painter.drawPoint(QPointF(x + 6, y + LEGEND_ROW_PX / 2))
            painter.setPen(theme().color("text"))
            room = QRectF(x + MARK_PX, y, width - MARK_PX, LEGEND_ROW_PX)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, points.name(label))
            x += width


def _entry_px(points: Points, label: int, metrics: QFontMetrics) -> int:
    return MARK_PX + metrics.horizontalAdvance(points.name(label)) + GAP_PX


def _cap(label: int) -> Qt.PenCapStyle:
    square = label // COLORS % 2
    return Qt.PenCapStyle.SquareCap if square else Qt.PenCapStyle.RoundCap
