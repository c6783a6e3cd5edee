"""Canvas of a partial image: sampled pixels, pixels not yet sampled, receptive field and surprisal."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.media.levels import to_display
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.background import CanvasGround
from gmstudio.window.gui.widgets.canvas.marks import (
    is_scattered,
    paint_chosen,
    paint_colour_dots,
    paint_cut_corners,
    paint_observed_border,
    paint_observed_marks,
    region_borders,
)
from gmstudio.window.gui.widgets.canvas.order_overlay import ArrowMap, OrderMode, OrderPath, RankMap, paint_arrows
from gmstudio.window.gui.widgets.canvas.overlays import (
    LEGEND_HEIGHT,
    HeatOverlay,
    overlay_alpha,
    overlay_colours,
    paint_scale,
)
from gmstudio.window.gui.widgets.canvas.veil import argb, blind_colour, veil_of
from gmstudio.window.gui.widgets.images.heat import heat_colours

Pixel = tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """Contents of a canvas.

    Args:
        image: (C, H, W) uint8 levels.
        levels: values a sub-pixel can take.
        placed: (C, H, W) bool: sub-pixels that have a value.
        context: (C, H, W) bool: sub-pixels that the next conditional can depend on.
        current: (row, column) of the next pixel, or None.
        surprisal: (H, W) −log p in nats, NaN where unknown.
        top: nats at the bright end of the heat scale.
        observed: (H, W) bool: observed pixels, which the model is conditioned on.
        chosen: pixels whose value the user chose.
        blind: (H, W) bool: pixels in the blind spot of the next conditional; None: none.
    """

    image: NDArray[np.uint8]
    levels: int
    placed: NDArray[np.bool_]
    context: NDArray[np.bool_]
    current: Pixel | None
    surprisal: NDArray[np.floating]
    top: float
    observed: NDArray[np.bool_]
    chosen: tuple[Pixel, ...] = ()
    blind: NDArray[np.bool_] | None = None


class PixelCanvas(QWidget):
    """Canvas of a ``Picture``, as large as fits, each pixel a square of an integer number of screen pixels.

    Attributes:
        picture: the contents, or None.
        heat: show the surprisal of each pixel in place of its value.
        show_context: outline the receptive field of the next conditional, dim the pixels outside, colour the blind
            spot.
        overlay: heat map over the image, or None.
        tints: (k·H, k·W, 4) RGBA of parts of the pixels, laid over the image, or None.
        marked: (H, W) bool: pixels that are outlined, or None.
        order: generation order, or None.
        order_mode: drawing of the order.

    Signals:
        clicked: row and column of the pixel that was clicked.
        hovered: row and column of the pixel under the pointer; −1, −1 when it leaves.
    """

    clicked = Signal(int, int)
    hovered = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: Picture | None = None
        self.heat = False
        self.show_context = True
        self.overlay: HeatOverlay | None = None
        self.tints: NDArray[np.uint8] | None = None
        self.marked: NDArray[np.bool_] | None = None
        self.order: OrderPath | None = None
        self.order_mode: OrderMode = "off"
        self._ranks: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._brightness: NDArray[np.floating] = np.zeros((0, 0))
        self._room = 0
        self._placeholder = ""
        self._laid_over = QImage()
        self._tinted = QImage()
        self._pixels = QImage()
        self._veil = QImage()
        self._ground = CanvasGround()
        self._rank_map, self._arrow_map = RankMap(), ArrowMap()
        self._hover: Pixel | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._render)

    # ---- what it shows -----------------------------------------------------------------------------------------

    def set_picture(self, picture: Picture | None) -> None:
        """Set the contents; None: none."""
        self.picture = picture
        self._render()

    def set_heat(self, heat: bool) -> None:
        """Show the surprisal of each pixel, or its value."""
        self.heat = heat
        self._render()

    def set_show_context(self, show: bool) -> None:
        """Show the receptive field of the next conditional, or stop showing it."""
        self.show_context = show
        self.update()

    def set_overlay(
        self,
        values: NDArray[np.floating] | NDArray[np.integer] | None,
        top: float = 1.0,
        diverging: bool = False,
        legend: str = "nats",
    ) -> None:
        """Show a heat map over the image, with its scale below; or remove it.

        Args:
            values: (H, W), NaN where the image is visible; None: no heat map. The scale of integers has integer ticks
                only.
            top: value at the right end of the scale, above 0.
            diverging: the scale ranges from −top to top, with 0 in the middle; otherwise from 0 to top.
            legend: name or unit of the values.
        """
        assert top > 0, f"the scale of an overlay ends at {top}"
        self.overlay = None if values is None else HeatOverlay(values, top, diverging, legend)
        if self.overlay is not None:
            self._laid_over = argb(overlay_colours(self.overlay), overlay_alpha(self.overlay))
        self.update()

    def set_tints(self, tints: NDArray[np.uint8] | None) -> None:
        """Lay tints over the image, k by k for each pixel: (k·H, k·W, 4) RGBA; None: none."""
        if tints is not self.tints:
            self.tints = tints
            self._tinted = argb(tints[..., :3], tints[..., 3].astype(np.float64)) if tints is not None else QImage()
            self.update()

    def reserve_scale(self) -> None:
        """Leave room below the image for the scale of a heat map, whether there is one or not."""
        self._room = LEGEND_HEIGHT
        self.update()

    def set_marked(self, mask: NDArray[np.bool_] | None) -> None:
        """Outline a set of pixels, (H, W) bool; None: none."""
        self.marked = mask
        self.update()

    def set_order(self, order: OrderPath | None, mode: OrderMode) -> None:
        """Draw the generation order over the image: as arrows, as ranks, or not."""
        if order is not None and (self.order is None or order.path is not self.order.path):
            self._ranks = np.zeros(tuple(order.path.max(axis=0) + 1), np.int64)
            self._ranks[tuple(order.path.T)] = np.arange(len(order.path))
        self.order, self.order_mode = order, mode
        self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no picture."""
        self._placeholder = text
        self.update()

    def _render(self) -> None:
        picture = self.picture
        if picture is not None:
            there = picture.placed.any(axis=0)
            if self.heat:
                colours = heat_colours(picture.surprisal, picture.top)
            else:
                shades = to_display(picture.image, picture.levels)
                colours = np.moveaxis(np.broadcast_to(shades, (3, *shades.shape[1:])), 0, -1)
            self._pixels = argb(colours, np.where(there, 255.0, 0.0))
            luma = colours @ np.array([0.299, 0.587, 0.114]) / 255
            self._brightness = np.where(there, luma, np.nan)
            self._veil = veil_of(picture.placed, picture.context, picture.current, picture.blind)
        self.update()

    # ---- where things are --------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size of the panel's main image."""
        return QSize(480, 480)

    def minimumSizeHint(self) -> QSize:
        """Smallest legible size."""
        return QSize(120, 120)

    def image_rect(self) -> QRectF:
        """Rectangle in which the image is painted, in the widget's coordinates."""
        picture = self.picture
        if picture is None:
            return QRectF()
        _, rows, columns = picture.image.shape
        ratio = self.devicePixelRatioF()
        width, height = (self.width() - 4) * ratio, (self.height() - 4 - self._room) * ratio
        scale = max(1, int(min(width / columns, height / rows)))
        left = (self.width() * ratio - columns * scale) // 2
        top = ((self.height() - self._room) * ratio - rows * scale) // 2
        return QRectF(left / ratio, top / ratio, columns * scale / ratio, rows * scale / ratio)

    def pixel_rect(self, row: int, column: int) -> QRectF:
        """Rectangle of a pixel."""
        assert self.picture is not None
        _, rows, columns = self.picture.image.shape
        rect = self.image_rect()
        width, height = rect.width() / columns, rect.height() / rows
        return QRectF(rect.left() + column * width, rect.top() + row * height, width, height)

    def pixel_at(self, position: QPointF) -> Pixel | None:
        """Row and column of the pixel at a point, or None."""
        if self.picture is None or not self.image_rect().contains(position):
            return None
        _, rows, columns = self.picture.image.shape
        rect = self.image_rect()
        row = int((position.y() - rect.top()) / rect.height() * rows)
        column = int((position.x() - rect.left()) / rect.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the hatch, the pixels over it, then tint, lines and marks."""
        with QPainter(self) as painter:
            picture = self.picture
            if picture is None:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(24, 24, -24, -24), flags, self._placeholder)
                return
            rect = self.image_rect()
            hatch, grid = self._ground.pixmaps(self, rect.size(), picture.image.shape[1:])
            painter.drawPixmap(rect.topLeft(), hatch)
            self._paint_part(painter, self._pixels, _extent(np.asarray(picture.placed.any(axis=0))))
            if self._fits(self.overlay.values if self.overlay else None):
                painter.drawImage(rect, self._laid_over)
            if self.tints is not None and self.tints.shape[0] % picture.image.shape[1] == 0:
                painter.drawImage(rect, self._tinted)
            painter.drawPixmap(rect.topLeft(), grid)
            if self.show_context and picture.current is not None:
                context = np.asarray(picture.context.any(axis=0))
                if not (self.heat or self.overlay):  # a veil would falsify the colours of the scale
                    painter.drawImage(rect, self._veil)
                if picture.blind is not None and picture.blind.any():
                    painter.setPen(QPen(blind_colour(), 1.5))
                    painter.drawPath(self._borders(picture.blind))
                for role, width in (("base", 3.5), ("accent", 1.5)):
                    painter.setPen(QPen(theme().color(role), width))
                    painter.drawPath(self._borders(context))
            self._paint_partial(painter, picture)
            self._paint_observed(painter, picture.observed)
            self._paint_order(painter, rect)
            if self.marked is not None and self._fits(self.marked):
                border = self._borders(self.marked)
                for role, width in (("base", 4), ("mark", 2)):
                    painter.setPen(QPen(theme().color(role), width))
                    painter.drawPath(border)
            self._paint_marks(painter, picture)
            if self.overlay is not None:
                paint_scale(painter, QRectF(self.rect()), rect, self.overlay)

    def _fits(self, values: NDArray[Any] | None) -> bool:
        """Test that (H, W) values have the size of the picture; those of another run are not shown."""
        picture = self.picture
        return values is not None and picture is not None and values.shape == picture.image.shape[1:]

    def _paint_part(self, painter: QPainter, image: QImage, part: QRect) -> None:
        """Paint the part of an (H, W) image that is not transparent, as blending transparent parts takes as long."""
        if part.isValid():
            corners = self.pixel_rect(part.top(), part.left()), self.pixel_rect(part.bottom(), part.right())
            painter.drawImage(corners[0].united(corners[1]), image, QRectF(part))

    def _borders(self, region: NDArray[np.bool_], *, frame: bool = True) -> QPainterPath:
        return region_borders(region, self.image_rect(), frame=frame)

    def _paint_partial(self, painter: QPainter, picture: Picture) -> None:
        """Mark pixels that are sampled in some channels only; in the next pixel, mark each channel."""
        partial = np.asarray(picture.placed.any(axis=0) & ~picture.placed.all(axis=0))
        if partial.any():
            paint_cut_corners(painter, [self.pixel_rect(row, column) for row, column in np.argwhere(partial).tolist()])
        current = picture.current
        if current is not None and partial[current]:
            paint_colour_dots(painter, self.pixel_rect(*current), picture.placed[:, current[0], current[1]])

    def _paint_observed(self, painter: QPainter, observed: NDArray[np.bool_]) -> None:
        """Paint a dashed line around observed pixels; scattered ones get a mark each instead."""
        if observed.all() or not observed.any():
            return
        if is_scattered(observed):
            paint_observed_marks(
                painter, [self.pixel_rect(row, column) for row, column in np.argwhere(observed).tolist()]
            )
        else:
            paint_observed_border(painter, self._borders(observed, frame=False))

    def _paint_order(self, painter: QPainter, rect: QRectF) -> None:
        order = self.order
        if order is None or self.order_mode == "off" or not self._fits(self._ranks):
            return
        painter.save()
        if self.order_mode == "arrows" and order.jumps:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_arrows(painter, rect, self._ranks.shape, order)
        elif self.order_mode == "arrows":
            painter.drawPixmap(rect.topLeft(), self._arrow_map.pixmap(self, rect.size(), self._ranks.shape, order))
        else:
            ranks = self._rank_map.pixmap(self, rect.size(), self._ranks, self._brightness)
            painter.drawPixmap(rect.topLeft(), ranks)
        painter.restore()

    def _paint_marks(self, painter: QPainter, picture: Picture) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_chosen(painter, [self.pixel_rect(row, column) for row, column in picture.chosen])
        if self._hover is not None:
            painter.setPen(QPen(theme().color("text"), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.pixel_rect(*self._hover))
        if picture.current is not None:
            cell = self.pixel_rect(*picture.current)
            painter.setPen(QPen(theme().color("base"), 5))
            painter.drawRect(cell.adjusted(-1, -1, 1, 1))
            painter.setPen(QPen(theme().color("mark"), 2.5))
            painter.drawRect(cell.adjusted(-1, -1, 1, 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the pixel under the pointer."""
        self._set_hover(self.pixel_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that no pixel is under the pointer."""
        self._set_hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Emit the clicked pixel."""
        pixel = self.pixel_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and pixel is not None:
            self.clicked.emit(*pixel)
        super().mousePressEvent(event)

    def _set_hover(self, pixel: Pixel | None) -> None:
        if pixel != self._hover:
            self._hover = pixel
            self.setCursor(Qt.CursorShape.PointingHandCursor if pixel else Qt.CursorShape.ArrowCursor)
            self.hovered.emit(*(pixel or (-1, -1)))
            self.update()


def _extent(region: NDArray[np.bool_]) -> QRect:
    """Smallest rectangle of pixels that holds a region (H, W)."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not rows.size:
        return QRect()
    return QRect(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
