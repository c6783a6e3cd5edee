"""Frame of a plane: axes with their numbers and titles, and the legend above."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from gmstudio.protocol.plane_layers import Arrows, Dots, Ellipses, Heat, Mesh, Paths, PlaneLayer, Profile
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.overlays import diverging_table
from gmstudio.window.gui.widgets.plane.heat_picture import colour_table, heat_top
from gmstudio.window.gui.widgets.plane.layer_paint import series_colour
from gmstudio.window.gui.widgets.plane.plane_view import Mapping
from gmstudio.window.gui.widgets.plots.plot_scale import ticks

GAP = 4
DIGITS = 5
"""Digits for which the vertical axis has room."""
MAX_X_MARKS = 8
SWATCH, BAR = 14, 40
"""Widths of a colour and of a scale of colours in the legend."""
STOPS = 17
"""Colours of that scale, between which it is interpolated."""
CENTRE = Qt.AlignmentFlag.AlignCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class LegendEntry:
    """Entry of the legend: a name, and the layer whose colours stand before it."""

    name: str
    layer: PlaneLayer
    ends: tuple[str, str] = ("", "")


def axis_title(axis: PointAxis) -> str:
    """Title of an axis with its unit."""
    return f"{axis.title} ({axis.unit})" if axis.unit else axis.title


def area_of(width: float, height: float, metrics: QFontMetricsF) -> QRectF:
    """Rectangle for the plane in a widget: above it the legend, below it two lines, left of it the numbers."""
    line = metrics.height()
    left = line + DIGITS * metrics.horizontalAdvance("0") + 2 * GAP
    right = 2 * metrics.horizontalAdvance("0") + GAP
    return QRectF(left, line + 2 * GAP, max(width - left - right, 8.0), max(height - 3 * line - 4 * GAP, 8.0))


def legend_entries(layers: tuple[PlaneLayer, ...]) -> list[LegendEntry]:
    """Entries of the layers that have a name, in their order."""
    entries = []
    for layer in layers:
        match layer:
            case Heat() if layer.name:
                top = f"{heat_top(layer):.3g}"
                low = f"−{top}" if layer.scale == "diverging" else f"{layer.low:.3g}"
                ends = (low.replace("-", "−"), f"{top} {layer.unit}".strip().replace("-", "−"))
                entries.append(LegendEntry(layer.name, layer, ends))
            case Mesh() if layer.name and layer.shade is not None:
                top = f"{float(np.nanmax(np.abs(layer.shade.numpy()), initial=0.0)):.3g}"
                entries.append(LegendEntry(layer.name, layer, (f"−{top}", f"{top} {layer.unit}".strip())))
            case Dots() | Arrows() | Paths() | Mesh() | Ellipses() | Profile() if layer.name:
                entries.append(LegendEntry(layer.name, layer))
    return entries


class FramePainter:
    """Painter of the frame.

    Args:
        painter: of the picture; its font is used.
        mapping: the view and its area.
        axes: horizontal and vertical axis.
    """

    def __init__(self, painter: QPainter, mapping: Mapping, axes: tuple[PointAxis, PointAxis]) -> None:
        self._painter, self._map, self._axes = painter, mapping, axes
        self._metrics = QFontMetricsF(painter.font())

    def paint_axes(self, width: float, readout: str) -> None:
        """Paint frame, numbers, titles and the line of what is under the pointer.

        Args:
            width: of the widget.
            readout: text at the left of the last line.
        """
        painter, area, view = self._painter, self._map.area, self._map.view
        line = self._metrics.height()
        painter.setPen(theme().color("border"))
        painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
        for mark in self._x_marks(view.left, view.right):
            self._x_tick(mark, width)
        for mark in ticks(view.bottom, view.top, max(1, min(int(area.height() / (2.2 * line)), 8))):
            self._y_tick(mark)
        painter.setPen(theme().color("text"))
        title = self._elided(axis_title(self._axes[0]), area.width() / 2)
        below = area.bottom() + GAP + line
        taken = self._metrics.horizontalAdvance(title) + 2
        painter.drawText(QRectF(area.right() - taken, below, taken, line), RIGHT, title)
        painter.save()
        painter.translate(line / 2 + 1, area.center().y())
        painter.rotate(-90)
        title = self._elided(axis_title(self._axes[1]), area.height())
        painter.drawText(QRectF(-area.height() / 2, -line / 2, area.height(), line), CENTRE, title)
        painter.restore()
        painter.setPen(theme().color("muted"))
        room = QRectF(GAP, below, area.right() - taken - 3 * GAP, line)
        painter.drawText(room, LEFT, self._elided(readout, room.width()))

    def _x_marks(self, low: float, high: float) -> list[float]:
        """Round numbers between two ends, as many as can be read beside one another."""
        advance = self._metrics.horizontalAdvance
        for count in range(MAX_X_MARKS, 1, -1):
            marks = ticks(low, high, count)
            if sum(advance(_number(mark)) + 2 * advance("0") for mark in marks) <= self._map.area.width():
                return marks
        return ticks(low, high, 1)

    def _x_tick(self, mark: float, width: float) -> None:
        painter, area = self._painter, self._map.area
        x, text = self._map.point(mark, 0.0).x(), _number(mark)
        wide = self._metrics.horizontalAdvance(text) + 2
        painter.setPen(theme().color("muted"))
        painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + GAP))
        left = min(max(x - wide / 2, 0.0), width - wide)
        painter.drawText(QRectF(left, area.bottom() + GAP, wide, self._metrics.height()), CENTRE, text)

    def _y_tick(self, mark: float) -> None:
        painter, area, line = self._painter, self._map.area, self._metrics.height()
        y, text = self._map.point(0.0, mark).y(), _number(mark)
        painter.setPen(theme().color("muted"))
        painter.drawLine(QPointF(area.left() - GAP, y), QPointF(area.left(), y))
        room = QRectF(line, y - line / 2, area.left() - line - GAP - 1, line)
        if self._metrics.horizontalAdvance(text) <= room.width():
            painter.drawText(room, RIGHT, text)

    def paint_legend(self, entries: list[LegendEntry], width: float) -> None:
        """Paint the legend in its line; entries that do not fit are counted at its end."""
        x, line = self._map.area.left(), self._metrics.height()
        for number, entry in enumerate(entries):
            wide = self._entry_width(entry)
            rest = len(entries) - number - 1
            more = f"+{len(entries) - number}"
            room = width - x - (self._metrics.horizontalAdvance(more) + 4 * GAP if rest else 0)
            if wide > room and number:
                self._painter.setPen(theme().color("muted"))
                self._painter.drawText(QRectF(x, GAP / 2, width - x, line), LEFT, more)
                return
            self._entry(entry, x, room)
            x += min(wide, room) + 3 * GAP

    def _entry_width(self, entry: LegendEntry) -> float:
        advance = self._metrics.horizontalAdvance
        if entry.ends[1]:
            return advance(entry.name) + advance(entry.ends[0]) + advance(entry.ends[1]) + BAR + 5 * GAP
        return SWATCH + GAP + advance(entry.name) + 2

    def _entry(self, entry: LegendEntry, x: float, room: float) -> None:
        painter, line, advance = self._painter, self._metrics.height(), self._metrics.horizontalAdvance
        top = GAP / 2
        if not entry.ends[1]:
            self._swatch(entry.layer, QRectF(x, top, SWATCH, line))
            name = self._elided(entry.name, room - SWATCH - GAP)
            painter.setPen(theme().color("text"))
            painter.drawText(QRectF(x + SWATCH + GAP, top, advance(name) + 2, line), LEFT, name)
            return
        name = self._elided(entry.name, room - (self._entry_width(entry) - advance(entry.name)))
        for text, role in ((name, "text"), (entry.ends[0], "muted")):
            painter.setPen(theme().color(role))
            painter.drawText(QRectF(x, top, advance(text) + 2, line), LEFT, text)
            x += advance(text) + 1.5 * GAP
        table = diverging_table() if isinstance(entry.layer, Mesh) else colour_table(_scale(entry.layer))
        bar = QRectF(x, top + (line - 9) / 2, BAR, 9)
        scale = QLinearGradient(bar.topLeft(), bar.topRight())
        for share in np.linspace(0.0, 1.0, STOPS).tolist():
            red, green, blue = table[round(share * 255)].tolist()
            scale.setColorAt(share, QColor(red, green, blue))
        painter.fillRect(bar, scale)
        painter.setPen(theme().color("muted"))
        painter.drawRect(bar)
        painter.drawText(QRectF(bar.right() + 1.5 * GAP, top, advance(entry.ends[1]) + 2, line), LEFT, entry.ends[1])

    def _swatch(self, layer: PlaneLayer, room: QRectF) -> None:
        painter, middle = self._painter, room.center().y()
        series = layer.series if isinstance(layer, Dots | Arrows | Paths | Ellipses | Profile) else -1
        colour = series_colour(series)
        if isinstance(layer, Dots):
            size = 9.0 if layer.large else 6.0
            painter.setPen(QPen(colour, size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoint(room.center())
            return
        dashed = isinstance(layer, Paths) and layer.dashed
        painter.setPen(QPen(colour, 2.5, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
        painter.drawLine(QPointF(room.left(), middle), QPointF(room.right(), middle))
        if isinstance(layer, Arrows):
            tip = QPointF(room.right(), middle)
            painter.drawLine(tip, tip + QPointF(-4, -4))
            painter.drawLine(tip, tip + QPointF(-4, 4))

    def _elided(self, text: str, width: float) -> str:
        return self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0.0))


def _scale(layer: PlaneLayer) -> str:
    return layer.scale if isinstance(layer, Heat) else "heat"


def _number(value: float) -> str:
    """Number of a tick; zero without rounding errors, and with a minus sign."""
    text = f"{value:.5g}" if abs(value) > 1e-12 else "0"
    return text.replace("-", "−")
