"""Up to four pictures compared: side by side, by a boundary that is dragged, in turn, or by their differences."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.canvas.overlays import LEGEND_HEIGHT
from gmstudio.window.gui.widgets.images.compared_pictures import (
    ComparedPicture,
    DifferenceMaps,
    Place,
    View,
    cells_of,
    difference_maps,
)
from gmstudio.window.gui.widgets.images.picture_paint import (
    difference_table,
    image_of,
    paint_difference_scale,
    paint_sentence,
    paint_title,
    picture_of_colours,
)

Mode = Literal["side", "swipe", "blink", "difference"]
REACH = 8
"""Distance from a boundary within which a drag moves it, pixels."""
STEP = 0.02
"""Share of the width by which a key moves a boundary."""
WHEEL, KEY_ZOOM, KEY_PAN = 1.25, 1.5, 0.1
AT_ONCE = 250_000
"""Sub-pixels of all pictures whose differences take a few milliseconds, and are computed at once."""
COMPUTING = "Computing the differences …"
PANS = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
MIN_RATE, MAX_RATE = 0.5, 8.0
"""Pictures a second, in turn; no faster, as flicker of more than a few hertz is harmful to some."""


class PictureComparison(ActiveWidget):
    """Pictures with one zoom and one place for all.

    Wheel: zoom; drag: move; double click: the whole pictures. In ``swipe`` a drag of a boundary moves it.

    Attributes:
        pictures: the pictures, four at most.
        mode: how they are compared.
        against: number of the picture from which the others differ.
        absolute: differences without their sign.
        rate: pictures a second in ``blink``.
        view: part that is seen.
        boundaries: shares of the width at which one picture ends and the next begins.
        shown: number of the picture that ``blink`` shows.

    Signals:
        pointed: place (u, v) under the pointer, or None.
        view_changed: zoom or place.
        maps_wanted: function without arguments that computes the ``DifferenceMaps`` of large pictures, to be run in a
            thread; its result is passed to ``set_maps``.
    """

    pointed = Signal(object)
    view_changed = Signal()
    maps_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures: tuple[ComparedPicture, ...] = ()
        self.mode: Mode = "side"
        self.against, self.shown = 0, 0
        self.absolute = False
        self.rate = 1.0
        self.view = View()
        self.boundaries: list[float] = []
        self.place: Place | None = None
        self._placeholder = ""
        self._images: list[QImage] = []
        self._maps: DifferenceMaps | None = None
        self._coloured: list[QImage | None] = []
        self._dragged: int | None = None
        self._from: QPointF | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_next)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._changed)

    # ---- what it shows -------------------------------------------------------------------------------------------

    def set_pictures(self, pictures: Sequence[ComparedPicture]) -> None:
        """Compare these pictures; zoom and place stay, and the boundaries where the number of pictures does."""
        if len(pictures) != len(self.pictures):
            self.boundaries = [(number + 1) / len(pictures) for number in range(len(pictures) - 1)]
        self.against, self.shown = (min(one, max(len(pictures) - 1, 0)) for one in (self.against, self.shown))
        known = {id(picture.pixels): image for picture, image in zip(self.pictures, self._images, strict=True)}
        self._images = [known.get(id(picture.pixels)) or image_of(picture) for picture in pictures]
        self.pictures = tuple(pictures)
        self._changed()

    def set_mode(self, mode: Mode) -> None:
        """Compare them in another way."""
        self.mode = mode
        self._keep_time()
        self.update()

    def set_against(self, number: int) -> None:
        """Subtract this picture from the others."""
        self.against = min(max(number, 0), max(len(self.pictures) - 1, 0))
        self._changed()

    def set_absolute(self, absolute: bool) -> None:
        """Show differences without their sign, or with it."""
        self.absolute = absolute
        self._changed()

    def set_rate(self, rate: float) -> None:
        """Set the number of pictures a second in ``blink``."""
        self.rate = min(max(rate, MIN_RATE), MAX_RATE)
        self._keep_time()

    def set_placeholder(self, text: str) -> None:
        """Set the text that is shown while there is no picture."""
        self._placeholder = text
        self.update()

    def set_view(self, view: View) -> None:
        """See another part."""
        if view != self.view:
            self.view = view
            self.view_changed.emit()
            self.update()

    def fit(self) -> None:
        """See the whole pictures."""
        self.set_view(View())

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle."""
        if self.pictures:
            cell = self._pictured(self._cells()[0])
            self.set_view(self.view.zoomed(factor, cell.center(), self.pictures[0].size, cell))

    @property
    def maps(self) -> DifferenceMaps:
        """Differences from the picture ``against``; none while those of large pictures are on their way."""
        if self._maps is None and self.mode == "difference" and self.pictures:
            work = self._difference_work()
            if sum(picture.pixels.size for picture in self.pictures) <= AT_ONCE:
                self.set_maps(work())
            else:
                self._maps = DifferenceMaps()
                self.maps_wanted.emit(work)
        return self._maps or DifferenceMaps()

    def set_maps(self, maps: DifferenceMaps) -> None:
        """Show differences that were computed elsewhere, see ``maps_wanted``."""
        self._maps = maps
        self._coloured = [None if one is None else picture_of_colours(one) for one in maps.colours]
        self.update()

    def _difference_work(self) -> Callable[[], DifferenceMaps]:
        table, ground = difference_table(absolute=self.absolute), theme().color("window").rgb()
        pictures, against, absolute = self.pictures, self.against, self.absolute
        return lambda: difference_maps(pictures, against, table, ground, absolute=absolute)

    def set_active(self, active: bool) -> None:
        """Show the pictures in turn only while they are on the screen."""
        self._keep_time()

    def _changed(self) -> None:
        self._maps = None
        self._keep_time()
        self.update()

    def _keep_time(self) -> None:
        if self.active and self.mode == "blink" and len(self.pictures) > 1:
            self._timer.start(round(1000 / self.rate))
        else:
            self._timer.stop()

    def _show_next(self) -> None:
        self.shown = (self.shown + 1) % max(len(self.pictures), 1)
        self.update()

    # ---- where things are ----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size in which two pictures are seen well."""
        return QSize(640, 400)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(240, 120)

    def _subjects(self) -> list[int]:
        """Numbers of the pictures that have a cell of their own."""
        if self.mode == "side":
            return list(range(len(self.pictures)))
        if self.mode == "difference" and len(self.pictures) > 1:
            return [number for number in range(len(self.pictures)) if number != self.against]
        return [self.shown if self.mode == "blink" else 0] if self.pictures else []

    def _cells(self) -> list[QRectF]:
        """Cells, titles included."""
        area = QRectF(self.rect())
        if self.mode == "difference":
            area.setHeight(area.height() - LEGEND_HEIGHT)
        return cells_of(len(self._subjects()), area, self.pictures[0].size, GRID, self._heading())

    def _heading(self) -> int:
        return self.fontMetrics().height() + GRID // 2

    def _pictured(self, cell: QRectF) -> QRectF:
        """Part of a cell below its title."""
        return cell.adjusted(0, self._heading(), 0, 0)

    def _cell_at(self, point: QPointF) -> QRectF:
        """Part below the title of the cell at a point, or of the first one."""
        cells = self._cells()
        found = next((cell for cell in cells if cell.contains(point)), cells[0])
        return self._pictured(found)

    def boundary_x(self, number: int) -> float:
        """Horizontal position of a boundary."""
        area = self._pictured(self._cells()[0])
        seen = self.view.rect(self.pictures[0].size, area).intersected(area)
        return seen.left() + self.boundaries[number] * seen.width()

    def _boundary_at(self, point: QPointF) -> int | None:
        """Number of the boundary that a press takes: the nearest; only within reach where drags move the view."""
        if self.mode != "swipe" or not self.boundaries:
            return None
        away = [abs(self.boundary_x(number) - point.x()) for number in range(len(self.boundaries))]
        nearest = int(np.argmin(away))
        return nearest if self.view.zoom == 1 or away[nearest] <= REACH else None

    def _drag_boundary(self, number: int, x: float) -> None:
        area = self._pictured(self._cells()[0])
        seen = self.view.rect(self.pictures[0].size, area).intersected(area)
        self.move_boundary(number, (x - seen.left()) / max(seen.width(), 1))

    def move_boundary(self, number: int, share: float) -> None:
        """Move a boundary to a share of the width; it stops at its neighbours."""
        low = self.boundaries[number - 1] if number else 0.0
        high = self.boundaries[number + 1] if number + 1 < len(self.boundaries) else 1.0
        self.boundaries[number] = min(max(share, low), high)
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pictures, and what belongs to the mode."""
        with QPainter(self) as painter:
            if not self.pictures:
                paint_sentence(painter, QRectF(self.rect()), self._placeholder)
                return
            paint: dict[Mode, Callable[[QPainter], None]] = {
                "side": self._paint_pictures,
                "swipe": self._paint_swipe,
                "blink": self._paint_pictures,
                "difference": self._paint_differences,
            }
            paint[self.mode](painter)

    def _paint_pictures(self, painter: QPainter) -> None:
        for number, cell in zip(self._subjects(), self._cells(), strict=True):
            self._paint_title(painter, cell, number, self.pictures[number].title)
            self._paint_image(painter, self._pictured(cell), self._pictured(cell), number)

    def _paint_swipe(self, painter: QPainter) -> None:
        cell = self._cells()[0]
        area = self._pictured(cell)
        seen = self.view.rect(self.pictures[0].size, area).intersected(area)
        edges = [seen.left(), *(self.boundary_x(number) for number in range(len(self.boundaries))), seen.right()]
        for number, (left, right) in enumerate(pairwise(edges)):
            part = QRectF(left, area.top(), right - left, area.height())
            self._paint_image(painter, area, part, number)
            title = QRectF(left, cell.top(), right - left, cell.height())
            self._paint_title(painter, title, number, self.pictures[number].title)
        for x in edges[1:-1]:
            for role, width in (("base", 4), ("accent", 2)):
                painter.setPen(QPen(theme().color(role), width))
                painter.drawLine(QPointF(x, seen.top()), QPointF(x, seen.bottom()))

    def _paint_differences(self, painter: QPainter) -> None:
        if len(self.pictures) < 2:
            self._paint_pictures(painter)
            return
        maps, other = self.maps, self.pictures[self.against].called
        if not maps.differences:
            paint_sentence(painter, QRectF(self.rect()), COMPUTING)
            return
        for number, cell in zip(self._subjects(), self._cells(), strict=True):
            found, title, area = maps.differences[number], self.pictures[number].title, self._pictured(cell)
            coloured = self._coloured[number]
            if coloured is None:
                self._paint_title(painter, cell, number, title)
                paint_sentence(painter, area, found.reason)
                continue
            self._paint_title(painter, cell, number, f"RMS {found.rms:.4g} · {title} minus {other}")
            painter.save()
            painter.setClipRect(area)
            painter.drawImage(self.view.rect(self.pictures[number].size, area), coloured)
            painter.restore()
        if any(self._coloured[number] is not None for number in self._subjects()):
            paint_difference_scale(painter, QRectF(self.rect()), maps.top, absolute=self.absolute)

    def _paint_image(self, painter: QPainter, area: QRectF, part: QRectF, number: int) -> None:
        """Paint the part of a picture that is within a rectangle."""
        painter.save()
        painter.setClipRect(part)
        painter.drawImage(self.view.rect(self.pictures[number].size, area), self._images[number])
        painter.restore()

    def _paint_title(self, painter: QPainter, cell: QRectF, number: int, title: str) -> None:
        line = QRectF(cell.left(), cell.top(), cell.width(), self._heading())
        paint_title(painter, line, self.pictures[number].colour, title)

    # ---- hands ---------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        if self.pictures and event.angleDelta().y():
            cell = self._cell_at(event.position())
            factor = WHEEL ** (event.angleDelta().y() / 120)
            self.set_view(self.view.zoomed(factor, event.position(), self.pictures[0].size, cell))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a boundary, or begin to move the view."""
        if not self.pictures or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self._dragged = self._boundary_at(event.position())
        self._from = event.position()
        if self._dragged is not None:
            self._drag_boundary(self._dragged, event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, and emit the place under the pointer."""
        if not self.pictures:
            return
        point = event.position()
        cell = self._cell_at(point)
        if self._dragged is not None:
            self._drag_boundary(self._dragged, point.x())
        elif self._from is not None:
            self.set_view(self.view.moved(point - self._from, self.pictures[0].size, cell))
            self._from = point
        near = self._boundary_at(point) is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.CrossCursor)
        self._point(self.view.place_at(point, self.pictures[0].size, cell) if cell.contains(point) else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        self._dragged = self._from = None
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """See the whole pictures."""
        self.fit()

    def event(self, event: QEvent) -> bool:
        """Show no tooltip over the pictures."""
        return True if event.type() == QEvent.Type.ToolTip else super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that nothing is under the pointer."""
        self._point(None)

    def _point(self, place: Place | None) -> None:
        if place != self.place:
            self.place = place
            self.pointed.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom by plus and minus, move by the arrows, move the first boundary by comma and point, fit by Home."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom_by(1 / KEY_ZOOM if key == Qt.Key.Key_Minus else KEY_ZOOM)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in PANS and self.pictures:
            cell = self._pictured(self._cells()[0])
            by = QPointF(PANS[key][0] * KEY_PAN * cell.width(), PANS[key][1] * KEY_PAN * cell.height())
            self.set_view(self.view.moved(by, self.pictures[0].size, cell))
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period) and self.mode == "swipe" and self.boundaries:
            self.move_boundary(0, self.boundaries[0] + (STEP if key == Qt.Key.Key_Period else -STEP))
        else:
            super().keyPressEvent(event)
