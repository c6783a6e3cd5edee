"""An image beside the map of what its pixels cost, with one pointer in both.

Shapes: C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.media.heat import heat_colours
from gmstudio.media.levels import to_display
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.images.heat import heat_table, scale_top

LEGEND = 10
GAP = 2 * GRID


class CostMap(QWidget):
    """Image at the left, heat map of bits at the right or below it, whichever is larger, and the scale of the colours.

    Signals:
        read: text about the pixel under the pointer, or "".
    """

    read = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: QImage | None = None
        self._heat: QImage | None = None
        self._bits: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._levels: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)
        self._top = 1.0
        self._placeholder = ""
        self._pixel: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no image."""
        self._placeholder = text
        self.update()

    def show_image(self, levels: NDArray[np.uint8], num_levels: int, bits: NDArray[np.float32], top: float) -> None:
        """Show an image and its costs.

        Args:
            levels: (C, H, W).
            num_levels: 2 to 256.
            bits: (H, W) of each pixel.
            top: bits at the bright end of the colours.
        """
        self._levels, self._bits, self._top = levels, bits, top
        self._picture = to_qimage(np.ascontiguousarray(to_display(levels, num_levels)))
        self._heat = to_qimage(np.ascontiguousarray(heat_colours(bits, top).transpose(2, 0, 1)))
        self._pixel = None
        self.update()

    def clear(self) -> None:
        """Show no image."""
        self._picture = self._heat = None
        self._bits = np.zeros((0, 0), np.float32)
        self.update()

    @property
    def bits(self) -> NDArray[np.float32]:
        """(H, W) bits on display."""
        return self._bits

    def words_at(self, row: int, column: int) -> str:
        """Describe a pixel: its place, levels and bits."""
        values = ", ".join(map(str, self._levels[:, row, column].tolist()))
        word = "level" if len(self._levels) == 1 else "levels"
        return f"Row {row}, column {column}: {word} {values}, {self._bits[row, column]:.2f} bits"

    def sizeHint(self) -> QSize:
        """Two images of a digit, ten times enlarged."""
        return QSize(320, 560)

    def minimumSizeHint(self) -> QSize:
        """Two small images and the scale."""
        return QSize(160, 200)

    def places(self) -> tuple[QRectF, QRectF]:
        """Rectangles of the image and of the map."""
        height, width = self._bits.shape
        room_h = self.height() - LEGEND - self.fontMetrics().height() - 2 * GRID
        room_w = self.width()
        beside = min((room_w - GAP) / 2 / width, room_h / height)
        below = min(room_w / width, (room_h - GAP) / 2 / height)
        scale = max(beside, below, 0.1)
        if scale >= 1:
            scale = int(scale)
        size = QSize(max(int(scale * width), 1), max(int(scale * height), 1))
        second = QPointF(size.width() + GAP, 0) if beside >= below else QPointF(0, size.height() + GAP)
        first = QRectF(0, 0, size.width(), size.height())
        return first, first.translated(second)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint image, map, pointer and scale."""
        with QPainter(self) as painter:
            painter.setPen(theme().color("muted"))
            if self._picture is None or self._heat is None:
                flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
                return
            image, heat = self.places()
            for place, picture in ((image, self._picture), (heat, self._heat)):
                painter.drawImage(place, picture)
                painter.setPen(theme().color("border"))
                painter.drawRect(place.adjusted(-0.5, -0.5, 0, 0))
            if self._pixel is not None:
                row, column = self._pixel
                painter.setPen(QPen(theme().color("accent"), 2))
                for place in (image, heat):
                    side_x, side_y = place.width() / self._bits.shape[1], place.height() / self._bits.shape[0]
                    painter.drawRect(QRectF(place.left() + column * side_x, place.top() + row * side_y, side_x, side_y))
            self._paint_legend(painter, heat.bottom() + GRID)

    def _paint_legend(self, painter: QPainter, top: float) -> None:
        row = np.full((1, 256, 4), 255, np.uint8)
        row[0, :, :3] = heat_table()[:, ::-1]
        bar = QImage(row.data, 256, 1, QImage.Format.Format_RGB32)
        width = min(self.width() - 1.0, 240.0)
        painter.drawImage(QRectF(0, top, width, LEGEND), bar)
        painter.setPen(theme().color("muted"))
        words = QRectF(0, top + LEGEND, width, self.fontMetrics().height())
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(words, Qt.AlignmentFlag.AlignRight, f"{self._top:g} bits a pixel")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the pixel under the pointer."""
        self._point_at(self._pixel_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        """Read no pixel."""
        self._point_at(None)

    def _point_at(self, pixel: tuple[int, int] | None) -> None:
        if pixel != self._pixel:
            self._pixel = pixel
            self.read.emit("" if pixel is None else self.words_at(*pixel))
            self.update()

    def _pixel_at(self, position: QPointF) -> tuple[int, int] | None:
        if self._picture is None:
            return None
        height, width = self._bits.shape
        for place in self.places():
            if place.contains(position):
                row = int((position.y() - place.top()) / place.height() * height)
                column = int((position.x() - place.left()) / place.width() * width)
                return min(row, height - 1), min(column, width - 1)
        return None


def top_of(bits: NDArray[np.float32]) -> float:
    """Return the round upper end of the scale of a map of bits."""
    return scale_top(bits)
