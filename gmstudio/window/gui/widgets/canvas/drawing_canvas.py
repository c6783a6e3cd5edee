"""Canvas on which a small image of discrete levels is drawn with the mouse or the keyboard."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.media.levels import to_display
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.images.live_image import fitted_rect

_MOVES = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class DrawingCanvas(QWidget):
    """Canvas with a round brush: the left button paints, the right one erases.

    With the focus, the arrow keys show and move a cursor, Space paints there, Delete erases there. The brush has a soft
    rim where there are intermediate levels. Undoing is up to the owner: ``show_image`` shows an earlier image.

    Signals:
        begun: an edit begins; its name, for example ``Draw``.
        changed: a stroke was drawn, or the image was replaced.
        stroked: the stroke in progress painted another place.
    """

    begun = Signal(str)
    changed = Signal()
    stroked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels = 2
        self._image: NDArray[np.uint8] = np.zeros((1, 8, 8), np.uint8)
        self._cursor = (0, 0)
        self._by_keys = False
        self._last: QPointF | None = None
        self.brush = 1.5
        """Diameter of the brush, pixels."""
        self.colour = np.ones(3)
        """Brush colour, (3,), 0 … 1; a grey image takes the mean."""
        self._ground: NDArray[np.uint8] = np.zeros(1, np.uint8)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        theme().changed.connect(self.update)

    @property
    def image(self) -> NDArray[np.uint8]:
        """Image on the canvas, (C, H, W) uint8 levels."""
        return self._image

    @property
    def levels(self) -> int:
        """Number of levels."""
        return self._levels

    def show_image(self, image: NDArray[np.uint8]) -> None:
        """Show an image without a signal; no change when it is on display already."""
        if not np.array_equal(image, self._image):
            self._image = image.copy()
            self.update()

    def set_blank(self, shape: tuple[int, int, int], levels: int, ground: NDArray[np.uint8] | None = None) -> None:
        """Start with an empty image.

        Args:
            shape: (C, H, W).
            levels: number of levels.
            ground: (C,) level of an empty image, to which erasing returns; None: 0.
        """
        self._levels = levels
        self._ground = np.zeros(shape[0], np.uint8) if ground is None else ground
        self._image = self._empty(shape)
        self._cursor = (shape[1] // 2, shape[2] // 2)
        self.update()

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Replace the image, (C, H, W) levels of the present shape."""
        self._image = image.copy()
        self.update()
        self.changed.emit()

    def clear(self) -> None:
        """Empty the image."""
        self.begun.emit("Clear")
        self.set_image(self._empty(self._image.shape))

    def _empty(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        empty = np.zeros(shape, np.uint8)
        empty[:] = self._ground[:, None, None]
        return empty

    def paint_at(self, row: float, column: float, *, erase: bool = False) -> None:
        """Paint once at a position, in pixels from the top left corner of the image."""
        channels, height, width = self._image.shape
        rows, columns = np.mgrid[0:height, 0:width] + 0.5
        distance = np.hypot(rows - row, columns - column)
        cover = np.clip(self.brush / 2 + 0.5 - distance, 0.0, 1.0)
        inside = int(min(max(row, 0), height - 1)), int(min(max(column, 0), width - 1))
        cover[inside] = 1.0
        if self._levels == 2:
            cover = (cover >= 0.5).astype(float)
        colour = self.colour if channels == 3 else np.array([self.colour.mean()])
        wanted = self._ground.astype(float) if erase else colour * (self._levels - 1)
        old = self._image.astype(float)
        self._image = (old + cover * (wanted[:, None, None] - old)).round().astype(np.uint8)
        self.update()

    # ---- where the image is ------------------------------------------------------------------------------------

    def image_rect(self) -> QRectF:
        """Rectangle in which the image is painted: that of a ``LiveImage`` of the same size."""
        _, height, width = self._image.shape
        return fitted_rect(self, width, height)

    def sizeHint(self) -> QSize:
        """Size at eight screen pixels per pixel."""
        return QSize(224, 224)

    def minimumSizeHint(self) -> QSize:
        """Smallest size at which a pixel can be hit."""
        return QSize(112, 112)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the image, a frame, and the cursor of the keyboard."""
        with QPainter(self) as painter:
            rect = self.image_rect()
            painter.drawImage(rect, to_qimage(to_display(self._image, self._levels)))
            painter.setPen(QPen(theme().color("border"), 1))
            painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
            if self.hasFocus() and self._by_keys:
                scale = rect.width() / self._image.shape[2]
                row, column = self._cursor
                painter.setPen(QPen(theme().color("accent"), 2))
                painter.drawRect(QRectF(rect.left() + column * scale, rect.top() + row * scale, scale, scale))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self.begun.emit(_name_of(erase=event.button() == Qt.MouseButton.RightButton))
            self._last, self._by_keys = None, False
            self._stroke_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the stroke."""
        if event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            self._stroke_to(event)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """End the stroke."""
        self._last = None
        self.changed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor when the focus arrives by the keyboard."""
        self._by_keys = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        """Take the keys that draw before the panel's shortcuts do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _draws(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, paint, erase."""
        key = Qt.Key(event.key())
        self._by_keys = self._by_keys or _draws(event)
        if key in _MOVES:
            _, height, width = self._image.shape
            self._cursor = ((self._cursor[0] + _MOVES[key][0]) % height, (self._cursor[1] + _MOVES[key][1]) % width)
            self.update()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Delete):
            erase = key == Qt.Key.Key_Delete
            self.begun.emit(_name_of(erase=erase))
            self.paint_at(self._cursor[0] + 0.5, self._cursor[1] + 0.5, erase=erase)
            self.changed.emit()
        else:
            super().keyPressEvent(event)

    def _stroke_to(self, event: QMouseEvent) -> None:
        rect = self.image_rect()
        scale = rect.width() / self._image.shape[2]
        here = QPointF((event.position().x() - rect.left()) / scale, (event.position().y() - rect.top()) / scale)
        erase = bool(event.buttons() & Qt.MouseButton.RightButton)
        start = self._last if self._last is not None else here
        dabs = max(1, int(np.ceil(2 * np.hypot(here.x() - start.x(), here.y() - start.y()))))
        for share in np.linspace(1 / dabs, 1.0, dabs):
            place = start + (here - start) * float(share)
            self.paint_at(place.y(), place.x(), erase=erase)
        self._last = here
        self.stroked.emit()


def _name_of(*, erase: bool) -> str:
    return "Erase" if erase else "Draw"


def _draws(event: QKeyEvent) -> bool:
    """The canvas handles this key."""
    key = Qt.Key(event.key())
    if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return False
    return key in _MOVES or key in (Qt.Key.Key_Space, Qt.Key.Key_Delete)
