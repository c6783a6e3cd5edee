"""Background of a partial image: a hatch for pixels not yet sampled, and lines between large pixels."""

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme

GRID_FROM_SCALE = 10
"""Screen pixels per pixel from which lines between pixels are drawn."""


def blank_pixmap(device: QWidget, size: QSizeF) -> QPixmap:
    """Transparent picture of a size, in the resolution of the screen of ``device``."""
    ratio = device.devicePixelRatioF()
    pixmap = QPixmap((size * ratio).toSize())
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


class CanvasGround:
    """Cache of the hatch below the pixels and the lines above them, painted once per size and theme."""

    def __init__(self) -> None:
        self._hatch, self._grid = QPixmap(), QPixmap()
        self._key: tuple[float | bool, ...] = ()

    def pixmaps(self, device: QWidget, size: QSizeF, shape: tuple[int, int]) -> tuple[QPixmap, QPixmap]:
        """Hatch and lines for an image of (H, W) pixels painted on ``device`` in a size."""
        key = (size.width(), size.height(), *shape, device.devicePixelRatioF(), theme().dark)
        if self._key != key:
            self._key = key
            self._hatch, self._grid = blank_pixmap(device, size), blank_pixmap(device, size)
            whole = QRectF(0, 0, size.width(), size.height())
            painter = QPainter(self._hatch)
            painter.fillRect(whole, theme().color("base"))
            painter.fillRect(whole, QBrush(theme().color("border"), Qt.BrushStyle.BDiagPattern))
            painter.end()
            painter.begin(self._grid)
            _paint_lines(painter, whole, *shape)
            painter.end()
        return self._hatch, self._grid


def _paint_lines(painter: QPainter, whole: QRectF, rows: int, columns: int) -> None:
    painter.setPen(theme().color("border"))
    painter.drawRect(whole.adjusted(0, 0, -1, -1))
    scale = whole.width() / columns
    if scale < GRID_FROM_SCALE:
        return
    painter.setPen(QPen(QColor(128, 128, 128, 44), 1))
    for column in range(1, columns):
        painter.drawLine(QPointF(column * scale, 0), QPointF(column * scale, whole.height()))
    for row in range(1, rows):
        painter.drawLine(QPointF(0, row * scale), QPointF(whole.width(), row * scale))
