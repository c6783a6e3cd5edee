"""Horizontal bars of sizes with their names and values, the shortest of a kind beside the others."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import GRID, theme

BAR = 10
ROW_GAP = GRID


class SizeBar(NamedTuple):
    """A bar.

    Args:
        title: name of what has the size.
        value: its size, 0 or more.
        text: the value in words.
        own: drawn in the accent colour.
    """

    title: str
    value: float
    text: str
    own: bool = False


class SizeBars(QWidget):
    """Bars from a common zero, each below its name and value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[SizeBar, ...] = ()
        self._placeholder = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def bars(self) -> tuple[SizeBar, ...]:
        """The bars on display."""
        return self._bars

    def set_bars(self, bars: Sequence[SizeBar]) -> None:
        """Show bars from top to bottom."""
        self._bars = tuple(bars)
        self.setAccessibleDescription("; ".join(f"{bar.title}: {bar.text}" for bar in bars))
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there are no bars."""
        self._placeholder = text
        self.update()

    def row_height(self) -> int:
        """Height of a bar with its name, pixels."""
        return self.fontMetrics().height() + BAR + ROW_GAP

    def sizeHint(self) -> QSize:
        """Room for eight bars."""
        return QSize(280, 8 * self.row_height())

    def minimumSizeHint(self) -> QSize:
        """Room for eight bars of legible length."""
        return QSize(200, 8 * self.row_height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint names, values and bars."""
        with QPainter(self) as painter:
            painter.setPen(theme().color("muted"))
            if not self._bars:
                flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
                return
            longest = max(bar.value for bar in self._bars) or 1.0
            line = self.fontMetrics().height()
            for number, bar in enumerate(self._bars):
                top = number * self.row_height()
                words = QRectF(0, top, self.width(), line)
                font = QFont(self.font())
                font.setBold(bar.own)
                painter.setFont(font)
                painter.setPen(theme().color("text"))
                painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, bar.title)
                painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, bar.text)
                lane = QRectF(0, top + line + 1, self.width(), BAR)
                painter.fillRect(lane, theme().color("base"))
                length = max(lane.width() * bar.value / longest, 1.0)
                painter.fillRect(QRectF(0, lane.top(), length, BAR), theme().color("accent" if bar.own else "muted"))
