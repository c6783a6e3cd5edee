"""Canvas of a partial image with tools: pixels are picked for editing, or painted with a brush."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Pixel, PixelCanvas

Mode = Literal["go", "edit", "paint"]
_STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
_DO = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_ERASE = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class PaintCanvas(PixelCanvas):
    """``PixelCanvas`` with a tool.

    With the tools ``edit`` and ``paint`` and the focus, the arrow keys move a cursor, Return or Space applies the tool
    to the pixel under it, Backspace erases, and Escape deselects the tool.

    Attributes:
        mode: effect of a mouse press: ``go`` and ``edit`` click a pixel, ``paint`` begins a stroke.
        cursor_pixel: pixel under the cursor of the keyboard.
        brush: side of the brush, pixels.
        painted: (H, W) bool, the painted pixels, or None.
        hatches: painted pixels are hatched, not only tinted.

    Signals:
        stroke_begun: a stroke began; True if it erases (right button, Backspace).
        brushed: row and column of a pixel under the brush.
        stroke_ended: the stroke ended.
        edit_wanted: row and column of a pixel clicked with Ctrl.
        menu_wanted: row and column of a pixel, and the position on the screen.
        escaped: Escape was pressed.
    """

    stroke_begun = Signal(bool)
    brushed = Signal(int, int)
    stroke_ended = Signal()
    edit_wanted = Signal(int, int)
    menu_wanted = Signal(int, int, QPoint)
    escaped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode: Mode = "go"
        self.cursor_pixel: Pixel = (0, 0)
        self.brush = 1
        self.painted: NDArray[np.bool_] | None = None
        self.hatches = True
        self._last: Pixel | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_mode(self, mode: Mode, brush: int = 1) -> None:
        """Select a tool; ``brush``: side of the brush, pixels. A change of the tool ends the stroke."""
        if mode != self.mode:
            self._last = None
        self.mode, self.brush = mode, brush
        self.update()

    def set_cursor_pixel(self, row: int, column: int) -> None:
        """Move the cursor of the keyboard to a pixel; outside the image, to the nearest one."""
        if self.picture is not None:
            _, rows, columns = self.picture.image.shape
            self.cursor_pixel = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
            self.update()

    def set_painted(self, mask: NDArray[np.bool_] | None, *, hatches: bool = True) -> None:
        """Show the painted pixels, (H, W) bool, hatched or only tinted; None: none."""
        self.painted, self.hatches = mask, hatches
        self.update()

    # ---- painting it -------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint over the image: painted pixels, the brush, the cursor of the keyboard."""
        super().paintEvent(event)
        if self.picture is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.painted is not None and self._fits(self.painted):
                self._paint_painted(painter, self.painted)
            if self.mode != "go" and self.hasFocus():
                cell = self.pixel_rect(*self.cursor_pixel)
                for role, width in (("base", 4.0), ("text", 2.0)):
                    painter.setPen(QPen(theme().color(role), width))
                    painter.drawRect(cell.adjusted(1, 1, -1, -1))
            if self.mode == "paint" and self._hover is not None:
                painter.setPen(QPen(theme().color("mark"), 2, Qt.PenStyle.DotLine))
                painter.drawRect(self._brush_rect(*self._hover))

    def _paint_painted(self, painter: QPainter, mask: NDArray[np.bool_]) -> None:
        colour = theme().color("mark")
        colour.setAlpha(70)
        painter.setPen(Qt.PenStyle.NoPen)
        hatch = QBrush(theme().color("mark"), Qt.BrushStyle.Dense6Pattern)
        for row, column in np.argwhere(mask).tolist():
            cell = self.pixel_rect(row, column)
            painter.fillRect(cell, colour)
            if self.hatches:
                painter.fillRect(cell, hatch)
        painter.setPen(QPen(theme().color("mark"), 1.5))
        painter.drawPath(self._borders(mask))

    def _brush_rect(self, row: int, column: int) -> QRectF:
        first = self.pixel_rect(row - self.brush // 2, column - self.brush // 2)
        area = QRectF(first.topLeft(), first.size() * self.brush)
        return area.intersected(self.image_rect())

    # ---- mouse -------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke, or click a pixel."""
        pixel = self.pixel_at(event.position())
        if pixel is not None:
            self.set_cursor_pixel(*pixel)
        left = event.button() == Qt.MouseButton.LeftButton
        if self.mode == "paint" and pixel is not None and event.button() != Qt.MouseButton.MiddleButton:
            self._last = pixel
            self.stroke_begun.emit(not left)
            self.brushed.emit(*pixel)
        elif left and pixel is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.edit_wanted.emit(*pixel)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the stroke, without gaps where the pointer moves fast."""
        super().mouseMoveEvent(event)
        pixel = self.pixel_at(event.position())
        if self._last is not None and pixel is not None and pixel != self._last:
            for between in _line(self._last, pixel):
                self.brushed.emit(*between)
            self._last = pixel

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke."""
        if self._last is not None:
            self._last = None
            self.stroke_ended.emit()
        super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of a pixel; while painting, the right button erases instead."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        pixel = self.cursor_pixel if by_key else self.pixel_at(event.pos().toPointF())
        if self.picture is None or pixel is None or (self.mode == "paint" and not by_key):
            return
        where = self.pixel_rect(*pixel).center().toPoint() if by_key else event.pos()
        self.menu_wanted.emit(*pixel, self.mapToGlobal(where))

    # ---- keys --------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take arrow keys and Return before the panel's shortcuts while a tool is selected."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if self.mode != "go" and plain and (event.key() in (*_STEPS, *_DO, *_ERASE, Qt.Key.Key_Escape)):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, apply the tool to the pixel under it, or deselect the tool."""
        key = Qt.Key(event.key())
        if self.mode == "go" or self.picture is None:
            super().keyPressEvent(event)
        elif key in _STEPS:
            down, right = _STEPS[key]
            self.set_cursor_pixel(self.cursor_pixel[0] + down, self.cursor_pixel[1] + right)
            self.hovered.emit(*self.cursor_pixel)
        elif key == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif self.mode == "edit" and key in _DO:
            self.clicked.emit(*self.cursor_pixel)
        elif self.mode == "paint" and key in (*_DO, *_ERASE):
            self.stroke_begun.emit(key in _ERASE)
            self.brushed.emit(*self.cursor_pixel)
            self.stroke_ended.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the cursor."""
        super().focusOutEvent(event)
        self.update()


def _line(start: Pixel, end: Pixel) -> list[Pixel]:
    """Pixels on the line from one to another, without the first."""
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    at = np.arange(1, count + 1) / max(1, count)
    rows = np.rint(start[0] + at * (end[0] - start[0])).astype(int)
    columns = np.rint(start[1] + at * (end[1] - start[1])).astype(int)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
