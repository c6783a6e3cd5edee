"""Row of images that can be clicked, or dragged onto another widget."""

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip


class ImageSource(TraversalStrip):
    """Image grid in which a click is emitted when the button is released, and a drag starts drag and drop.

    Signals:
        dragged: index of the image that a drag began on; the receiver starts the drag and drop with its data.
    """

    dragged = Signal(int)

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(count, parent)
        self._taken = -1
        self._taken_at = QPointF()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the pressed image; a click or a drag follows."""
        self._taken = self.index_at(event.position().toPoint()) if event.button() == Qt.MouseButton.LeftButton else -1
        self._taken_at = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Start a drag once the pointer has moved far enough."""
        super().mouseMoveEvent(event)
        away = (event.position() - self._taken_at).manhattanLength()
        if self._taken >= 0 and away >= QApplication.startDragDistance():
            index, self._taken = self._taken, -1
            self.dragged.emit(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Emit the click when the button is released."""
        index, self._taken = self._taken, -1
        if index >= 0:
            self._click(index)
