"""Drawing of a plane: layers over two axes, with what does not move kept as a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QHideEvent, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.protocol.plane_layers import Heat, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.background import blank_pixmap
from gmstudio.window.gui.widgets.plane.heat_picture import heat_image, heat_value
from gmstudio.window.gui.widgets.plane.layer_paint import LayerPainter
from gmstudio.window.gui.widgets.plane.plane_frame import FramePainter, LegendEntry, area_of, axis_title, legend_entries
from gmstudio.window.gui.widgets.plane.plane_hands import Hand, PlaneHands
from gmstudio.window.gui.widgets.plane.plane_view import Mapping, PlaneView

SETTLE_MS = 70
"""Time without a move after which what was moved as a picture is painted anew."""
OVERHANG = 0.2
"""Part of the area by which the kept picture goes beyond each edge, for panning."""
_UNIT = PointAxis("x", 0.0, 1.0)


class PlaneSurface(QWidget):
    """Layers over two axes; ``PlaneCanvas`` adds what pointer and keys do.

    Maps are painted as they are at each frame. All other layers but handles, guides and profiles are painted once on a
    picture that goes beyond the area, which is moved and scaled while the view moves, and painted anew when it rests.

    Signals:
        view_changed: the user changed the view; the ``PlaneView``.
    """

    view_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes = (_UNIT, PointAxis("y", 0.0, 1.0))
        self._square = False
        self._view = PlaneView(0.0, 1.0, 0.0, 1.0)
        self._layers: tuple[PlaneLayer, ...] = ()
        self._heats: list[tuple[Heat, QImage]] = []
        self._entries: list[LegendEntry] = []
        self._hands = PlaneHands()
        self._kept, self._kept_view = QPixmap(), self._view
        self._stale = True
        self._pointer: QPointF | None = None
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._on_settled)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Plane")
        theme().changed.connect(self._recolour)

    # ---- what is shown -----------------------------------------------------------------------------------------

    @property
    def axes(self) -> tuple[PointAxis, PointAxis]:
        """Horizontal and vertical axis."""
        return self._axes

    @property
    def layers(self) -> tuple[PlaneLayer, ...]:
        """The layers, from back to front."""
        return self._layers

    @property
    def view(self) -> PlaneView:
        """Part of the plane that fills the area; with ``square``, a unit is as long on both axes."""
        area = self.area
        return self._view.squared(area.width() / area.height()) if self._square else self._view

    @property
    def area(self) -> QRectF:
        """Rectangle of the plane inside the widget."""
        return area_of(self.width(), self.height(), QFontMetricsF(self.font()))

    @property
    def mapping(self) -> Mapping:
        """Places of the plane on the widget."""
        return Mapping(self.view, self.area)

    def set_axes(self, x: PointAxis, y: PointAxis, *, square: bool = False) -> None:
        """Set the axes; their ends are what fitting shows. Other ends fit the view.

        Args:
            x: horizontal axis.
            y: vertical axis.
            square: a unit is as long on both axes.
        """
        if ((x, y), square) == (self._axes, self._square):
            return
        before = [(axis.low, axis.high) for axis in self._axes]
        self._axes, self._square = (x, y), square
        self.setAccessibleName(f"{axis_title(y)} over {axis_title(x)}")
        if [(axis.low, axis.high) for axis in self._axes] != before:
            self._view = self._home
        self._stale = True
        self.update()

    def set_layers(self, layers: Sequence[PlaneLayer]) -> None:
        """Show layers, from back to front."""
        if tuple(layers) == self._layers:
            return
        before = dict(self._heats_by_layer())
        self._layers = tuple(layers)
        heats = [layer for layer in self._layers if isinstance(layer, Heat)]
        self._heats = [(heat, before.get(id(heat)) or heat_image(heat)) for heat in heats]
        self._entries = legend_entries(self._layers)
        self._hands.set_layers(self._layers)
        self._stale = True
        self.update()

    def confirm(self, name: str) -> None:
        """Take the present layers as the answer to the last move of an input, which returns where it was refused."""
        self._hands.confirm(name)
        self.update()

    def set_view(self, view: PlaneView) -> None:
        """Show a part of the plane, without a signal."""
        view = view.limited(self._home)
        if view != self._view:
            self._view = view
            self._settle.start()
            self.update()

    def fit(self) -> None:
        """Show the whole axes."""
        self._change_view(self._home)

    def zoom(self, factor: float) -> None:
        """Enlarge around the centre of the view."""
        view = self.view
        self._change_view(view.zoomed(factor, (view.left + view.right) / 2, (view.bottom + view.top) / 2))

    def handle_points(self, name: str) -> NDArray[np.float64]:
        """Points (N, 2) of the handles of an input, or the place (1,) of a guide, as they are drawn.

        Raises:
            KeyError: when there is no such input.
        """
        return self._hands.points(name)

    @property
    def dragging(self) -> bool:
        """A handle or a guide is being dragged."""
        return self._hands.held is not None

    @property
    def readout(self) -> str:
        """Text of what is under the pointer, or of the handle that the keys move."""
        if self._pointer is not None and self.area.contains(self._pointer):
            x, y = self.mapping.at(self._pointer)
            return self._describe(x, y)
        if self._hands.chosen is not None:
            return f"{self._hands.describe(self._hands.chosen)}: {self._hand_text(self._hands.chosen)}"
        return ""

    def _describe(self, x: float, y: float) -> str:
        view, area = self.view, self.area
        parts = [
            f"{self._axes[0].title} {_rounded(x, view.width / area.width())}",
            f"{self._axes[1].title} {_rounded(y, view.height / area.height())}",
        ]
        for heat, _ in self._heats:
            value = heat_value(heat, x, y)
            if value is not None:
                parts.append(f"{heat.name} {value:.3g} {heat.unit}".strip().replace("-", "−"))
        return " · ".join(parts)

    def _hand_text(self, hand: Hand) -> str:
        return f"{self._hands.along(hand):.3g}" if hand.guide else "({:.3g}, {:.3g})".format(*self._hands.place(hand))

    @property
    def _home(self) -> PlaneView:
        x, y = self._axes
        return PlaneView(x.low, x.high, y.low, y.high)

    def _heats_by_layer(self) -> list[tuple[int, QImage]]:
        return [(id(heat), image) for heat, image in self._heats]

    def _change_view(self, view: PlaneView) -> None:
        before = self._view
        self.set_view(view)
        if self._view != before:
            self.view_changed.emit(self._view)

    def _recolour(self) -> None:
        self._heats = [(heat, heat_image(heat)) for heat, _ in self._heats]
        self._stale = True
        self.update()

    def _on_settled(self) -> None:
        if self._kept_view != self._overhung(self.view):
            self._stale = True
            self.update()

    # ---- painting ----------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size in which a surface is legible."""
        return QSize(360, 380)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(180, 180)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint maps, kept picture of the other layers, handles, frame and legend."""
        mapping = self.mapping
        self._keep(mapping)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setClipRect(mapping.area)
            self.paint_heats(painter, mapping)
            kept, ratio = self._kept_view, self.devicePixelRatioF()
            target = mapping.rect(kept.left, kept.right, kept.bottom, kept.top)
            if abs(target.width() * ratio - self._kept.width()) < 1:  # moved: by whole pixels, which Qt copies
                place = QPointF(round(target.left() * ratio) / ratio, round(target.top() * ratio) / ratio)
                painter.drawPixmap(place, self._kept)
            else:
                painter.drawPixmap(target, self._kept, QRectF(self._kept.rect()))
            LayerPainter(painter, mapping).paint_profiles(self._layers)
            under = self._hands.nearest(mapping, self._pointer) if self._pointer is not None else None
            self._hands.paint(painter, mapping, under)
            if self.hasFocus():
                self._paint_focus(painter, mapping)
            painter.setClipping(False)
            frame = FramePainter(painter, mapping, self._axes)
            frame.paint_axes(self.width(), self.readout)
            frame.paint_legend(self._entries, self.width())

    def paint_heats(self, painter: QPainter, mapping: Mapping) -> None:
        """Paint the ground and the maps, nearest neighbour."""
        painter.fillRect(mapping.area, theme().color("base"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for heat, image in self._heats:
            target = mapping.rect(*heat.extent)
            part = target.intersected(mapping.area)  # painting far outside is slow, and the numbers overflow
            if not part.isEmpty():
                across, down = image.width() / target.width(), image.height() / target.height()
                source = QRectF(
                    (part.left() - target.left()) * across,
                    (part.top() - target.top()) * down,
                    part.width() * across,
                    part.height() * down,
                )
                painter.drawImage(part, image, source)

    def paint_hands(self, painter: QPainter, mapping: Mapping) -> None:
        """Paint handles and guides."""
        self._hands.paint(painter, mapping, None)

    def _paint_focus(self, painter: QPainter, mapping: Mapping) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("accent"), 2))
        painter.drawRect(mapping.area.adjusted(1, 1, -1, -1))

    def _overhung(self, view: PlaneView) -> PlaneView:
        """View of the kept picture."""
        x, y = view.width * OVERHANG, view.height * OVERHANG
        return PlaneView(view.left - x, view.right + x, view.bottom - y, view.top + y)

    def _keep(self, mapping: Mapping) -> None:
        """Paint the layers that the hand does not move, when they changed or the view left what is painted."""
        area = mapping.area
        size = QSizeF(area.width() * (1 + 2 * OVERHANG), area.height() * (1 + 2 * OVERHANG))
        ratio = self.devicePixelRatioF()
        fits = (size * ratio).toSize() == self._kept.size()
        if not self._stale and fits and self._kept_view.contains(mapping.view) and self._same_scale(mapping.view):
            return
        self._kept, self._kept_view = blank_pixmap(self, size), self._overhung(mapping.view)
        painter = QPainter(self._kept)
        painter.setFont(self.font())
        LayerPainter(painter, Mapping(self._kept_view, QRectF(QPointF(0, 0), size))).paint(self._layers)
        painter.end()
        self._stale = False

    def _same_scale(self, view: PlaneView) -> bool:
        """The kept picture is enlarged by less than two."""
        return self._kept_view.width / (1 + 2 * OVERHANG) < 2 * view.width

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew in the new size."""
        super().resizeEvent(event)
        self._stale = True

    def hideEvent(self, event: QHideEvent) -> None:
        """Wait for nothing while hidden."""
        super().hideEvent(event)
        self._settle.stop()
        self._stale = True


def _rounded(value: float, pixel: float) -> str:
    """Number with as many digits as a pixel of the screen tells apart."""
    digits = max(0, int(np.ceil(-np.log10(pixel)))) if pixel < 1 else 0
    return f"{value:.{min(digits, 8)}f}".replace("-", "−")
