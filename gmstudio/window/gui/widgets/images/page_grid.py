"""Page of a long sequence of images: a grid whose cells stay in place on every page, also on the last one."""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.widgets.images.grid import GAP, MARGIN, ImageGrid

LEAST_CELL = 48
"""Smallest side of an image that is enlarged, in device-independent pixels."""
WHEEL_STEP = 120


class PageGrid(ImageGrid):
    """Grid of as many equal cells as fit; the arrow keys and the wheel lead beyond its ends to other pages.

    Signals:
        capacity_changed: number of images of a page.
        beyond: 1 or -1, when an arrow key leads past the last or first image, or the wheel is turned.
    """

    capacity_changed = Signal(int)
    beyond = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell_size = QSize(LEAST_CELL, LEAST_CELL)
        self._capacity = 0
        self._turned = 0

    @property
    def capacity(self) -> int:
        """Number of images of a page."""
        return self._capacity

    def set_image_size(self, height: int, width: int) -> None:
        """Choose the cells for images of this size: whole multiples of their pixels, large enough to be seen."""
        times = max(1, -(-LEAST_CELL // max(height, width)))
        size = QSize(width * times, height * times)
        if size != self._cell_size:
            self._cell_size = size
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit as many cells as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn the page by whole notches."""
        self._turned += event.angleDelta().y()
        if abs(self._turned) >= WHEEL_STEP:
            self.beyond.emit(-1 if self._turned > 0 else 1)
            self._turned = 0
        event.accept()

    def _fit(self) -> None:
        columns = max(1, (self.width() - 2 * MARGIN + GAP) // (self._cell_size.width() + GAP))
        rows = max(1, (self.height() - 2 * MARGIN + GAP) // (self._cell_size.height() + GAP))
        if columns != self._columns:
            self.set_columns(columns)
        if columns * rows != self._capacity:
            self._capacity = columns * rows
            self._layout = None
            self.capacity_changed.emit(self._capacity)
        self.update()

    def _laid_out(self) -> tuple[int, float, QPoint]:
        """Columns, scale and corner of a full page, whatever the number of images."""
        if self._layout is None:
            columns = self._columns or 1
            scale = self._scale(columns, max(self._capacity, 1))
            width, _ = self._cell(scale)
            used = columns * (width + GAP) - GAP
            self._layout = (columns, scale, QPoint(max(MARGIN, int((self.width() - used) / 2)), MARGIN))
        return self._layout

    def _move_current(self, columns: int, rows: int) -> None:
        before = self._current
        super()._move_current(columns, rows)
        if self._current == before and before >= 0 and len(self._images):
            self.beyond.emit(1 if columns + rows > 0 else -1)

    def set_current(self, index: int) -> None:
        """Move the outline of the keyboard to an image; -1: none."""
        self._current = min(index, len(self._images) - 1)
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.update()
