"""One image with nearest-neighbour pixels, as large as fits, with a signal after each painting."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import to_qimage

MARGIN = 4


class LiveImage(QWidget):
    """Image whose pixels are squares of an integer number of screen pixels where it fits.

    Signals:
        painted: at the end of each painting, the number of the image; 0 while there is none.
    """

    painted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._array: NDArray[np.uint8] | None = None
        self._number = 0
        self._placeholder = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The image on display, (C, H, W) uint8, 0 … 255; None: none."""
        return self._array

    def set_image(self, image: NDArray[Any] | None, number: int = 0) -> None:
        """Show an image.

        Args:
            image: (C, H, W) uint8, 0 … 255; C is 1 (grey) or 3 (RGB); None: the placeholder.
            number: emitted by ``painted`` when this image is on the screen.

        Raises:
            ValueError: for any other shape or dtype.
        """
        self._image = QImage() if image is None else to_qimage(image)
        self._array, self._number = image, number
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no image."""
        self._placeholder = text
        self.update()

    def sizeHint(self) -> QSize:
        """Square in which small images are legible; the layout may enlarge it."""
        return QSize(192, 192)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(96, 96)

    def height_at(self, width: int) -> int:
        """Height at which the image fills this width; 0 without an image."""
        if self._image.isNull():
            return 0
        free = (width - 2 * MARGIN) * self.devicePixelRatioF()
        scale = free / self._image.width()
        height = self._image.height() * (int(scale) if scale >= 1 else scale)
        return math.ceil(height / self.devicePixelRatioF()) + 2 * MARGIN

    def image_rect(self) -> QRectF:
        """Rectangle in which the image is painted, in the widget's coordinates."""
        return fitted_rect(self, self._image.width(), self._image.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the image and a thin frame, so that a black image has an edge."""
        painter = QPainter(self)
        if self._image.isNull():
            painter.setPen(theme().color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
        else:
            target = self.image_rect()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, target.width() < self._image.width())
            painter.drawImage(target, self._image)
            painter.setPen(QPen(theme().color("border"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(target.adjusted(-1, -1, 0, 0))
        painter.end()
        self.painted.emit(self._number)


def fitted_rect(widget: QWidget, columns: int, rows: int) -> QRectF:
    """Rectangle of an image in the middle of a widget; its pixels are squares of whole screen pixels where it fits.

    Args:
        widget: that paints the image.
        columns: of the image.
        rows: of the image.
    """
    ratio = widget.devicePixelRatioF()
    free_width, free_height = (widget.width() - 2 * MARGIN) * ratio, (widget.height() - 2 * MARGIN) * ratio
    scale = min(free_width / columns, free_height / rows)
    scale = float(int(scale)) if scale >= 1 else max(scale, 1e-3)
    width, height = columns * scale / ratio, rows * scale / ratio
    left, top = (widget.width() - width) / 2, (widget.height() - height) / 2
    return QRectF(round(left * ratio) / ratio, round(top * ratio) / ratio, width, height)
