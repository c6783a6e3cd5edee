"""Layout of a contact sheet: where the image at each place is, in the coordinates of the whole sheet."""

from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QPoint, QRect, Qt

from gmstudio.window.gui.widgets.images.grid import GAP, MARGIN

LEAST_CELL = 56
"""Smallest side of an image that is enlarged, in device-independent pixels."""
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
MARK_PX = 3
"""Height of the line above an image."""


@dataclass(frozen=True)
class SheetLayout:
    """Grid of equal cells, as many columns as fit, row by row from the top.

    Args:
        count: number of places.
        width: of the sheet, in device-independent pixels as all lengths.
        image_width: of an image, in its own pixels.
        image_height: of an image, in its own pixels.
        caption: height of a line below each image; 0: there is none.
    """

    count: int
    width: int
    image_width: int
    image_height: int
    caption: int = 0

    @cached_property
    def times(self) -> int:
        """Side of an image's pixel."""
        return max(1, -(-LEAST_CELL // max(self.image_width, self.image_height)))

    @cached_property
    def cell_width(self) -> int:
        """Width of a cell."""
        return self.image_width * self.times

    @cached_property
    def cell_height(self) -> int:
        """Height of an image."""
        return self.image_height * self.times

    @cached_property
    def row_height(self) -> int:
        """Distance of two rows."""
        return self.cell_height + MARK_PX + self.caption + GAP

    @cached_property
    def columns(self) -> int:
        """Number of columns."""
        return max(1, (self.width - 2 * MARGIN + GAP) // (self.cell_width + GAP))

    @cached_property
    def left(self) -> int:
        """Left edge of the first column."""
        return max(MARGIN, (self.width - self.columns * (self.cell_width + GAP) + GAP) // 2)

    @cached_property
    def height(self) -> int:
        """Height of the whole sheet."""
        return -(-self.count // self.columns) * self.row_height - GAP + 2 * MARGIN

    def rows_in(self, height: int) -> int:
        """Whole rows in a height, at least one."""
        return max(1, height // self.row_height)

    def rect(self, place: int) -> QRect:
        """Rectangle of the image at a place."""
        row, column = divmod(place, self.columns)
        top = MARGIN + row * self.row_height + MARK_PX
        return QRect(self.left + column * (self.cell_width + GAP), top, self.cell_width, self.cell_height)

    def whole_rect(self, place: int) -> QRect:
        """Rectangle of the image at a place with its mark, its caption and a margin."""
        return self.rect(place).adjusted(0, -MARK_PX - MARGIN, 0, self.caption + MARGIN)

    def place_at(self, point: QPoint) -> int:
        """Place at a point; -1 between and outside images."""
        column, x = divmod(point.x() - self.left, self.cell_width + GAP)
        row, y = divmod(point.y() - MARGIN, self.row_height)
        inside = 0 <= column < self.columns and row >= 0 and x < self.cell_width and y < self.row_height - GAP
        place = row * self.columns + column
        return place if inside and place < self.count else -1

    def first_at(self, top: int) -> int:
        """First place of the row at a vertical position."""
        return max(0, (top - MARGIN) // self.row_height) * self.columns

    def visible(self, top: int, height: int) -> range:
        """Places of which a part is between two vertical positions."""
        last = (top + height - MARGIN) // self.row_height
        return range(self.first_at(top), max(0, min((last + 1) * self.columns, self.count)))

    def target(self, key: Qt.Key, current: int, first: int, rows: int) -> int | None:
        """Place to which a key moves; it may lie outside the sheet for a page. None: the key does not move.

        Args:
            key: that was pressed.
            current: place from which it moves; −1: none.
            first: first visible place.
            rows: of a page.
        """
        if not self.count:
            return None
        if key in _STEPS:
            right, down = _STEPS[key]
            place = current + right + down * self.columns if current >= 0 else first
            return place if 0 <= place < self.count else current
        if key in _PAGES:
            return max(current, first) + _PAGES[key] * rows * self.columns
        return {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.count - 1}.get(key)
