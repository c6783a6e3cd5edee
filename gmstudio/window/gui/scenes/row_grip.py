"""Grip below a row of a scene: dragged, it makes plots and planes of the row higher or lower."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import GRID, theme

STEP = 20
WIDTH, THICKNESS = 40, 3


class RowGrip(QWidget):
    """Grip; with the focus, Up and Down change the height too, and a double click or Delete restores it.

    Signals:
        dragged: pixels by which the height is to change.
        reset: the height is to be as it was.
    """

    dragged = Signal(int)
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._last: float | None = None
        self.setFixedHeight(GRID)
        self.setCursor(Qt.CursorShape.SplitVCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Drag, or press Up or Down, to change the height of the row; a double click restores it.")
        self.setAccessibleName("Height of the row above")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint a short line, strong while it can be moved."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            role = "accent" if self.hasFocus() else "muted" if self.underMouse() else "border"
            painter.setBrush(theme().color(role))
            bar = QRectF((self.width() - WIDTH) / 2, (self.height() - THICKNESS) / 2, WIDTH, THICKNESS)
            painter.drawRoundedRect(bar, THICKNESS / 2, THICKNESS / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._last = event.globalPosition().y()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self._last is not None:
            moved = round(event.globalPosition().y() - self._last)
            self._last += moved
            if moved:
                self.dragged.emit(moved)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._last = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Restore the height."""
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Change or restore the height."""
        match event.key():
            case Qt.Key.Key_Down:
                self.dragged.emit(STEP)
            case Qt.Key.Key_Up:
                self.dragged.emit(-STEP)
            case Qt.Key.Key_Delete:
                self.reset.emit()
            case _:
                super().keyPressEvent(event)
