"""Grid of images with nearest-neighbour pixels: one atlas for all images, drawn at an integer scale."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.media.levels import to_display
from gmstudio.window.gui.theme import theme

GAP = 4
"""Device-independent pixels between two images."""
MARGIN = 4
FULL_GRID = 1.5
"""Smallest share of the largest scale that is accepted for a grid without empty cells."""
OPAQUE = 255
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


def to_qimage(image: NDArray[Any]) -> QImage:
    """Convert an image to a ``QImage`` (RGB32) that owns its memory.

    Args:
        image: (C, H, W) uint8, 0 … 255; C is 1 (grey) or 3 (RGB).

    Raises:
        ValueError: for any other shape or dtype.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.dtype != np.uint8:
        raise ValueError(f"An image is (1 or 3, H, W) uint8, not {image.shape} {image.dtype}.")
    return _qimage(_bgra(image))


def _bgra(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert (C, H, W) to (H, W, 4) in the byte order of RGB32 on a little-endian machine."""
    bgra = np.full((*image.shape[1:], 4), OPAQUE, np.uint8)
    bgra[..., :3] = np.moveaxis(image[::-1], 0, -1)
    return bgra


def _qimage(bgra: NDArray[np.uint8]) -> QImage:
    height, width, _ = bgra.shape
    return QImage(bgra.data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


class ImageGrid(QWidget):
    """Grid of images, as large as fits, each pixel a square of an integer number of screen pixels.

    Class attributes:
        least_share: an integer scale is used where it is at least this share of the largest scale that fits; below it
            the scale is fractional.

    With the focus, the arrow keys move the current image and Return or Space clicks it.

    Signals:
        clicked: index of the image that was clicked.
        hovered: index of the image under the pointer; -1 when it leaves.
    """

    clicked = Signal(int)
    hovered = Signal(int)
    least_share: ClassVar[float] = 0.0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: NDArray[np.uint8] = np.zeros((0, 1, 1, 1), np.uint8)
        self._atlas = QImage()
        self._captions: list[str] = []
        self._column_labels: list[str] = []
        self._columns: int | None = None
        self._placeholder = ""
        self._hover = -1
        self._current = -1
        self._selected = -1
        self._layout: tuple[int, float, QPoint] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    @property
    def images(self) -> NDArray[np.uint8]:
        """The images on display, (N, C, H, W) uint8, 0 … 255."""
        return self._images

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._laid_out()[0]

    def set_images(self, images: NDArray[Any]) -> None:
        """Show images.

        Args:
            images: (N, C, H, W) uint8, 0 … 255; C is 1 (grey) or 3 (RGB).

        Raises:
            ValueError: for any other shape or dtype.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3) or images.dtype != np.uint8:
            raise ValueError(f"Images are (N, 1 or 3, H, W) uint8, not {images.shape} {images.dtype}.")
        if images.shape != self._images.shape:
            self._layout = None
        self._images = images
        count, channels, height, width = images.shape
        # All images one below the other: the atlas needs no rearranging of memory.
        stacked = images.transpose(1, 0, 2, 3).reshape(channels, count * height, width)
        self._atlas = _qimage(_bgra(stacked)) if images.size else QImage()
        self._current = min(self._current, count - 1)
        self.update()

    def set_levels_images(self, images: NDArray[Any], levels: int) -> None:
        """Show images of levels ``0 … levels-1``, from black to white.

        Args:
            images: (N, C, H, W) integers below ``levels``.
            levels: 2 to 256.
        """
        self.set_images(to_display(images, levels))

    def set_captions(self, captions: list[str]) -> None:
        """Draw a caption below each image; an empty list removes the captions."""
        if bool(captions) != bool(self._captions):
            self._layout = None
        self._captions = list(captions)
        self.update()

    def set_column_labels(self, labels: list[str]) -> None:
        """Draw a label above each column; an empty list removes the labels."""
        if bool(labels) != bool(self._column_labels):
            self._layout = None
        self._column_labels = list(labels)
        self.update()

    def set_columns(self, columns: int | None) -> None:
        """Fix the number of columns; None chooses the number that gives the largest images."""
        if columns is not None and columns < 1:
            raise ValueError(f"{columns} columns; a grid has at least 1.")
        self._columns = columns
        self._layout = None
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no image."""
        self._placeholder = text
        self.update()

    def set_selected(self, index: int) -> None:
        """Outline an image in the accent colour; -1: none."""
        self._selected = index
        self.update()

    def point_at(self, index: int) -> None:
        """Outline an image as if it were under the pointer, without a signal; -1: none."""
        if index != self._hover:
            self._hover = index
            self.update()

    # ---- where things are ----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Square in which small images are legible."""
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(48, 48)

    def image_rect(self, index: int) -> QRectF:
        """Rectangle in which an image is painted, in the widget's coordinates."""
        columns, scale, origin = self._laid_out()
        width, height = self._cell(scale)
        row, column = divmod(index, columns)
        x = origin.x() + column * (width + GAP)
        y = origin.y() + row * (height + self._caption_height() + GAP)
        ratio = self.devicePixelRatioF()
        return QRectF(round(x * ratio) / ratio, round(y * ratio) / ratio, width, height)

    def index_at(self, position: QPoint) -> int:
        """Index of the image at a point of the widget; -1 between and outside images."""
        if not len(self._images):
            return -1
        columns, scale, origin = self._laid_out()
        width, height = self._cell(scale)
        column, x = divmod(position.x() - origin.x(), width + GAP)
        row, y = divmod(position.y() - origin.y(), height + self._caption_height() + GAP)
        index = int(row * columns + column)
        inside = 0 <= column < columns and x < width and y < height + self._caption_height()
        return index if inside and 0 <= index < len(self._images) else -1

    def _header_height(self) -> int:
        return self.fontMetrics().height() if self._column_labels else 0

    def _caption_height(self) -> int:
        return self.fontMetrics().height() if self._captions else 0

    def _cell(self, scale: float) -> tuple[float, float]:
        """Width and height of an image at ``scale`` device pixels per image pixel."""
        ratio = self.devicePixelRatioF()
        return self._images.shape[3] * scale / ratio, self._images.shape[2] * scale / ratio

    def _laid_out(self) -> tuple[int, float, QPoint]:
        """Columns, scale and top left corner, computed once per size and shape."""
        if self._layout is None:
            count = max(len(self._images), 1)
            columns = self._columns or self._best_columns(count)
            scale = self._scale(columns, count)
            width, height = self._cell(scale)
            rows = -(-count // columns)
            used_width = columns * (width + GAP) - GAP
            used_height = rows * (height + self._caption_height() + GAP) - GAP
            header = self._header_height()
            origin = QPoint(
                int((self.width() - used_width) / 2), int((self.height() - header - used_height) / 2) + header
            )
            self._layout = (columns, scale, origin)
        return self._layout

    def _best_columns(self, count: int) -> int:
        """Number of columns that gives the largest images, or nearly the largest where that leaves no empty cells."""

        def goodness(columns: int) -> tuple[float, int, int]:
            rows = -(-count // columns)
            empty = rows * columns - count
            return self._scale(columns, count) * (1.0 if empty else FULL_GRID), -empty, -abs(rows - columns)

        return max(range(1, count + 1), key=goodness)

    def _scale(self, columns: int, count: int) -> float:
        """Device pixels per image pixel: an integer where the images fit and stay large, else a fraction."""
        rows = -(-count // columns)
        ratio = self.devicePixelRatioF()
        free_width = self.width() - 2 * MARGIN - (columns - 1) * GAP
        free_height = self.height() - 2 * MARGIN - (rows - 1) * GAP - rows * self._caption_height()
        free_height -= self._header_height()
        _, _, height, width = self._images.shape
        scale = min(free_width * ratio / (columns * width), free_height * ratio / (rows * height))
        whole = float(int(scale))
        return whole if whole > self.least_share * scale else max(scale, 1 / max(width, height))

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint every image from the atlas, then captions and outlines."""
        with QPainter(self) as painter:
            if not len(self._images):
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
                return
            _, scale, _ = self._laid_out()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 1)
            _, _, height, width = self._images.shape
            exposed = QRectF(event.rect())
            for index in range(len(self._images)):
                target = self.image_rect(index)
                if exposed.intersects(target):
                    painter.drawImage(target, self._atlas, QRectF(0, index * height, width, height))
            self._paint_captions(painter)
            self._paint_column_labels(painter)
            self._paint_outlines(painter)

    def _paint_column_labels(self, painter: QPainter) -> None:
        """Paint the labels above the first row, leaving out those that would run into the one before."""
        columns = self._laid_out()[0]
        metrics, free = self.fontMetrics(), float("-inf")
        for index, label in enumerate(self._column_labels[: min(columns, len(self._images))]):
            rect, width = self.image_rect(index), metrics.horizontalAdvance(label)
            left = rect.center().x() - width / 2
            if left >= free:
                painter.drawText(QRectF(left - 1, rect.top() - metrics.height(), width + 2, metrics.height()), label)
                free = left + width + GAP

    def _paint_captions(self, painter: QPainter) -> None:
        painter.setPen(theme().color("muted"))
        metrics = self.fontMetrics()
        for index, caption in enumerate(self._captions[: len(self._images)]):
            rect = self.image_rect(index)
            below = QRectF(rect.left() - GAP / 2, rect.bottom(), rect.width() + GAP, metrics.height())
            text = metrics.elidedText(caption, Qt.TextElideMode.ElideRight, int(below.width()))
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_outlines(self, painter: QPainter) -> None:
        current = self._current if self.hasFocus() else -1
        for index, role, style in (
            (self._hover, "muted", Qt.PenStyle.SolidLine),
            (self._selected, "accent", Qt.PenStyle.SolidLine),
            (current, "accent", Qt.PenStyle.DashLine),
        ):
            if 0 <= index < len(self._images):
                painter.setPen(QPen(theme().color(role), 2, style))
                painter.drawRect(self.image_rect(index).adjusted(-1, -1, 1, 1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Recompute the layout."""
        self._layout = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Recompute the layout when the font, and with it the height of the captions, changes."""
        self._layout = None
        super().changeEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the index of the image under the pointer."""
        self._set_hover(self.index_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that no image is under the pointer."""
        self._set_hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Emit the index of the clicked image."""
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._click(index)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the current image by arrow keys; click it by Return or Space."""
        key = Qt.Key(event.key())
        if key in _STEPS and len(self._images):
            self._move_current(*_STEPS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self.clicked.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _click(self, index: int) -> None:
        self._current = index
        self.clicked.emit(index)
        self.update()

    def _move_current(self, columns: int, rows: int) -> None:
        per_row = self._laid_out()[0]
        target = max(self._current, 0) + columns + rows * per_row if self._current >= 0 else 0
        if 0 <= target < len(self._images):
            self._current = target
            self._set_hover(target)
            self.update()

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.hovered.emit(index)
            self.update()
