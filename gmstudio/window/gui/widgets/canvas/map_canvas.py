"""Square latent map: a grid of images, a scatter plot of data points by label, and a point that can be dragged.

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
    legend_entries,
    legend_rows,
    paint_legend,
    paint_points,
    point_px,
)
from gmstudio.window.gui.widgets.images.grid import to_qimage

LEFT_PX, BOTTOM_PX, EDGE_PX = 32, 20, 8
TOP_PX = 28
"""Margin above the map, where the height allows it, so that it is aligned with images that have a caption."""
HANDLE_PX = 7
THUMBNAIL_PX, THUMBNAIL_GAP_PX = 84, 14
WIDE_CELL_PX, WIDE_GAP_PX = 24, 2
"""Side of an image from which the gap beside it is wide, and the width of that."""
NEAR_PX = 6
"""Largest distance of the pointer at which a data point is hit."""
DRAG_PX = 4
NEARLY = 0.85
"""Smallest share of the largest size that is accepted for an integer scale."""
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class MapCanvas(QWidget):
    """Map whose coordinates range from ``low`` to ``high`` along both axes, at the centres of the outermost images.

    The point is moved by dragging or clicking, by the arrow keys in steps of a twentieth of the map, and with Shift
    in steps of a hundredth.

    A click on an entry of the legend hides or shows its points, with Shift it hides all others.

    Signals:
        label_clicked: label of a clicked entry of the legend, and True with Shift.
        moved: new position of the point, x and y.
        picked: index of the clicked data point.
        hovered: index of the data point under the pointer; -1: none.
    """

    label_clicked = Signal(int, bool)
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
        self._thumbnail = QImage()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._repaint)

    # ---- what it shows ---------------------------------------------------------------------------------------------

    def set_frame(self, low: float, high: float, side: int, x_name: str, y_name: str) -> None:
        """Set the range of coordinates, the images along a side, and the names of the axes."""
        self._low, self._high, self._side, self._names = low, high, side, (x_name, y_name)
        self._repaint()

    def set_images(self, images: NDArray[Any] | None) -> None:
        """Show images, (S², C, H, W) uint8, 0 … 255, rows from top to bottom; None: none."""
        if images is None or len(images) != self._side**2:
            self._grid = QImage()
        else:
            _, channels, height, width = images.shape
            side = self._side
            rows = images.reshape(side, side, channels, height, width).transpose(2, 0, 3, 1, 4)
            self._grid = to_qimage(np.ascontiguousarray(rows.reshape(channels, side * height, side * width)))
        self._repaint()

    def set_points(self, points: Points) -> None:
        """Show data points."""
        again = len(points.places) == len(self._points.places)
        self._points = points
        if not (again and self._hover >= 0 and points.seen()[self._hover]):
            self._set_hover(-1)
        self._repaint()

    def set_thumbnail(self, image: NDArray[Any] | None) -> None:
        """Show the original, (C, H, W) uint8, 0 … 255, of the point under the pointer; None: none."""
        self._thumbnail = QImage() if image is None else to_qimage(image)
        self.update()

    def set_position(self, position: tuple[float, float] | None) -> None:
        """Set the point without a signal; None removes it."""
        if position != self._position:
            self._position = position
            self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no map."""
        if text != self._placeholder:
            self._placeholder = text
            self._repaint()

    @property
    def position(self) -> tuple[float, float] | None:
        """Position of the point."""
        return self._position

    def sizeHint(self) -> QSize:
        """Square size; the layout may enlarge it."""
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        """Smallest usable size."""
        return QSize(160, 160)

    # ---- where things are ------------------------------------------------------------------------------------------

    def map_rect(self) -> QRectF:
        """Rectangle of the map: the largest square that fits, at an integer scale of the images where possible."""
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
        """Screen position of a coordinate."""
        rect = self.map_rect()
        cell = rect.width() / self._side
        scale = (rect.width() - cell) / (self._high - self._low)
        return QPointF(
            rect.left() + cell / 2 + (x - self._low) * scale, rect.bottom() - cell / 2 - (y - self._low) * scale
        )

    def to_map(self, pixel: QPointF) -> tuple[float, float]:
        """Coordinate of a screen position, clipped to half an image beyond the ends of the map."""
        rect = self.map_rect()
        cell = rect.width() / self._side
        scale = (self._high - self._low) / (rect.width() - cell)
        beyond = cell / 2 * scale
        x = self._low + (pixel.x() - rect.left() - cell / 2) * scale
        y = self._low + (rect.bottom() - cell / 2 - pixel.y()) * scale
        low, high = self._low - beyond, self._high + beyond
        return min(high, max(low, x)), min(high, max(low, y))

    def point_at(self, pixel: QPointF) -> int:
        """Index of the data point near a screen position; -1: none."""
        where = self._pixels()
        if not len(where):
            return -1
        away = np.where(self._points.seen(), np.square(where - [pixel.x(), pixel.y()]).sum(1), np.inf)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= NEAR_PX**2 else -1

    def _pixels(self) -> NDArray[np.float64]:
        """Screen positions of the data points, (N, 2)."""
        origin, unit = self.to_pixel(0.0, 0.0), self.to_pixel(1.0, 1.0)
        scale = np.array([unit.x() - origin.x(), unit.y() - origin.y()])
        pixels: NDArray[np.float64] = self._points.places * scale + [origin.x(), origin.y()]
        return pixels

    # ---- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the static contents from a cached picture, then the point."""
        with QPainter(self) as painter:
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
            if self._hover >= 0 and not self._thumbnail.isNull():
                self._paint_thumbnail(painter)

    def _paint_thumbnail(self, painter: QPainter) -> None:
        """Paint the original beside its point, inside the widget."""
        x, y = self._pixels()[self._hover]
        tall = THUMBNAIL_PX * self._thumbnail.height() / self._thumbnail.width()
        left = x + THUMBNAIL_GAP_PX if x + THUMBNAIL_GAP_PX + THUMBNAIL_PX < self.width() else x - THUMBNAIL_GAP_PX
        left -= 0 if left > x else THUMBNAIL_PX
        top = min(max(0.0, y - tall / 2), max(0.0, self.height() - tall))
        area = QRectF(round(left), round(top), THUMBNAIL_PX, tall)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._thumbnail.width() > THUMBNAIL_PX)
        painter.drawImage(area, self._thumbnail)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("accent"), 2))
        painter.drawRect(area)

    def _legend_area(self) -> QRectF:
        top = self.map_rect().bottom() + BOTTOM_PX
        return QRectF(LEFT_PX, top, self.width() - LEFT_PX, self.height() - top)

    def _legend_at(self, at: QPointF) -> int | None:
        """Label of the legend's entry at a position; None: none."""
        entries = legend_entries(self._points, self.fontMetrics(), self._legend_area())
        return next((label for label, rect in entries if rect.contains(at)), None)

    def _paint_gaps(self, painter: QPainter, rect: QRectF) -> None:
        """Paint lines between the images, so that they do not fuse."""
        cell = rect.width() / self._side
        painter.setPen(QPen(theme().color("window"), WIDE_GAP_PX if cell >= WIDE_CELL_PX else 1))
        for line in range(1, self._side):
            x, y = rect.left() + line * cell, rect.top() + line * cell
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))

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
            self._paint_gaps(painter, rect)
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
        paint_legend(painter, self._points, self._legend_area())
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
        """Discard the cached picture."""
        self._still = None

    def changeEvent(self, event: QEvent) -> None:
        """Discard the cached picture, as the font changes the margins."""
        self._still = None
        super().changeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the point, move it to the pointer, or press a data point."""
        if event.button() != Qt.MouseButton.LeftButton or self._position is None:
            return
        at = event.position()
        label = self._legend_at(at)
        if label is not None:
            self.label_clicked.emit(label, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return
        away = self.to_pixel(*self._position) - at
        on_handle = away.manhattanLength() <= 2 * HANDLE_PX
        self._pressed, self._dragging = at, on_handle
        self._pressed_on = -1 if on_handle else self.point_at(at)
        if self._pressed_on < 0 and not on_handle and self.map_rect().contains(at):
            self._dragging = True
            self._bring(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the point; without a button, emit the data point under the pointer."""
        at = event.position()
        if self._pressed is None:
            self._set_hover(self.point_at(at))
            return
        if self._pressed_on >= 0 and (at - self._pressed).manhattanLength() > DRAG_PX:
            self._pressed_on, self._dragging = -1, True
        if self._dragging:
            self._bring(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Release the point; emit the pressed data point."""
        if self._pressed is not None and self._pressed_on >= 0:
            self.picked.emit(self._pressed_on)
        self._pressed, self._pressed_on, self._dragging = None, -1, False

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that no data point is under the pointer."""
        self._set_hover(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the point by the arrow keys."""
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
