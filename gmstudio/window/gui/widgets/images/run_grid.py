"""X/Y grid of samples: columns and rows with headers, one sheet of images and a caption in each cell."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gmstudio.media.heat import heat_table
from gmstudio.media.sheets import sheet
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import to_qimage

GAP, LEAST = 6, 72
"""Pixels between cells, and least side of the images of a cell."""
SCALE = 0.85
"""Share of the colour scale that figures span: its brightest end would not be seen on white."""
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class ShownCell(NamedTuple):
    """Content of a cell.

    Args:
        images: (N, C, H, W) uint8, 0 … 255; None: there are none.
        caption: below the images, for example the figure.
        share: place of the figure between the best (0) and the worst (1) of the grid; None: no colour.
        words: in place of missing images, and after the caption: where the run stands.
        tip: all about the cell.
    """

    images: NDArray[np.uint8] | None = None
    caption: str = ""
    share: float | None = None
    words: str = ""
    tip: str = ""


class RunGridView(QWidget):
    """Grid of cells; with the focus the arrow keys move the current cell, and Return clicks it.

    Signals:
        clicked: row and column of the cell that was clicked.
    """

    clicked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles = ("", "")
        self.columns: tuple[str, ...] = ()
        self.rows: tuple[str, ...] = ()
        self.cells: tuple[ShownCell, ...] = ()
        self.placeholder = ""
        self.current = -1
        self._pictures: dict[int, tuple[NDArray[np.uint8] | None, QImage]] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    def show_cells(
        self, titles: tuple[str, str], columns: Sequence[str], rows: Sequence[str], cells: Sequence[ShownCell]
    ) -> None:
        """Show a grid.

        Args:
            titles: of the fields of columns and rows.
            columns: value of each column.
            rows: value of each row.
            cells: row by row.
        """
        assert len(cells) == len(columns) * len(rows)
        if (titles, tuple(columns), tuple(rows)) != (self.titles, self.columns, self.rows):
            self.current = -1
        self.titles, self.columns, self.rows, self.cells = titles, tuple(columns), tuple(rows), tuple(cells)
        self._pictures = {index: self._picture(index) for index in range(len(self.cells))}
        self.updateGeometry()
        self.update()

    def set_placeholder(self, words: str) -> None:
        """Set the words that stand where there is no grid."""
        self.placeholder = words
        self.update()

    def _picture(self, index: int) -> tuple[NDArray[np.uint8] | None, QImage]:
        images, known = self.cells[index].images, self._pictures.get(index)
        if known is not None and known[0] is images:
            return known
        drawable = images is not None and images.size > 0
        return images, to_qimage(np.ascontiguousarray(sheet(images))) if drawable and images is not None else QImage()

    # ---- places --------------------------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        """Least size in which all cells are legible."""
        line = self.fontMetrics().height()
        width = self._left() + max(len(self.columns), 1) * (LEAST + GAP)
        return QSize(width, self._top() + max(len(self.rows), 1) * (LEAST + line + GAP))

    def sizeHint(self) -> QSize:
        """Size that it has without a layout."""
        return self.minimumSizeHint()

    def _top(self) -> int:
        return 2 * self.fontMetrics().height() + GAP

    def _left(self) -> int:
        metrics = self.fontMetrics()
        texts = (*self.rows, self.titles[1])
        return max((metrics.horizontalAdvance(text) for text in texts), default=0) + 2 * GAP

    def cell_rect(self, index: int) -> QRect:
        """Rectangle of a cell, with its caption."""
        columns, rows = max(len(self.columns), 1), max(len(self.rows), 1)
        width = max((self.width() - self._left()) // columns, LEAST)
        height = max((self.height() - self._top()) // rows, LEAST)
        row, column = divmod(index, columns)
        return QRect(self._left() + column * width, self._top() + row * height, width - GAP, height - GAP)

    def cell_at(self, place: QPoint) -> int:
        """Return the index of the cell at a place; −1: there is none."""
        return next((index for index in range(len(self.cells)) if self.cell_rect(index).contains(place)), -1)

    # ---- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Click a cell."""
        index = self.cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._click(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the current cell, or click it."""
        columns = len(self.columns)
        if event.key() in _STEPS and self.cells:
            right, down = _STEPS[Qt.Key(event.key())]
            row, column = divmod(max(self.current, 0), columns)
            if self.current >= 0:
                row = min(max(row + down, 0), len(self.rows) - 1)
                column = min(max(column + right, 0), columns - 1)
            self.current = row * columns + column
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current >= 0:
            self._click(self.current)
        else:
            super().keyPressEvent(event)

    def _click(self, index: int) -> None:
        self.current = index
        self.update()
        row, column = divmod(index, len(self.columns))
        self.clicked.emit(row, column)

    def event(self, event: QEvent) -> bool:
        """Show all about the cell under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.cell_at(event.pos())
            if index >= 0 and self.cells[index].tip:
                QToolTip.showText(event.globalPos(), self.cells[index].tip, self)
                return True
        return super().event(event)

    # ---- picture -------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw headers and cells."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("window"))
        painter.setPen(theme().color("muted"))
        if not self.cells:
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(2 * GAP, GAP, -2 * GAP, -GAP), int(flags), self.placeholder)
        else:
            self._draw_headers(painter)
            for index in range(len(self.cells)):
                self._draw_cell(painter, index)
        painter.end()

    def _draw_headers(self, painter: QPainter) -> None:
        line, left = self.fontMetrics().height(), self._left()
        middle = int(Qt.AlignmentFlag.AlignCenter)
        painter.drawText(QRect(left, 0, self.width() - left - GAP, line), middle, self.titles[0])
        corner = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(GAP, line, left, line), corner, self.titles[1])
        painter.setPen(theme().color("text"))
        for column, text in enumerate(self.columns):
            place = self.cell_rect(column)
            painter.drawText(QRect(place.left(), line, place.width(), line), middle, self._fitting(text, place.width()))
        for row, text in enumerate(self.rows):
            place = self.cell_rect(row * len(self.columns))
            painter.drawText(QRect(GAP, place.top(), left - GAP, place.height() - line), corner, text)

    def _draw_cell(self, painter: QPainter, index: int) -> None:
        cell, place, line = self.cells[index], self.cell_rect(index), self.fontMetrics().height()
        frame = place.adjusted(0, 0, 0, -line)
        picture = self._pictures[index][1]
        if picture.isNull():
            painter.setPen(QPen(theme().color("border"), 1, Qt.PenStyle.DashLine))
            painter.drawRect(frame.adjusted(0, 0, -1, -1))
            painter.setPen(theme().color("muted"))
            painter.drawText(frame, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), cell.words)
        else:
            frame = _inside(picture.size(), frame)
            painter.drawImage(frame, picture)
        below = QRect(place.left(), frame.bottom() + 1, place.width(), line)
        if cell.share is not None:
            colour = figure_colour(cell.share)
            painter.fillRect(below, colour)
            painter.setPen(QColor("black" if colour.lightnessF() > 0.55 else "white"))
        else:
            painter.setPen(theme().color("muted"))
        words = " · ".join(filter(None, (cell.caption, "" if picture.isNull() else cell.words)))
        painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), self._fitting(words, below.width()))
        if index == self.current:
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.drawRect(place.adjusted(1, 1, -1, -1))

    def _fitting(self, text: str, width: int) -> str:
        return self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)


def figure_colour(share: float) -> QColor:
    """Colour of a figure: the best is the brightest.

    Args:
        share: 0 is the best of the grid, 1 the worst.
    """
    red, green, blue = heat_table()[round((1 - share) * SCALE * 255)]
    return QColor(int(red), int(green), int(blue))


def _inside(size: QSize, frame: QRect) -> QRect:
    """Place of a picture in a frame: centred, each pixel a square of whole pixels where it fits."""
    share = min(frame.width() / size.width(), frame.height() / size.height())
    scale = max(int(share), 1) if share >= 1 else share
    width, height = round(size.width() * scale), round(size.height() * scale)
    left, top = frame.left() + (frame.width() - width) // 2, frame.top() + (frame.height() - height) // 2
    return QRect(left, top, width, height)
