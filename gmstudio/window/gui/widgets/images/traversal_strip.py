"""Row of images along one latent direction, with a mark at the current position; click or drag to move it."""

import math
from typing import ClassVar

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import GAP, ImageGrid

IMAGE_PX = 56
LEAST_PX = 24
MARK_PX = 5


class TraversalStrip(ImageGrid):
    """Images in one row; positions are counted in images, 0 … N-1, and may lie between two images.

    Args:
        count: number of images in the row.

    Signals:
        scrubbed: position to which the pointer was dragged.
    """

    scrubbed = Signal(float)
    least_share: ClassVar[float] = 0.7

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = count
        self._position: float | None = None
        self._nearest = -1
        self._pressed_x: float | None = None
        self._dragging = False
        self.set_columns(count)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def set_count(self, count: int) -> None:
        """Set the number of images."""
        if count != self._count:
            self._count = count
            self.set_columns(count)
            self.updateGeometry()

    @property
    def position(self) -> float | None:
        """Position of the mark."""
        return self._position

    def set_position(self, position: float | None) -> None:
        """Move the mark, and outline the image nearest to it; None removes the mark."""
        if position == self._position:
            return
        self._position = position
        inside = position is not None and -0.5 <= position <= self._count - 0.5
        nearest = round(position) if inside and position is not None else -1
        if nearest != self._nearest:
            self._nearest = nearest
            self.set_selected(nearest)
        else:
            self.update(0, 0, self.width(), self._band() or self.height())

    def _band(self) -> int:
        """Height of the area above the images that shows the mark; 0 where there is no room for it."""
        free = math.floor(self.image_rect(0).top()) - 2
        return free if free >= MARK_PX else 0

    def set_captions(self, captions: list[str]) -> None:
        """Draw a caption below each image; the row becomes higher."""
        super().set_captions(captions)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Size for images of a legible size and their captions."""
        return QSize(self._count * IMAGE_PX // 2, self._height(IMAGE_PX))

    def minimumSizeHint(self) -> QSize:
        """Size for small images."""
        return QSize(self._count * LEAST_PX, self._height(LEAST_PX))

    def _height(self, image_px: int) -> int:
        return image_px + 2 * (MARK_PX + 1) + GAP + self._caption_height()

    def _x_of(self, position: float) -> float:
        first, last = self.image_rect(0).center().x(), self.image_rect(len(self.images) - 1).center().x()
        return first + (last - first) * position / max(1, len(self.images) - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the images and the mark above them; only the mark where nothing else changed."""
        if event.rect().bottom() >= self._band():
            super().paintEvent(event)
        if self._position is None or not len(self.images):
            return
        x = self._x_of(min(len(self.images) - 0.5, max(-0.5, self._position)))
        top = self._band() or MARK_PX
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("accent"))
            corners = (QPointF(x - MARK_PX, top - MARK_PX), QPointF(x + MARK_PX, top - MARK_PX), QPointF(x, top))
            painter.drawPolygon(QPolygonF(corners))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Click an image, or begin a drag of the mark."""
        self._pressed_x = event.position().x() if event.button() == Qt.MouseButton.LeftButton else None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the mark."""
        super().mouseMoveEvent(event)
        if self._pressed_x is None or not event.buttons() & Qt.MouseButton.LeftButton or len(self.images) < 2:
            return
        x = event.position().x()
        if abs(x - self._pressed_x) > 3 or self._dragging:
            self._dragging = True
            first, last = self._x_of(0), self._x_of(len(self.images) - 1)
            share = (x - first) / (last - first)
            self.scrubbed.emit(min(1.0, max(0.0, share)) * (len(self.images) - 1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        self._pressed_x, self._dragging = None, False
        super().mouseReleaseEvent(event)
