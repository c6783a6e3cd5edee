"""Canvas of a plane: layers over two axes, panned, zoomed, and taken hold of."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from gmstudio.window.gui.widgets.plane.plane_frame import legend_entries
from gmstudio.window.gui.widgets.plane.plane_hands import Hand
from gmstudio.window.gui.widgets.plane.plane_surface import PlaneSurface

ZOOM_STEP = 1.25
DRAG_PX = 4
_PAN = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
_ZOOM = {Qt.Key.Key_Plus: ZOOM_STEP, Qt.Key.Key_Equal: ZOOM_STEP, Qt.Key.Key_Minus: 1 / ZOOM_STEP}
_KEYS = (*_PAN, *_ZOOM, Qt.Key.Key_0, Qt.Key.Key_Home, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape)
_HELP = (
    "Drag or arrow keys: pan. Wheel, + and −: zoom. Double click or 0: fit. "
    "Space: choose the next handle, which the arrow keys move."
)


class PlaneCanvas(PlaneSurface):
    """Layers over two axes, with legend above and the values under the pointer below.

    Use: ``set_axes`` once per data set (it fits the view when the ends change), ``set_layers`` as often as there is
    news (nothing is painted twice when they are the same). Maps of heat lie behind all other layers; handles and
    guides lie in front of them. The pointer: drag pans, or moves the handle or guide under it; the wheel zooms at the
    pointer; a click gives its place; a double click fits. With the focus: arrows pan, + and − zoom, 0 and Home fit,
    Space chooses the next handle or guide, which the arrows then move (Shift: further, Ctrl: finer), Esc lets it go,
    Return clicks at the centre of the view.

    While a handle is dragged, new layers do not move it; late answers that repeat an earlier place of the drag do not
    move it back. ``plane_image`` and ``plane_svg`` (``plane_export``) draw it as a file.

    Signals:
        handle_moved: name, index, x, y: a handle is being dragged or was moved by a key.
        handle_released: name, index, x, y: the drag ended.
        guide_moved: name, value: a guide is being dragged or was moved by a key.
        guide_released: name, value: the drag ended.
        clicked: x, y of a click that was no drag.
        view_changed: the user changed the view; the ``PlaneView``. Connect it to ``set_view`` of other canvases, or
            call ``link_views``.

    Attributes:
        wheel_needs_focus: the wheel zooms only with the focus, for a canvas on a page that scrolls.
    """

    handle_moved = Signal(str, int, float, float)
    handle_released = Signal(str, int, float, float)
    guide_moved = Signal(str, float)
    guide_released = Signal(str, float)
    clicked = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wheel_needs_focus = False
        self._pressed: QPointF | None = None
        self._panning = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(_HELP)
        self.setAccessibleDescription(_HELP)

    # ---- pointer and keys --------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a handle or guide, or begin to pan."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self._pressed, self._panning = event.position(), False
        hand = self._hands.nearest(self.mapping, event.position())
        self._hands.hold(hand)
        self._hands.chosen = hand
        self._set_cursor()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, pan, or read the values."""
        at = event.position()
        hand = self._hands.held
        if hand is not None:
            self._move_hand(hand, *self.mapping.at(_inside(at, self.area)))
        elif self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            moved = at - self._pressed
            if self._panning or moved.manhattanLength() > DRAG_PX:
                if self._panning:
                    mapping = self.mapping
                    self._change_view(mapping.view.panned(-moved.x() / mapping.x_scale, moved.y() / mapping.y_scale))
                self._panning, self._pressed = True, at
        self._point(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag, or click."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseReleaseEvent(event)
            return
        hand, pressed, panned = self._hands.held, self._pressed, self._panning
        self._hands.hold(None)
        self._pressed, self._panning = None, False
        if hand is not None:
            self._release(hand)
        elif pressed is not None and not panned and self.area.contains(pressed):
            self.clicked.emit(*self.mapping.at(pressed))
        self._point(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit the view; on a handle, take hold of it."""
        if event.button() == Qt.MouseButton.LeftButton and self._hands.nearest(self.mapping, event.position()) is None:
            self.fit()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        if self.wheel_needs_focus and not self.hasFocus():
            event.ignore()
            return
        x, y = self.mapping.at(_inside(event.position(), self.area))
        self._change_view(self.view.zoomed(ZOOM_STEP ** (event.angleDelta().y() / 120), x, y))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Show no values."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Take the keys of the canvas before shortcuts do; explain handles in tooltips."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            hand = self._hands.nearest(self.mapping, QPointF(event.pos()))
            text = self._hands.help(hand) if hand is not None else ""
            if not text and not self.area.contains(QPointF(event.pos())):  # over the plane it would cover the data
                names = "\n".join(entry.name for entry in legend_entries(self.layers))
                text = names if names and event.pos().y() < self.area.top() else self.toolTip()
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan, zoom, fit, choose and move handles, click."""
        key, chosen = Qt.Key(event.key()), self._hands.chosen
        if key in _PAN:
            self._step(*_PAN[key], event.modifiers())
        elif key in _ZOOM:
            self.zoom(_ZOOM[key])
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.fit()
        elif key == Qt.Key.Key_Space and self._hands.hands():
            self._hands.chosen = self._hands.next_hand(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Escape and chosen is not None:
            self._hands.chosen = None
        elif key == Qt.Key.Key_Return:
            view = self.view
            self.clicked.emit((view.left + view.right) / 2, (view.bottom + view.top) / 2)
        else:
            super().keyPressEvent(event)
            return
        self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End the move of a handle by keys."""
        if event.key() in _PAN and self._hands.chosen is not None and not event.isAutoRepeat():
            self._release(self._hands.chosen)
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Outline the area."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the outline away."""
        super().focusOutEvent(event)
        self.update()

    def _step(self, x: int, y: int, modifiers: Qt.KeyboardModifier) -> None:
        view, chosen = self.view, self._hands.chosen
        if chosen is None:
            self._change_view(view.panned(0.1 * x * view.width, 0.1 * y * view.height))
            return
        share = 0.01
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            share = 0.1
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            share = 0.001
        place = self._hands.place(chosen)
        self._move_hand(chosen, place[0] + share * x * view.width, place[1] + share * y * view.height)

    def _move_hand(self, hand: Hand, x: float, y: float) -> None:
        self._hands.move(hand, x, y)
        self.update()
        if hand.guide:
            self.guide_moved.emit(hand.name, self._hands.along(hand))
        else:
            self.handle_moved.emit(hand.name, hand.index, *self._hands.place(hand))

    def _release(self, hand: Hand) -> None:
        if hand.guide:
            self.guide_released.emit(hand.name, self._hands.along(hand))
        else:
            self.handle_released.emit(hand.name, hand.index, *self._hands.place(hand))

    def _point(self, at: QPointF) -> None:
        self._pointer = at
        self._set_cursor()
        self.update()

    def _set_cursor(self) -> None:
        if self._panning or self._hands.held is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._pointer is not None and self._hands.nearest(self.mapping, self._pointer) is not None:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)


def link_views(canvases: Sequence[PlaneCanvas]) -> None:
    """Let canvases show the same part of their planes: what one of them is moved to, the others follow."""
    for canvas in canvases:
        for other in canvases:
            if other is not canvas:
                canvas.view_changed.connect(other.set_view)


def _inside(place: QPointF, area: QRectF) -> QPointF:
    x = min(max(place.x(), area.left()), area.right())
    return QPointF(x, min(max(place.y(), area.top()), area.bottom()))
