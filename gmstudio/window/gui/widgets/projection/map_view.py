"""Picture of a map of images: points, images where few are visible, outlines, axes; and where they are.

Shapes: N points.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.projection.map_camera import MapCamera, fitted
from gmstudio.window.gui.widgets.projection.map_colours import (
    MapColours,
    colour_table,
    dimmed_codes,
)
from gmstudio.window.gui.widgets.projection.map_selection import DrawnShape
from gmstudio.window.gui.widgets.projection.map_sprites import (
    MAX_VISIBLE,
    MapSprites,
    paint_sprite,
    placed_sprites,
    sprite_size,
)
from gmstudio.window.gui.widgets.projection.point_raster import (
    GROUND,
    PointRaster,
    nearest_point,
    visible_points,
)

REACH_PX = 8.0
"""Largest distance of the pointer at which a point is hit."""
ASK_MS = 60
"""Pictures are asked for once the view has rested for this long."""
RING_PX = 7.0
DIMMED_OPACITY = 0.3
"""Of images outside the selection."""
AXIS_PX = 20


class MapView(QWidget):
    """What a map of images shows; ``ImageMap`` moves it.

    Attributes:
        camera: view of the plane.
        follows: the view fits each new set of points; until the user moves it.
        table: returns the points as CSV, to be saved; empty: there are none.

    Signals:
        hovered: number of the point under the pointer; −1: none.
        wanted: numbers of visible images whose pictures are missing; to be answered by ``show_images``.
        camera_changed: ``camera`` changed.
    """

    hovered = Signal(int)
    wanted = Signal(tuple)
    camera_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera, self.follows = MapCamera(), True
        self._places = np.zeros((0, 2), np.float32)
        self._colours = MapColours(np.zeros(0, np.uint8))
        self._codes = self._colours.codes
        self._table: list[int] = []
        self._chosen: NDArray[np.bool_] | None = None
        self._pixels: NDArray[np.float32] | None = None
        self._fit: MapCamera | None = None
        self._raster = PointRaster()
        self._sprites = MapSprites()
        self._with_images = True
        self._image_shape = (0, 0)
        self._query, self._neighbours = -1, np.zeros(0, np.int64)
        self._hover = -1
        self._shape: DrawnShape | None = None
        self._axes = ("", "")
        self._placeholder = ""
        self.table: Callable[[], str] = str
        self._ask_timer = QTimer(self)
        self._ask_timer.setSingleShot(True)
        self._ask_timer.setInterval(ASK_MS)
        self._ask_timer.timeout.connect(self._ask)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._on_theme_changed)

    # ---- what it shows ---------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self._places)

    @property
    def places(self) -> NDArray[np.float32]:
        """(N, 2) coordinates."""
        return self._places

    @property
    def hover(self) -> int:
        """Number of the point under the pointer; −1: none."""
        return self._hover

    def set_places(self, places: NDArray[np.float32], *, fit: bool = False) -> None:
        """Show points at (N, 2) coordinates.

        Where their number is another, selection, pictures, query and neighbours are forgotten, and the points have one
        colour.

        Args:
            places: coordinates.
            fit: make all visible, also where the user has moved the view.
        """
        if len(places) != len(self._places):
            self._sprites.clear()
            self._chosen, self._query, self._neighbours = None, -1, np.zeros(0, np.int64)
            self._colours = MapColours(np.ones(len(places), np.uint8))
            self._table = []
            self._set_hover(-1)
        self._places, self._fit = places, None
        self._set_codes()
        self.follows = self.follows or fit
        if self.follows:
            self.camera = self.fit_camera()
            self.camera_changed.emit()
        self._refresh()

    def set_colours(self, colours: MapColours) -> None:
        """Colour the points, (N,) codes."""
        assert len(colours.codes) == self.count
        if colours.heat != self._colours.heat:
            self._table = []
        self._colours = colours
        self._set_codes()
        if self._hover >= 0 and self._codes[self._hover] == GROUND:
            self._set_hover(-1)
        self._refresh()

    def set_selection(self, indices: NDArray[np.int64]) -> None:
        """Highlight points; none: all are bright."""
        self._chosen = None
        if len(indices):
            self._chosen = np.zeros(self.count, np.bool_)
            self._chosen[indices] = True
        self._set_codes()
        self.update()

    def set_neighbours(self, query: int, neighbours: NDArray[np.int64]) -> None:
        """Outline an image and its neighbours.

        Args:
            query: number of the image; −1: it is none of the map's.
            neighbours: (n,) numbers, the nearest first.
        """
        self._query, self._neighbours = query, neighbours
        self.update()

    def point_out(self, index: int) -> None:
        """Ring a point, without a signal; −1: none."""
        self._hover = index if index < self.count else -1
        self.update()

    def set_with_images(self, on: bool) -> None:
        """Draw images where few points are visible, or points only."""
        self._with_images = on
        self._refresh()

    def set_axes(self, x: str, y: str) -> None:
        """Name the axes; empty: they have no meaning."""
        self._axes = (x, y)
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there are no points."""
        self._placeholder = text
        self.update()

    def show_images(self, indices: NDArray[np.int64], images: NDArray[Any], levels: int) -> None:
        """Keep pictures of images, (n, C, H, W) levels."""
        self._sprites.add(indices, images, levels)
        self._image_shape = (images.shape[2], images.shape[3])
        self.update()

    def forget_images(self) -> None:
        """Drop all pictures, since the numbers are those of other images."""
        self._sprites.clear()
        self._refresh()

    def fit(self) -> None:
        """Make all points visible."""
        self.follows = True
        self._set_camera(self.fit_camera())

    def sizeHint(self) -> QSize:
        """Size at best; the layout may enlarge it."""
        return QSize(480, 400)

    def minimumSizeHint(self) -> QSize:
        """Smallest usable size."""
        return QSize(240, 240)

    # ---- where things are ------------------------------------------------------------------------------------------

    def fit_camera(self) -> MapCamera:
        """View in which all points are visible."""
        if self._fit is None:
            self._fit = fitted(self._places, self.width(), self.height())
        return self._fit

    def pixels(self) -> NDArray[np.float32]:
        """(N, 2) positions of the points in the widget's coordinates."""
        if self._pixels is None:
            self._pixels = self.camera.to_pixels(self._places, self.width(), self.height())
        return self._pixels

    def visible(self) -> NDArray[np.int64]:
        """Numbers of the points that are shown within the widget."""
        return visible_points(self.pixels(), self._codes, self.width(), self.height())

    def point_at(self, at: QPointF) -> int:
        """Number of the point, or of the image, at a position; −1: none."""
        shown = self._shown_sprites(self.visible())
        if len(shown):
            size = sprite_size(*self._image_shape, self.devicePixelRatioF())
            away = np.abs(self.pixels()[shown] - np.array([at.x(), at.y()], np.float32))
            hit = np.flatnonzero((away[:, 0] <= size.width() / 2) & (away[:, 1] <= size.height() / 2))
            if len(hit):
                return int(shown[hit[np.square(away[hit]).sum(1).argmin()]])
        return nearest_point(self.pixels(), self._codes, at.x(), at.y(), REACH_PX)

    def point_px(self, visible: int) -> int:
        """Diameter of the points, in pixels of the screen, by the number of visible ones."""
        size = 7 if visible <= 300 else 5 if visible <= 3000 else 4 if visible <= 15_000 else 3
        return round(size * self.devicePixelRatioF())

    def _shown_sprites(self, visible: NDArray[np.int64]) -> NDArray[np.int64]:
        """Points whose images are drawn: those with room and a picture."""
        return np.array([index for index in self._sprite_places(visible).tolist() if index in self._sprites], np.int64)

    def _sprite_places(self, visible: NDArray[np.int64]) -> NDArray[np.int64]:
        """Points whose images have room."""
        if not self._with_images or not 0 < len(visible) <= MAX_VISIBLE:
            return np.zeros(0, np.int64)
        size = sprite_size(*self._image_shape, self.devicePixelRatioF())
        room = max(size.width(), size.height()) if self._image_shape[0] else 36.0
        return placed_sprites(self._places, visible, self.camera.scale, room + 4)

    # ---- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the points, images, outlines and axes."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme().color("base"))
            if not self.count:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
            else:
                self._paint_points(painter)
                self._paint_neighbours(painter)
                self._paint_axes(painter)
                self._paint_shape(painter)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme().color("accent" if self.hasFocus() else "border"), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_points(self, painter: QPainter) -> None:
        visible = self.visible()
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        pixels = self.pixels() if ratio == 1.0 else self.pixels() * np.float32(ratio)
        picture = self._raster.draw(pixels, self._codes, width, height, self.point_px(len(visible)), self._chosen)
        if not self._table:
            self._table = colour_table(heat=self._colours.heat)
        picture.setColorTable(self._table)
        painter.drawImage(QRectF(self.rect()), picture)
        for index in self._shown_sprites(visible).tolist():
            self._paint_sprite(painter, index)

    def _paint_sprite(self, painter: QPainter, index: int) -> None:
        """Paint the image of a point in a frame of its colour."""
        picture = self._sprites.picture(index)
        if picture is None:
            return
        x, y = self.pixels()[index].tolist()
        size = sprite_size(*self._image_shape, self.devicePixelRatioF())
        colour = QColor(self._table[int(self._codes[index])])
        painter.setOpacity(1.0 if self._chosen is None or self._chosen[index] else DIMMED_OPACITY)
        paint_sprite(painter, picture, x, y, size, colour)
        painter.setOpacity(1.0)

    def _paint_neighbours(self, painter: QPainter) -> None:
        """Paint lines from the image to its neighbours, and rings; the hovered point has a ring, too."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixels = self.pixels()
        mark = theme().color("mark")
        if self._query >= 0:
            painter.setPen(QPen(mark, 1))
            start = QPointF(*pixels[self._query].tolist())
            for index in self._neighbours.tolist():
                painter.drawLine(start, QPointF(*pixels[index].tolist()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(mark, 1.5))
        for index in self._neighbours.tolist():
            painter.drawEllipse(QPointF(*pixels[index].tolist()), RING_PX, RING_PX)
        if self._query >= 0:
            painter.setPen(QPen(mark, 3))
            painter.drawEllipse(QPointF(*pixels[self._query].tolist()), RING_PX + 2, RING_PX + 2)
        if self._hover >= 0:
            painter.setPen(QPen(theme().color("text"), 2))
            painter.drawEllipse(QPointF(*pixels[self._hover].tolist()), RING_PX, RING_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_axes(self, painter: QPainter) -> None:
        x, y = self._axes
        painter.setPen(theme().color("muted"))
        area = QRectF(self.rect()).adjusted(8, 4, -8, -4)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, f"{x} →" if x else "")
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, f"↑ {y}" if y else "")

    def _paint_shape(self, painter: QPainter) -> None:
        if self._shape is not None:
            fill = theme().color("accent")
            fill.setAlphaF(0.15)
            painter.setBrush(fill)
            painter.setPen(QPen(theme().color("accent"), 1, Qt.PenStyle.DashLine))
            painter.drawPath(self._shape.path())

    def _set_codes(self) -> None:
        codes = self._colours.codes
        self._codes = codes if self._chosen is None else dimmed_codes(codes, self._chosen)

    def _refresh(self) -> None:
        """Draw anew after a change of points or view, and ask for missing pictures."""
        self._pixels = None
        if self._with_images and self.count:
            self._ask_timer.start()
        self.update()

    def _on_theme_changed(self) -> None:
        self._table = []
        self.update()

    def _ask(self) -> None:
        """Ask for the pictures of the visible images that are missing."""
        missing = [index for index in self._sprite_places(self.visible()).tolist() if index not in self._sprites]
        if missing and self.isVisible():
            self.wanted.emit(tuple(missing))

    def _set_camera(self, camera: MapCamera) -> None:
        camera = camera.limited(self.fit_camera())
        if camera != self.camera:
            self.camera = camera
            self.camera_changed.emit()
        self._refresh()

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.hovered.emit(index)
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the points to the new size, or keep the middle."""
        self._fit = None
        if self.follows:
            self.camera = self.fit_camera()
            self.camera_changed.emit()
        self._refresh()
