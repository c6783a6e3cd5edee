"""Selection of points by a lasso or a rectangle."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPolygonF

Tool = Literal["pan", "lasso", "rectangle"]
LEAST_STEP = 3.0
"""Pixels between two corners of a lasso."""


class DrawnShape:
    """Lasso or rectangle that is being drawn, in pixels of the map.

    Args:
        tool: ``lasso`` or ``rectangle``.
        start: where it begins.
        adds: the points are added to those selected before.
    """

    def __init__(self, tool: Tool, start: QPointF, *, adds: bool) -> None:
        self.tool, self.adds = tool, adds
        self._corners = [start]

    def extend(self, at: QPointF) -> None:
        """Go on to a position."""
        if self.tool == "rectangle":
            self._corners = [self._corners[0], at]
        elif (at - self._corners[-1]).manhattanLength() >= LEAST_STEP:
            self._corners.append(at)

    def path(self) -> QPainterPath:
        """Outline, closed."""
        path = QPainterPath()
        if self.tool == "rectangle":
            path.addRect(QRectF(self._corners[0], self._corners[-1]).normalized())
        else:
            path.addPolygon(QPolygonF([*self._corners, self._corners[0]]))
        return path

    def inside(self, pixels: NDArray[np.float32], width: int, height: int) -> NDArray[np.int64]:
        """Return the numbers of the points inside, by the even-odd rule at the resolution of the map.

        Args:
            pixels: (N, 2) points.
            width: of the map.
            height: of the map.
        """
        if self.tool == "rectangle":
            area = QRectF(self._corners[0], self._corners[-1]).normalized()
            x, y = pixels[:, 0], pixels[:, 1]
            within = (x >= area.left()) & (x <= area.right()) & (y >= area.top()) & (y <= area.bottom())
            return np.flatnonzero(within)
        mask = QImage(max(1, width), max(1, height), QImage.Format.Format_Grayscale8)
        mask.fill(0)
        painter = QPainter(mask)
        painter.fillPath(self.path(), Qt.GlobalColor.white)
        painter.end()
        rows = np.frombuffer(mask.constBits(), np.uint8).reshape(mask.height(), mask.bytesPerLine())
        x, y = np.floor(pixels[:, 0]).astype(np.int64), np.floor(pixels[:, 1]).astype(np.int64)
        on_map = np.flatnonzero((x >= 0) & (x < mask.width()) & (y >= 0) & (y < mask.height()))
        inside: NDArray[np.int64] = on_map[rows[y[on_map], x[on_map]] > 0]
        return inside
