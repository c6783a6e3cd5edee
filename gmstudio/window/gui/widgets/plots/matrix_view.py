"""Matrix as a heat map with headings: hovered and chosen cells, by mouse and keyboard."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.overlays import diverging_table
from gmstudio.window.gui.widgets.images.heat import heat_table

GAP = 4
LEAST_ROW_PX, MOST_CELL_PX = 18, 96
SLACK = 4
"""Pixels beside a heading, whose width is not exact where its letters come from another font."""
HEADING_SHARE = 0.4
"""Of the width that the headings of the rows take at most."""
BRIGHT = 0.55
"""Luminance of a cell from which its number is black."""
STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}

Floats = NDArray[np.float64]
Align = Qt.AlignmentFlag


class MatrixView(QWidget):
    """Heat map of a matrix: a heading for each row and column, and the number in each cell that has room for it.

    The arrow keys move the current cell, Return or Space chooses it.

    Args:
        row_title: what the rows are.
        column_title: what the columns are.
        least_row_px: least height of a row; a view that has less height is to be scrolled.

    Signals:
        chosen: row and column of the cell that was clicked, or chosen by a key.
        read: sentence on the cell under the pointer, or the current one of the keyboard; empty: none.
    """

    chosen = Signal(int, int)
    read = Signal(str)

    def __init__(
        self, row_title: str, column_title: str, parent: QWidget | None = None, *, least_row_px: int = LEAST_ROW_PX
    ) -> None:
        super().__init__(parent)
        self._titles = row_title, column_title
        self._least_row_px = least_row_px
        self._values: Floats = np.zeros((0, 0))
        self._rows: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._signed, self._top, self._format = False, 1.0, ".2f"
        self._words: Callable[[int, int], str] = self._plain_words
        self._placeholder = ""
        self._current: tuple[int, int] | None = None
        self._marked: tuple[int, int] | None = None
        self._hovered: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def values(self) -> Floats:
        """The matrix on display, (R, C); without any rows: there is none."""
        return self._values

    @property
    def headings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and of the columns."""
        return self._rows, self._columns

    @property
    def marked(self) -> tuple[int, int] | None:
        """Row and column of the outlined cell; None: none is."""
        return self._marked

    def set_placeholder(self, text: str) -> None:
        """Set the text that stands where there is no matrix."""
        self._placeholder = text
        self.update()

    def set_matrix(
        self,
        values: Floats,
        rows: Sequence[str],
        columns: Sequence[str],
        *,
        signed: bool = False,
        top: float | None = None,
        number_format: str = ".2f",
        words: Callable[[int, int], str] | None = None,
    ) -> None:
        """Show a matrix.

        Args:
            values: (R, C); NaN: there is no number.
            rows: R names.
            columns: C names.
            signed: colours range from −``top`` to ``top``; otherwise from 0.
            top: largest value of the scale; None: that of the matrix.
            number_format: of the numbers.
            words: sentence on a cell by row and column; None: its headings and number.
        """
        if values.shape != self._values.shape:
            self._current = self._marked = self._hovered = None
        known = values[np.isfinite(values)]
        self._values, self._rows, self._columns = values, tuple(rows), tuple(columns)
        self._signed, self._format = signed, number_format
        self._top = top or float(np.abs(known).max(initial=0.0)) or 1.0
        self._words = words or self._plain_words
        self.updateGeometry()
        self.update()

    def clear(self) -> None:
        """Show the placeholder."""
        self.set_matrix(np.zeros((0, 0)), (), ())

    def set_marked(self, cell: tuple[int, int] | None) -> None:
        """Outline a cell."""
        self._marked = cell
        if cell is not None:
            self._current = cell
        self.update()

    def text(self, row: int, column: int) -> str:
        """Number of a cell; empty where there is none."""
        value = float(self._values[row, column])
        return format(value, self._format).replace("-", "−") if np.isfinite(value) else ""

    # ---- geometry ----------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size with legible rows."""
        return QSize(320, self._needed_height(22))

    def minimumSizeHint(self) -> QSize:
        """Smallest size; the rows are not lower than ``least_row_px``."""
        return QSize(200, max(self._needed_height(self._least_row_px), 120))

    def _needed_height(self, row_px: int) -> int:
        return 2 * self.fontMetrics().height() + 2 * GAP + len(self._rows) * row_px

    @property
    def area(self) -> QRectF:
        """Rectangle of the cells."""
        line = self.fontMetrics().height()
        widest = max((self.fontMetrics().horizontalAdvance(name) for name in self._rows), default=0)
        left = min(widest + SLACK, int(HEADING_SHARE * self.width())) + line + 2 * GAP
        top = 2 * line + GAP
        width, height = self.width() - left - 1, self.height() - top - 1
        columns, rows = max(len(self._columns), 1), max(len(self._rows), 1)
        return QRectF(left, top, min(width, columns * MOST_CELL_PX), min(height, rows * MOST_CELL_PX))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Rectangle of a cell."""
        area, (rows, columns) = self.area, self._values.shape
        wide, high = area.width() / columns, area.height() / rows
        return QRectF(area.left() + column * wide, area.top() + row * high, wide, high)

    def cell_at(self, place: QPointF | QPoint) -> tuple[int, int] | None:
        """Row and column at a point of the widget; None outside the cells."""
        area, (rows, columns) = self.area, self._values.shape
        if not rows or not columns or not area.contains(QPointF(place)):
            return None
        row = int((place.y() - area.top()) / area.height() * rows)
        column = int((place.x() - area.left()) / area.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint headings, cells, numbers and outlines."""
        with QPainter(self) as painter:
            if not self._values.size:
                painter.setPen(theme().color("muted"))
                flags = Align.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(QRectF(self.rect()).adjusted(8, 8, -8, -8), flags, self._placeholder)
                return
            self._paint_headings(painter)
            colours = self._colours()
            metrics = self.fontMetrics()
            widest = max(metrics.horizontalAdvance(self.text(*cell)) for cell in np.ndindex(self._values.shape))
            first = self.cell_rect(0, 0)
            numbers = widest + 2 <= first.width() and metrics.height() <= first.height() + 4
            for row, column in np.ndindex(self._values.shape):
                rect, colour = self.cell_rect(row, column), colours[row][column]
                painter.fillRect(rect.adjusted(0, 0, 0.5, 0.5), colour)
                if numbers:
                    dark = 0.299 * colour.redF() + 0.587 * colour.greenF() + 0.114 * colour.blueF() > BRIGHT
                    painter.setPen(QColor("black") if dark else QColor("white"))
                    painter.drawText(rect, Align.AlignCenter, self.text(row, column))
            self._outline(painter, self._hovered, "muted")
            self._outline(painter, self._marked, "mark")
            if self.hasFocus():
                self._outline(painter, self._current, "accent")

    def _outline(self, painter: QPainter, cell: tuple[int, int] | None, role: str) -> None:
        if cell is not None:
            painter.setPen(QPen(theme().color(role), 2))
            painter.drawRect(self.cell_rect(*cell).adjusted(1, 1, -1, -1))

    def _paint_headings(self, painter: QPainter) -> None:
        area, metrics = self.area, self.fontMetrics()
        line = metrics.height()
        painter.setPen(theme().color("muted"))
        painter.drawText(QRectF(area.left(), 0, self.width() - area.left(), line), Align.AlignLeft, self._titles[1])
        painter.save()
        painter.translate(0, area.bottom())
        painter.rotate(-90)
        painter.drawText(QRectF(0, 0, area.height(), line), Align.AlignRight, self._titles[0])
        painter.restore()
        painter.setPen(theme().color("text"))
        wide = int(self.cell_rect(0, 0).width())
        for column, name in enumerate(self._columns):
            rect = self.cell_rect(0, column)
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, max(wide - 2, 0))
            painter.drawText(QRectF(rect.left(), line, rect.width(), line), Align.AlignCenter, text)
        room = area.left() - line - 2 * GAP
        end = -1.0
        for row, name in enumerate(self._rows):
            rect = self.cell_rect(row, 0)
            middle = rect.center().y()
            if middle - line / 2 >= end:
                text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(room))
                flags = Align.AlignRight | Align.AlignVCenter
                painter.drawText(QRectF(line + GAP, middle - line / 2, room, line), flags, text)
                end = middle + line / 2 - 1

    def _colours(self) -> list[list[QColor]]:
        low = -self._top if self._signed else 0.0
        shares = np.nan_to_num((self._values - low) / (self._top - low)).clip(0.0, 1.0)
        table = diverging_table() if self._signed else heat_table()
        empty = theme().color("window")
        colours = table[(shares * 255).round().astype(np.int64)]
        missing = ~np.isfinite(self._values)
        return [
            [empty if missing[row, column] else QColor(*map(int, colours[row, column])) for column in range(wide)]
            for row, wide in enumerate([self._values.shape[1]] * self._values.shape[0])
        ]

    def _plain_words(self, row: int, column: int) -> str:
        return f"{self._rows[row]}, {self._columns[column]}: {self.text(row, column) or 'no value'}"

    # ---- pointer and keys --------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the cell under the pointer."""
        self._hover(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Read no cell."""
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.read.emit("" if cell is None else self._words(*cell))
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell."""
        cell = self.cell_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        if cell is None:
            super().mousePressEvent(event)
            return
        self._current = cell
        self.chosen.emit(*cell)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Take the keys that move and choose before shortcuts do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._values.size:
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in (*STEPS, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move and choose the current cell."""
        key = Qt.Key(event.key())
        if not self._values.size:
            super().keyPressEvent(event)
        elif key in STEPS:
            down, right = STEPS[key]
            row, column = self._current or (0, 0)
            if self._current is not None:
                row = min(max(row + down, 0), self._values.shape[0] - 1)
                column = min(max(column + right, 0), self._values.shape[1] - 1)
            self._current = row, column
            self.read.emit(self._words(row, column))
            self.setAccessibleDescription(self._words(row, column))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current is not None:
            self.chosen.emit(*self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Outline the current cell."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Outline no current cell."""
        super().focusOutEvent(event)
        self.update()
