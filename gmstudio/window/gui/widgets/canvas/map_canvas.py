"""A square map: a grid of images, points scattered over it by label, and a point that can be dragged.

Shapes: S images along a side, N points, C channels, H height, W width.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.map_points import (
    LEGEND_ROW_PX,
    Points,
    legend_rows,
    paint_legend,
    paint_points,
    point_px,
)
from gmstudio.window.gui.widgets.images.grid import to_qimage

LEFT_PX, BOTTOM_PX, EDGE_PX = 32, 20, 8
TOP_PX = 28
"""Above the map, where there is more height than it needs: it begins where images with a caption do."""
HANDLE_PX = 7
NEAR_PX = 6
"""A data point this near to the pointer is meant."""
DRAG_PX = 4
NEARLY = 0.85
"""The map may be so much smaller for pixels of whole screen pixels."""
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class MapCanvas(QWidget):
    """Coordinates go from ``low`` to ``high`` along both axes, at the middles of the images at the edges.

    Drag the point, or click where it is to go; the arrow keys move it by a twentieth of the map, with Shift
    by a hundredth.

    Signals:
        moved: where the point was brought, x and y.
        picked: number of the data point that was clicked.
        hovered: number of the data point under the pointer; -1: none.
    """

    moved = Signal(float, float)
    picked = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high, self._side = -3.0, 3.0, 9
        self._names = ("", "")
        self._grid = QImage()
        self._points = Points(np.zeros((0, 2), np.float32), None, ())
        self._position: tuple[float, float] | None = None
        self._placeholder = ""
        self._still: QPixmap | None = None
        self._pressed: QPointF | None = None
        self._pressed_on = -1
        self._dragging = False
        self._hover = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._repaint)

    # ---- what it shows ---------------------------------------------------------------------------------------------

    def set_frame(self, low: float, high: float, side: int, x_name: str, y_name: str) -> None:
        """Show these coordinates, with so many images along a side."""
        self._low, self._high, self._side, self._names = low, high, side, (x_name, y_name)
        self._repaint()

    def set_images(self, images: NDArray[Any] | None) -> None:
        """Show (S², C, H, W) uint8 images, 0 … 255, rows from top to bottom; None: none."""
        if images is None or len(images) != self._side**2:
            self._grid = QImage()
        else:
            _, channels, height, width = images.shape
            side = self._side
            rows = images.reshape(side, side, channels, height, width).transpose(2, 0, 3, 1, 4)
            self._grid = to_qimage(np.ascontiguousarray(rows.reshape(channels, side * height, side * width)))
        self._repaint()

    def set_points(self, points: Points) -> None:
        """Scatter points."""
        self._points = points
        self._set_hover(-1)
        self._repaint()

    def set_position(self, position: tuple[float, float] | None) -> None:
        """Put the point somewhere without telling anybody; None: there is none."""
        if position != self._position:
            self._position = position
            self.update()

    def set_placeholder(self, text: str) -> None:
        """What to say while there is no point: why there is no map."""
        if text != self._placeholder:
            self._placeholder = text
            self._repaint()

    @property
    def position(self) -> tuple[float, float] | None:
        """Where the point is."""
        return self._position

    def sizeHint(self) -> QSize:
        """A square; it takes whatever there is."""
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        """Still of use."""
        return QSize(160, 160)

    # ---- where things are ------------------------------------------------------------------------------------------

    def map_rect(self) -> QRectF:
        """Where the map is: as large a square as fits, whole pixels for each pixel of the images where possible."""
        legend = legend_rows(self._points, self.fontMetrics(), self.width() - LEFT_PX) * LEGEND_ROW_PX
        free_width = self.width() - LEFT_PX - EDGE_PX
        free_height = self.height() - BOTTOM_PX - EDGE_PX - legend
        size = max(16.0, float(min(free_width, free_height)))
        whole = size // max(1, self._grid.width()) * self._grid.width()
        size = whole if whole >= NEARLY * size else size
        top = EDGE_PX + min(TOP_PX - EDGE_PX, max(0.0, free_height - size))
        left = LEFT_PX + max(0.0, (free_width - size) / 2)
        return QRectF(round(left), round(top), size, size)

    def to_pixel(self, x: float, y: float) -> QPointF:
        """Where a coordinate is."""
        rect = self.map_rect()
        cell = rect.width() / self._side
        scale = (rect.width() - cell) / (self._high - self._low)
        return QPointF(
            rect.left() + cell / 2 + (x - self._low) * scale, rect.bottom() - cell / 2 - (y - self._low) * scale
        )

    def to_map(self, pixel: QPointF) -> tuple[float, float]:
        """The coordinate of a pixel, at most half an image beyond the map's ends."""
        rect = self.map_rect()
        cell = rect.width() / self._side
        scale = (self._high - self._low) / (rect.width() - cell)
        beyond = cell / 2 * scale
        x = self._low + (pixel.x() - rect.left() - cell / 2) * scale
        y = self._low + (rect.bottom() - cell / 2 - pixel.y()) * scale
        low, high = self._low - beyond, self._high + beyond
        return min(high, max(low, x)), min(high, max(low, y))

    def point_at(self, pixel: QPointF) -> int:
        """Number of the data point near a pixel; -1: none."""
        where = self._pixels()
        if not len(where):
            return -1
        away = np.square(where - [pixel.x(), pixel.y()]).sum(1)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= NEAR_PX**2 else -1

    def _pixels(self) -> NDArray[np.float64]:
        """(N, 2) where the data points are."""
        origin, unit = self.to_pixel(0.0, 0.0), self.to_pixel(1.0, 1.0)
        scale = np.array([unit.x() - origin.x(), unit.y() - origin.y()])
        pixels: NDArray[np.float64] = self._points.places * scale + [origin.x(), origin.y()]
        return pixels

    # ---- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """What stands still from a picture of it, then the point."""
        painter = QPainter(self)
        if self._position is None:
            painter.setPen(theme().color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
            return
        if self._still is None:
            self._still = self._paint_still()
        painter.drawPixmap(0, 0, self._still)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_point(painter)

    def _paint_still(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        rect = self.map_rect()
        painter.fillRect(rect, theme().color("base"))
        if not self._grid.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, rect.width() < self._grid.width())
            painter.drawImage(rect, self._grid)
        else:
            self._paint_cross(painter, rect)
        painter.setPen(QPen(theme().color("border"), 1))
        painter.drawRect(rect.adjusted(-1, -1, 0, 0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(rect)
        pixels = self._pixels()
        paint_points(painter, self._points, pixels, point_px(len(pixels), rect.width()))
        painter.setClipping(False)
        self._paint_axes(painter, rect)
        top = rect.bottom() + BOTTOM_PX
        paint_legend(painter, self._points, QRectF(LEFT_PX, top, self.width() - LEFT_PX, self.height() - top))
        painter.end()
        return picture

    def _paint_cross(self, painter: QPainter, rect: QRectF) -> None:
        middle = self.to_pixel(0.0, 0.0)
        painter.setPen(QPen(theme().color("grid"), 1))
        painter.drawLine(QPointF(rect.left(), middle.y()), QPointF(rect.right(), middle.y()))
        painter.drawLine(QPointF(middle.x(), rect.top()), QPointF(middle.x(), rect.bottom()))

    def _paint_axes(self, painter: QPainter, rect: QRectF) -> None:
        painter.setPen(theme().color("muted"))
        centre = Qt.AlignmentFlag.AlignCenter
        ends = [(value, f"{value:g}") for value in (self._low, self._high)]
        for value, text in ends:
            at = self.to_pixel(value, value)
            painter.drawText(QRectF(at.x() - 24, rect.bottom() + 2, 48, BOTTOM_PX - 2), centre, text)
            across = QRectF(rect.left() - 30, at.y() - 8, 26, 16)
            painter.drawText(across, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        x_name, y_name = self._names
        room = int(rect.width() - 64)
        elided = [self.fontMetrics().elidedText(n, Qt.TextElideMode.ElideRight, room) for n in (x_name, y_name)]
        painter.setPen(theme().color("text"))
        painter.drawText(QRectF(rect.left(), rect.bottom() + 2, rect.width(), BOTTOM_PX - 2), centre, elided[0] + " →")
        painter.save()
        painter.translate(rect.left() - 16, rect.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-rect.height() / 2, -10, rect.height(), 20), centre, elided[1] + " →")
        painter.restore()

    def _paint_point(self, painter: QPainter) -> None:
        assert self._position is not None
        rect = self.map_rect()
        true = self.to_pixel(*self._position)
        inside = QPointF(min(rect.right(), max(rect.left(), true.x())), min(rect.bottom(), max(rect.top(), true.y())))
        colors = theme()
        painter.setBrush(colors.color("accent") if inside == true else Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colors.color("window"), 4))
        painter.drawEllipse(inside, HANDLE_PX, HANDLE_PX)
        painter.setPen(QPen(colors.color("text" if self.hasFocus() else "accent"), 2))
        painter.drawEllipse(inside, HANDLE_PX, HANDLE_PX)
        if self._hover >= 0:
            x, y = self._pixels()[self._hover]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), NEAR_PX, NEAR_PX)

    def _repaint(self) -> None:
        self._still = None
        self.update()

    # ---- Qt --------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew."""
        self._still = None

    def changeEvent(self, event: QEvent) -> None:
        """Another font takes another room."""
        self._still = None
        super().changeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the point, bring it to the pointer, or begin to click a data point."""
        if event.button() != Qt.MouseButton.LeftButton or self._position is None:
            return
        at = event.position()
        away = self.to_pixel(*self._position) - at
        on_handle = away.manhattanLength() <= 2 * HANDLE_PX
        self._pressed, self._dragging = at, on_handle
        self._pressed_on = -1 if on_handle else self.point_at(at)
        if self._pressed_on < 0 and not on_handle and self.map_rect().contains(at):
            self._dragging = True
            self._bring(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the point; without a button, tell which data point is there."""
        at = event.position()
        if self._pressed is None:
            self._set_hover(self.point_at(at))
            return
        if self._pressed_on >= 0 and (at - self._pressed).manhattanLength() > DRAG_PX:
            self._pressed_on, self._dragging = -1, True
        if self._dragging:
            self._bring(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; a data point that was pressed is clicked."""
        if self._pressed is not None and self._pressed_on >= 0:
            self.picked.emit(self._pressed_on)
        self._pressed, self._pressed_on, self._dragging = None, -1, False

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer is gone."""
        self._set_hover(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the point."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or self._position is None:
            super().keyPressEvent(event)
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        size = (self._high - self._low) / (100 if fine else 20)
        self._go(self._position[0] + step[0] * size, self._position[1] + step[1] * size)

    def _bring(self, at: QPointF) -> None:
        self._go(*self.to_map(at))

    def _go(self, x: float, y: float) -> None:
        self.set_position((x, y))
        self.moved.emit(x, y)

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.hovered.emit(index)
            self.update()
