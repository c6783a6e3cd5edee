"""Scatter plot by label, in ten shapes and in colours that colour-blind readers can distinguish, and its legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF

from gmstudio.media.marks import mark_of
from gmstudio.window.gui.theme import theme

POINT_PX, MANY_PX = 5, 3
MANY, SMALL_MAP_PX = 300, 240
"""Number of points, and side of the map, at which points have full size; they are smaller beyond."""
LEGEND_ROW_PX = 18
MARK_PX = 16
GAP_PX = 10
MAX_ROWS = 2
DIMMED = 0.35


@dataclass(frozen=True, eq=False)
class Points:
    """Data points of a map.

    Args:
        places: (N, 2) float32 coordinates.
        labels: (N,) int64, or None.
        names: label → class name.
        hidden: labels whose points are not shown; the legend shows them dimmed.
    """

    places: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    hidden: frozenset[int] = frozenset()

    def present(self) -> list[int]:
        """Labels that occur, in order; none without labels."""
        return [] if self.labels is None else [int(label) for label in np.unique(self.labels)]

    def seen(self) -> NDArray[np.bool_]:
        """(N,) the point is shown."""
        if self.labels is None or not self.hidden:
            return np.ones(len(self.places), np.bool_)
        return ~np.isin(self.labels, list(self.hidden))

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
    if points.labels is None:
        groups = [(0, pixels)]
    else:
        shown = [label for label in points.present() if label not in points.hidden]
        groups = [(label, pixels[points.labels == label]) for label in shown]
    for label, places in groups:
        for x, y in places.tolist():
            _paint_mark(painter, label, x, y, size / 2 + 1)


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


def legend_entries(points: Points, metrics: QFontMetrics, area: QRectF) -> list[tuple[int, QRectF]]:
    """Labels of the legend and their rectangles, in as many rows as fit."""
    entries: list[tuple[int, QRectF]] = []
    for row, labels in enumerate(legend_lines(points, metrics, area.width())):
        x, y = area.left(), area.top() + row * LEGEND_ROW_PX
        if y + LEGEND_ROW_PX > area.bottom() + 2:
            break
        for label in labels:
            width = _entry_px(points, label, metrics)
            entries.append((label, QRectF(x, y, width, LEGEND_ROW_PX)))
            x += width
    return entries


def paint_legend(painter: QPainter, points: Points, area: QRectF) -> None:
    """Paint mark and name of each label; hidden ones are dimmed."""
    for label, rect in legend_entries(points, painter.fontMetrics(), area):
        painter.setOpacity(DIMMED if label in points.hidden else 1.0)
        _paint_mark(painter, label, rect.left() + 6, rect.center().y(), POINT_PX)
        painter.setPen(theme().color("text"))
        painter.drawText(rect.adjusted(MARK_PX, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, points.name(label))
    painter.setOpacity(1.0)


def _entry_px(points: Points, label: int, metrics: QFontMetrics) -> int:
    return MARK_PX + metrics.horizontalAdvance(points.name(label)) + GAP_PX


def _paint_mark(painter: QPainter, label: int, x: float, y: float, radius: float) -> None:
    """Paint the mark of a label with a rim that separates it from the images."""
    polygon = QPolygonF([QPointF(x + radius * dx, y + radius * dy) for dx, dy in mark_of(label)])
    painter.setPen(QPen(theme().color("base"), 2))
    painter.setBrush(theme().series(label))
    painter.drawPolygon(polygon)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(polygon)
