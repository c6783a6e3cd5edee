"""Marks on the pixels of a partial image: observed, chosen, and sampled in some channels only."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from gmstudio.window.gui.theme import theme

DOTS_FROM_SCALE = 20
"""Screen pixels per pixel from which the channels of a pixel are marked by dots."""
CHANNEL_DOTS = (QColor("#ff4d4d"), QColor("#2fd06a"), QColor("#5b8cff"))
_RING = QColor(0, 0, 0, 200)


def paint_cut_corners(painter: QPainter, cells: Iterable[QRectF]) -> None:
    """Cut the lower right corner off pixels that are sampled in some channels only."""
    path = QPainterPath()
    for cell in cells:
        side, corner = 0.35 * cell.width(), cell.bottomRight()
        path.addPolygon(QPolygonF([corner, corner - QPointF(side, 0), corner - QPointF(0, side), corner]))
    painter.fillPath(path, theme().color("base"))
    painter.fillPath(path, QBrush(theme().color("muted"), Qt.BrushStyle.BDiagPattern))


def paint_colour_dots(painter: QPainter, cell: QRectF, there: NDArray[np.bool_]) -> None:
    """Paint a dot for each channel of a pixel, (3,) bool: full where sampled, a ring where not yet."""
    if cell.width() < DOTS_FROM_SCALE:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    radius = max(2.5, cell.width() / 16)
    for channel, dot in enumerate(CHANNEL_DOTS):
        centre = cell.topLeft() + QPointF((channel + 1) * cell.width() / 4, cell.height() / 4)
        painter.setPen(QPen(theme().color("base"), 3.5))
        painter.drawEllipse(centre, radius, radius)
        painter.setPen(QPen(dot, 1.5))
        painter.setBrush(dot if there[channel] else _RING)
        painter.drawEllipse(centre, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.restore()


def is_scattered(region: NDArray[np.bool_]) -> bool:
    """Test for a region (H, W) whose pixels mostly have few neighbours in it, so that borders would form a net."""
    together = np.count_nonzero(region[:, 1:] & region[:, :-1]) + np.count_nonzero(region[1:] & region[:-1])
    return bool(2 * together < np.count_nonzero(region))


def region_borders(region: NDArray[np.bool_], rect: QRectF, *, frame: bool = True) -> QPainterPath:
    """Border of a region of pixels.

    Args:
        region: (H, W).
        rect: rectangle of the image.
        frame: include the parts on the frame of the image.
    """
    rows, columns = region.shape
    width, height = rect.width() / columns, rect.height() / rows
    padded = np.pad(region, 1)
    across = padded[:-1, 1:-1] != padded[1:, 1:-1]
    along = padded[1:-1, :-1] != padded[1:-1, 1:]
    if not frame:
        across[[0, -1]] = False
        along[:, [0, -1]] = False
    path = QPainterPath()
    for edges, side in ((across, QPointF(width, 0)), (along, QPointF(0, height))):
        for row, column in np.argwhere(edges).tolist():
            start = rect.topLeft() + QPointF(column * width, row * height)
            path.moveTo(start)
            path.lineTo(start + side)
    return path


def paint_observed_border(painter: QPainter, border: QPainterPath) -> None:
    """Paint a dashed line between observed pixels and others."""
    for role, width, style in (("base", 4, Qt.PenStyle.SolidLine), ("good", 2, Qt.PenStyle.DashLine)):
        painter.setPen(QPen(theme().color(role), width, style))
        painter.drawPath(border)


def paint_observed_marks(painter: QPainter, cells: Iterable[QRectF]) -> None:
    """Paint a small square in the upper left corner of each observed pixel."""
    painter.setPen(QPen(theme().color("base"), 1))
    painter.setBrush(theme().color("good"))
    for cell in cells:
        side = max(4.0, min(9.0, cell.width() / 5))
        painter.drawRect(QRectF(cell.left() + 1, cell.top() + 1, side, side))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_chosen(painter: QPainter, cells: Iterable[QRectF]) -> None:
    """Paint a corner in the upper right of each pixel whose value the user chose."""
    painter.setPen(QPen(theme().color("base"), 1))
    painter.setBrush(theme().color("mark"))
    for cell in cells:
        side, corner = max(4.0, cell.width() * 0.3), cell.topRight()
        painter.drawPolygon(QPolygonF([corner, corner - QPointF(side, 0), corner + QPointF(0, side)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
