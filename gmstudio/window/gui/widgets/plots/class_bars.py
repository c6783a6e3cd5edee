"""Horizontal bars of the number of images of each class, by split."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gmstudio.window.gui.theme import GRID, theme

NAME_SHARE = 0.4
"""Part of the width that names take at most."""


@dataclass(frozen=True)
class ClassRow:
    """Counts of a class.

    Args:
        label: its number.
        name: its name.
        counts: number of images in each split.
    """

    label: int
    name: str
    counts: tuple[int, ...]


class ClassBars(QWidget):
    """One row a class: its name, a bar of its parts in the splits, and its number of images.

    Signals:
        chosen: label of the class that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ClassRow, ...] = ()
        self._titles: tuple[str, ...] = ()
        self._selected: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self.update)

    @property
    def rows(self) -> tuple[ClassRow, ...]:
        """The classes on display."""
        return self._rows

    def set_rows(self, rows: Sequence[ClassRow], titles: Sequence[str]) -> None:
        """Show classes.

        Args:
            rows: the classes, from top to bottom.
            titles: of the splits, in the order of the counts.
        """
        rows, titles = tuple(rows), tuple(titles)
        if (rows, titles) != (self._rows, self._titles):
            resized = len(rows) != len(self._rows)
            self._rows, self._titles = rows, titles
            if resized:
                self.updateGeometry()
            self.update()

    def set_selected(self, label: int | None) -> None:
        """Mark the class whose images are shown; None: all are."""
        if label != self._selected:
            self._selected = label
            self.update()

    def sizeHint(self) -> QSize:
        """Height of all rows."""
        return QSize(200, len(self._rows) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        """Height of all rows."""
        return QSize(120, len(self._rows) * self._row_height())

    def name_width(self) -> int:
        """Pixels that names take, with the gap behind them."""
        metrics = QFontMetricsF(self.font())  # whole pixels, rounded down, would elide the longest name
        longest = max((metrics.horizontalAdvance(row.name) for row in self._rows), default=0.0)
        return min(math.ceil(longest) + 1 + GRID, int(NAME_SHARE * self.width()))

    def shown_name(self, row: ClassRow) -> str:
        """Name of a class, shortened where it is longer than the room for names."""
        return self.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideMiddle, self.name_width() - GRID)

    def _row_height(self) -> int:
        return self.fontMetrics().height() + GRID // 2

    def _row_at(self, position: QPoint) -> ClassRow | None:
        number = position.y() // self._row_height()
        return self._rows[number] if 0 <= number < len(self._rows) else None

    # ---- Qt ------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Show the counts of the class under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = self._row_at(event.pos())
            if row is not None:
                parts = ", ".join(f"{n:,} {title}" for n, title in zip(row.counts, self._titles, strict=True))
                QToolTip.showText(event.globalPos(), f"{row.name}: {parts}. Click to show only this class.", self)
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the class that is clicked."""
        row = self._row_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and row is not None:
            self.chosen.emit(row.label)
        else:
            super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that are exposed."""
        with QPainter(self) as painter:
            metrics, height = self.fontMetrics(), self._row_height()
            names = self.name_width()
            highest = max((sum(row.counts) for row in self._rows), default=0) or 1
            numbers = metrics.horizontalAdvance(f"{highest:,}") + GRID
            room = max(self.width() - names - numbers, 1)
            exposed = event.rect()
            first, last = exposed.top() // height, exposed.bottom() // height
            for number in range(max(first, 0), min(last + 1, len(self._rows))):
                row, top = self._rows[number], number * height
                if row.label == self._selected:
                    painter.fillRect(QRect(0, top, self.width(), height), theme().color("raised"))
                painter.setPen(theme().color("text"))
                name = self.shown_name(row)
                painter.drawText(QRect(0, top, names, height), Qt.AlignmentFlag.AlignVCenter, name)
                left = float(names)
                for split, count in enumerate(row.counts):
                    width = room * count / highest
                    painter.fillRect(QRect(round(left), top + 4, round(width), height - 8), theme().series(split))
                    left += width
                painter.setPen(theme().color("muted"))
                place = QRect(self.width() - numbers, top, numbers, height)
                flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
                painter.drawText(place, flags, f"{sum(row.counts):,}")
