"""A row of images that can be clicked, or dragged to where they are wanted."""

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip


class ImageSource(TraversalStrip):
    """Like its base, but a click counts when the button is let go, and a drag takes the image along.

    Signals:
        dragged: index of the image that is dragged away; whoever knows what it is carries it on.
    """

    dragged = Signal(int)

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(count, parent)
        self._taken = -1
        self._taken_at = QPointF()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take an image in hand."""
        self._taken = self.index_at(event.position().toPoint()) if event.button() == Qt.MouseButton.LeftButton else -1
        self._taken_at = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Begin to drag it."""
        super().mouseMoveEvent(event)
        away = (event.position() - self._taken_at).manhattanLength()
        if self._taken >= 0 and away >= QApplication.startDragDistance():
            index, self._taken = self._taken, -1
            self.dragged.emit(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Click it."""
        index, self._taken = self._taken, -1
        if index >= 0:
            self._click(index)
