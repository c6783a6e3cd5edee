"""Canvas of a tile: the arrow keys move the chosen point by a cell."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas

_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class TileCanvas(PlaneCanvas):
    """Plane with a chosen point.

    Attributes:
        has_point: a point is chosen; the arrows move it, unless a handle was chosen with Space.

    Signals:
        point_stepped: cells to the right and up.
        point_removed: Esc was pressed while a point was chosen.
        pressed: the canvas was pressed or has the focus.
    """

    point_stepped = Signal(int, int)
    point_removed = Signal()
    pressed = Signal()

    has_point = False

    def minimumSizeHint(self) -> QSize:
        """Size at which five stand side by side in a small window."""
        return QSize(150, 150)

    @property
    def keys_move_point(self) -> bool:
        """The arrow keys move the point, and not the view or a handle."""
        return self.has_point and not self.hand_chosen

    @property
    def hand_chosen(self) -> bool:
        """A handle or guide was chosen with Space."""
        return self._hands.chosen is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the tile first."""
        self.pressed.emit()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the point by a cell, or by ten with Shift; Esc removes it."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is not None and self.keys_move_point:
            cells = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.point_stepped.emit(cells * step[0], cells * step[1])
        elif event.key() == Qt.Key.Key_Escape and self.keys_move_point:
            self.point_removed.emit()
        else:
            super().keyPressEvent(event)
