"""Tree over training steps: a line for each run, joined to that of its parent at the step where it began."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme

ROW_PX, MARGIN_PX, AXIS_PX = 46, 16, 26
DOT_PX, LINE_PX = 4.0, 2.5
TICKS_PX = 120
"""Least distance of two numbers on the axis."""


@dataclass(frozen=True)
class TreeLine:
    """Line of a run.

    Args:
        key: identity.
        title: written above it.
        detail: written behind the title, less strongly.
        row: from above.
        begin: first step.
        end: last step.
        parent: row of its parent; None: it has none.
        dots: steps of its checkpoints.
        live: it grows.
    """

    key: str
    title: str
    detail: str
    row: int
    begin: int
    end: int
    parent: int | None = None
    dots: tuple[int, ...] = ()
    live: bool = False


class StepTree(QWidget):
    """Lines of runs over steps; a click, or the arrow keys, choose one.

    Signals:
        chosen: key of a line, and the step that was clicked, or −1.
    """

    chosen = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[TreeLine, ...] = ()
        self._current = ""
        self._mark: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        theme().changed.connect(self.update)

    @property
    def lines(self) -> tuple[TreeLine, ...]:
        """The lines, in the order of their rows."""
        return self._lines

    def set_lines(self, lines: Sequence[TreeLine], current: str, mark: int | None = None) -> None:
        """Show lines.

        Args:
            lines: in the order of their rows.
            current: key of the line that stands out.
            mark: step that is marked on it; None: none.
        """
        if (tuple(lines), current, mark) == (self._lines, self._current, self._mark):
            return
        self._lines, self._current, self._mark = tuple(lines), current, mark
        self.setMinimumHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """Room for all rows."""
        return QSize(360, len(self._lines) * ROW_PX + AXIS_PX + MARGIN_PX)

    # ---- places --------------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """Last step of all lines."""
        return max((line.end for line in self._lines), default=0)

    def x_of(self, step: int) -> float:
        """Horizontal place of a step."""
        return MARGIN_PX + step / max(self.last, 1) * (self.width() - 2 * MARGIN_PX)

    def step_at(self, x: float) -> int:
        """Step at a horizontal place."""
        share = (x - MARGIN_PX) / max(self.width() - 2 * MARGIN_PX, 1)
        return round(min(max(share, 0.0), 1.0) * self.last)

    def y_of(self, row: int) -> float:
        """Vertical place of the line of a row."""
        return row * ROW_PX + ROW_PX - 10.0

    def line_at(self, y: float) -> TreeLine | None:
        """Line whose row is at a vertical place."""
        row = int(y // ROW_PX)
        return self._lines[row] if 0 <= row < len(self._lines) else None

    # ---- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axis, lines and titles."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for line in self._lines:
                self._paint_line(painter, line)
            for line in self._lines:
                self._paint_title(painter, line)
            if self._lines:
                self._paint_axis(painter)
            if self.hasFocus():
                painter.setPen(QPen(theme().color("accent"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_line(self, painter: QPainter, line: TreeLine) -> None:
        current = line.key == self._current
        color = theme().color("accent" if current else "muted")
        y, start, end = self.y_of(line.row), self.x_of(line.begin), self.x_of(line.end)
        painter.setPen(QPen(color, LINE_PX if current else LINE_PX - 1))
        if line.parent is not None:
            painter.drawLine(QPointF(start, self.y_of(line.parent)), QPointF(start, y))
        painter.drawLine(QPointF(start, y), QPointF(max(end, start + 1), y))
        painter.setBrush(color)
        for step in line.dots:
            painter.drawEllipse(QPointF(self.x_of(step), y), DOT_PX, DOT_PX)
        if line.live:
            painter.setBrush(theme().color("base"))
            painter.drawEllipse(QPointF(end, y), DOT_PX + 1, DOT_PX + 1)
        if current and self._mark is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(self.x_of(self._mark), y), DOT_PX + 4, DOT_PX + 4)

    def _paint_title(self, painter: QPainter, line: TreeLine) -> None:
        """Write the title above the line and over those that cross it, further left where it would be cut."""
        current, start = line.key == self._current, self.x_of(line.begin)
        font = self.font()
        font.setBold(current)
        bold = QFontMetrics(font)
        words = f"  {line.detail}" if line.detail else ""
        width = bold.horizontalAdvance(line.title) + self.fontMetrics().horizontalAdvance(words)
        left = max(min(start + 6, self.width() - MARGIN_PX - width), 4.0)
        bottom = int(self.y_of(line.row) - 8)
        room = int(self.width() - left - 4)
        title = bold.elidedText(line.title, Qt.TextElideMode.ElideMiddle, room)
        box = QRectF(left - 2, bottom - bold.ascent(), min(width, room) + 4, bold.height())
        painter.fillRect(box, self.palette().window())
        painter.setFont(font)
        painter.setPen(self.palette().text().color())
        painter.drawText(QPointF(left, bottom), title)
        used = bold.horizontalAdvance(title)
        painter.setFont(self.font())
        painter.setPen(theme().color("muted"))
        rest = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, max(room - used, 0))
        painter.drawText(QPointF(left + used, bottom), rest)

    def _paint_axis(self, painter: QPainter) -> None:
        """Write steps below the lines."""
        spacing = _round_step(self.last * TICKS_PX / max(self.width() - 2 * MARGIN_PX, 1))
        y = len(self._lines) * ROW_PX + AXIS_PX - 8
        painter.setPen(QPen(QColor(theme().color("muted"))))
        for step in range(0, self.last + 1, spacing):
            text = f"{step:,}" if step else "step 0"
            width = self.fontMetrics().horizontalAdvance(text)
            left = min(max(self.x_of(step) - width / 2, 4.0), self.width() - width - 4.0)
            painter.drawText(QPointF(left, y), text)

    # ---- choosing ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the line of a row."""
        line = self.line_at(event.position().y())
        if line is not None and event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(line.key, self.step_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the whole words of a line in the tooltip."""
        line = self.line_at(event.position().y())
        self.setToolTip("" if line is None else f"{line.title}\n{line.detail}".strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the line above or below."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        rows = [line.key for line in self._lines]
        if not by or self._current not in rows:
            super().keyPressEvent(event)
            return
        place = rows.index(self._current) + by
        if 0 <= place < len(rows):
            self.chosen.emit(rows[place], -1)


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20 … that is not below a number."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10
