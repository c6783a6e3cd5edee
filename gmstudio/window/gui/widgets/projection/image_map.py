"""Map of up to 60,000 images that is panned, zoomed and selected from, by mouse and keys."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.widgets.projection.map_camera import MapCamera
from gmstudio.window.gui.widgets.projection.map_selection import DrawnShape, Tool
from gmstudio.window.gui.widgets.projection.map_view import MapView
from gmstudio.window.gui.widgets.projection.point_raster import GROUND

DRAG_PX = 4
KEY_PAN = 0.1
"""Share of the map by which an arrow key moves it."""
KEY_ZOOM = 1.25
WHEEL_ZOOM = 1.0015
"""Factor for each eighth of a degree of the wheel."""
_PANS = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class ImageMap(MapView):
    """Map of images.

    It pans by dragging and by the arrow keys, zooms by the wheel and by + and −, and fits by Home. A lasso or a
    rectangle selects points: with its tool, or with Shift and Ctrl held in the pan tool; with its tool, Shift adds to
    the selection. A click or Return picks an image; Esc clears the selection.

    Signals:
        picked: number of the clicked point, or by Return of that nearest to the middle.
        selected: numbers of the points inside a lasso or rectangle, (n,) int64; empty after Esc.
    """

    picked = Signal(int)
    selected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tool: Tool = "pan"
        self._pressed: QPointF | None = None
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def tool(self) -> Tool:
        """Effect of dragging."""
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """Choose what dragging does."""
        self._tool = tool
        self.setCursor(Qt.CursorShape.ArrowCursor if tool == "pan" else Qt.CursorShape.CrossCursor)

    def zoom(self, factor: float) -> None:
        """Enlarge the view about its middle."""
        self._zoom_at(factor, self.width() / 2, self.height() / 2)

    def pan(self, x: float, y: float) -> None:
        """Move the contents by a number of pixels."""
        self.follows = False
        self._set_camera(self.camera.panned(x, y))

    def _zoom_at(self, factor: float, x: float, y: float) -> None:
        self.follows = False
        scale = MapCamera(scale=self.camera.scale * factor).limited(self.fit_camera()).scale
        self._set_camera(self.camera.zoomed(scale / self.camera.scale, x, y, self.width(), self.height()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self._zoom_at(WHEEL_ZOOM ** event.angleDelta().y(), event.position().x(), event.position().y())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag: of the view, a lasso or a rectangle."""
        if event.button() != Qt.MouseButton.LeftButton or not self.count:
            return
        self._pressed, self._dragging = event.position(), False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        tool: Tool = self._tool
        if tool == "pan":
            tool = "lasso" if shift else "rectangle" if control else "pan"
            shift = False
        self._shape = None if tool == "pan" else DrawnShape(tool, event.position(), adds=shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a drag; without a button, announce the point under the pointer."""
        at = event.position()
        if self._pressed is None:
            self._set_hover(self.point_at(at) if self.count else -1)
            return
        if not self._dragging and (at - self._pressed).manhattanLength() < DRAG_PX:
            return
        self._dragging = True
        if self._shape is not None:
            self._shape.extend(at)
            self.update()
        else:
            moved, self._pressed = at - self._pressed, at
            self.pan(moved.x(), moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a click picks the point."""
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        shape, dragged = self._shape, self._dragging
        self._pressed, self._shape, self._dragging = None, None, False
        if not dragged:
            index = self.point_at(event.position())
            if index >= 0:
                self.picked.emit(index)
        elif shape is not None:
            self._select(shape)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Announce that no point is under the pointer."""
        self._set_hover(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan, zoom, fit, pick or clear."""
        key = Qt.Key(event.key())
        if not self.count:
            super().keyPressEvent(event)
        elif key in _PANS:
            step = KEY_PAN * min(self.width(), self.height())
            self.pan(_PANS[key][0] * step, _PANS[key][1] * step)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(KEY_ZOOM)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.zoom(1 / KEY_ZOOM)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick_middle()
        elif key == Qt.Key.Key_Escape:
            self._shape = None
            self.selected.emit(np.zeros(0, np.int64))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show no tooltip over an image that is shown elsewhere."""
        if event.type() == QEvent.Type.ToolTip and self.hover >= 0:
            return True
        return super().event(event)

    def _pick_middle(self) -> None:
        """Pick the visible point nearest to the middle."""
        visible = self.visible()
        if len(visible):
            away = np.square(self.pixels()[visible] - np.array([self.width() / 2, self.height() / 2])).sum(1)
            self.picked.emit(int(visible[away.argmin()]))

    def _select(self, shape: DrawnShape) -> None:
        inside = shape.inside(self.pixels(), self.width(), self.height())
        inside = inside[self._codes[inside] != GROUND]
        if shape.adds and self._chosen is not None:
            inside = np.union1d(inside, np.flatnonzero(self._chosen))
        self.selected.emit(inside.astype(np.int64))
