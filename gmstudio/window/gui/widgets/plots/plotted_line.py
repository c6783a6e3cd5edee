"""Painting of one line of a plot, with the band around it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gmstudio.window.gui.widgets.polylines import draw_polylines

BAND_ALPHA = 48
DOT_PX = 3.0

Floats = NDArray[np.float64]


def paint_band(painter: QPainter, low: Floats, high: Floats, colour: QColor) -> None:
    """Fill the room between two lines of places, (N, 2) pixels each; nothing where there are less than two."""
    if len(low) < 2 or len(high) < 2:
        return
    faint = QColor(colour)
    faint.setAlpha(BAND_ALPHA)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faint)
    around = np.concatenate([low, high[::-1]])
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in around.tolist()]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_line(painter: QPainter, places: Floats, colour: QColor, joined: bool, dashed: bool, dots: bool) -> None:
    """Paint places, (N, 2) pixels: joined by a line or not, that is dashed or not, and with dots or not."""
    if joined and dashed:
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in places.tolist()]))
    elif joined:
        draw_polylines(painter, places[None], colour, 2)
    if dots:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for x, y in places.tolist():
            painter.drawEllipse(QPointF(x, y), DOT_PX, DOT_PX)
        painter.setBrush(Qt.BrushStyle.NoBrush)
