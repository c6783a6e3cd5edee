"""Grid of pairs: an image as it is beside the same image as a model will see it, both drawn at one size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gmstudio.window.gui.theme import GRID, theme

GAP = 2 * GRID
CHECKER = 6
"""Side of a square of the pattern behind transparent parts, in pixels."""
FORMATS = {
    1: QImage.Format.Format_Grayscale8,
    3: QImage.Format.Format_RGB888,
    4: QImage.Format.Format_RGBA8888,
}


@dataclass(frozen=True)
class Pair:
    """Two pictures of one image.

    Args:
        before: (H, W, C) uint8: grey, grey and alpha, RGB, or RGB and alpha; None: it cannot be decoded.
        after: (C, H, W) uint8, 0 … 255.
        caption: shown below.
        tip: shown under the pointer.
    """

    before: NDArray[np.uint8] | None
    after: NDArray[np.uint8]
    caption: str
    tip: str


class PairGrid(QWidget):
    """Pairs in rows and columns, as large as fits; the pictures of a pair stand side by side.

    Pictures keep their aspect ratio in equal squares. Enlarged ones have sharp pixels.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs: tuple[Pair, ...] = ()
        self._pictures: list[tuple[QImage | None, QImage]] = []
        self._placeholder = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs on display."""
        return self._pairs

    def set_pairs(self, pairs: Sequence[Pair]) -> None:
        """Show pairs."""
        self._pairs = tuple(pairs)
        self._pictures = [
            (None if pair.before is None else _picture(pair.before), _picture(np.moveaxis(pair.after, 0, -1)))
            for pair in pairs
        ]
        self.update()

    @property
    def placeholder(self) -> str:
        """The text shown while there is no pair."""
        return self._placeholder

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no pair."""
        self._placeholder = text
        self.update()

    def sizeHint(self) -> QSize:
        """Room for a dozen pairs."""
        return QSize(560, 400)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(200, 120)

    # ---- geometry ------------------------------------------------------------------------------------------------

    def _caption_height(self) -> int:
        return self.fontMetrics().height() + GRID // 2

    def _columns_and_side(self) -> tuple[int, int]:
        """Number of columns, and side of the squares, that make the pictures largest."""
        count = max(len(self._pairs), 1)

        def side(columns: int) -> int:
            rows = -(-count // columns)
            across = (self.width() - GAP * (columns + 1)) / columns - GRID
            down = (self.height() - GAP * (rows + 1)) / rows - self._caption_height()
            return int(max(min(across / 2, down), 8))

        columns = max(range(1, count + 1), key=side)
        return columns, side(columns)

    def pair_rects(self, index: int) -> tuple[QRect, QRect]:
        """Squares of the two pictures of a pair."""
        columns, side = self._columns_and_side()
        rows = -(-max(len(self._pairs), 1) // columns)
        width, height = 2 * side + GRID, side + self._caption_height()
        left = (self.width() - columns * width - (columns - 1) * GAP) // 2
        top = max(GRID, (self.height() - rows * height - (rows - 1) * GAP) // 2)
        row, column = divmod(index, columns)
        x, y = left + column * (width + GAP), top + row * (height + GAP)
        return QRect(x, y, side, side), QRect(x + side + GRID, y, side, side)

    def index_at(self, position: QPoint) -> int:
        """Index of the pair at a point; -1 between pairs."""
        for index in range(len(self._pairs)):
            before, after = self.pair_rects(index)
            if before.united(after).adjusted(0, 0, 0, self._caption_height()).contains(position):
                return index
        return -1

    # ---- Qt ------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Show the tip of the pair under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.index_at(event.pos())
            if index >= 0:
                QToolTip.showText(event.globalPos(), self._pairs[index].tip, self)
                return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint all pairs and their captions."""
        with QPainter(self) as painter:
            if not self._pairs:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
                return
            for index, (before, after) in enumerate(self._pictures):
                left, right = self.pair_rects(index)
                if before is None:
                    self._paint_bad(painter, left.united(right))
                else:
                    self._paint_picture(painter, left, before)
                    self._paint_picture(painter, right, after)
                self._paint_caption(painter, index, left.united(right))

    def _paint_picture(self, painter: QPainter, square: QRect, picture: QImage) -> None:
        size = picture.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        target = QRect(QPoint(0, 0), size)
        target.moveCenter(square.center())
        if picture.hasAlphaChannel():
            _paint_checkers(painter, target)
        smaller = size.width() * self.devicePixelRatioF() < picture.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smaller)
        painter.drawImage(target, picture)
        painter.setPen(theme().color("border"))
        painter.drawRect(target.adjusted(-1, -1, 0, 0))

    def _paint_bad(self, painter: QPainter, both: QRect) -> None:
        painter.setPen(theme().color("error"))
        painter.drawRect(both.adjusted(0, 0, -1, -1))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(both.adjusted(4, 4, -4, -4), flags, "Cannot be decoded")

    def _paint_caption(self, painter: QPainter, index: int, both: QRect) -> None:
        painter.setPen(theme().color("muted"))
        below = QRect(both.left(), both.bottom() + 2, both.width(), self._caption_height())
        text = self.fontMetrics().elidedText(self._pairs[index].caption, Qt.TextElideMode.ElideMiddle, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)


def _picture(image: NDArray[Any]) -> QImage:
    """Convert (H, W, C) uint8 to a ``QImage`` that owns its memory."""
    height, width, channels = image.shape
    if channels == 2:
        image = np.concatenate([np.repeat(image[..., :1], 3, axis=2), image[..., 1:]], axis=2)
        channels = 4
    pixels = np.ascontiguousarray(image, np.uint8)
    return QImage(pixels.data, width, height, width * channels, FORMATS[channels]).copy()


def _paint_checkers(painter: QPainter, target: QRect) -> None:
    """Paint the pattern that shows where a picture is transparent."""
    painter.save()
    painter.setClipRect(target)
    painter.fillRect(target, theme().color("base"))
    for row in range(-(-target.height() // CHECKER)):
        for column in range(row % 2, -(-target.width() // CHECKER), 2):
            corner = QRectF(target.left() + column * CHECKER, target.top() + row * CHECKER, CHECKER, CHECKER)
            painter.fillRect(corner, theme().color("border"))
    painter.restore()
