"""Overlaid histograms of several sets of numbers over common bins, with a threshold that can be dragged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.plot_scale import HEADROOM, PlotScale

Floats = NDArray[np.float64]
BINS = 60
TAIL = 0.002
"""Share at either end that is counted in the end bins where it would take most of the axis."""
LEFT, RIGHT, BOTTOM, GAP = 44, 8, 36, 4
FILL = 0.35
"""Opacity of what is below an outline."""
KEY_STEP, LARGE_STEP = 1 / 200, 1 / 20
"""Shares of the axis by which a key moves the threshold, alone and with Shift."""
NEAR_PX = 8


@dataclass(frozen=True)
class Histogram:
    """One set of numbers.

    Args:
        name: of the set, when a bin is read.
        values: (N,) float64; those that are not finite are left out.
        colour: of the outline.
        dashed: draw a dashed outline without a filling, for a set to compare with.
        mark: number that is marked on the axis; NaN: none.
        legend: name in the legend, where several sets may share one; empty: ``name``.
    """

    name: str
    values: Floats
    colour: QColor
    dashed: bool = False
    mark: float = math.nan
    legend: str = ""


def common_bins(sets: Sequence[Floats], bins: int = BINS) -> Floats:
    """Return (bins + 1,) edges for sets of finite numbers; empty where there is none.

    They span all numbers, except for tails of ``TAIL`` at either end that would take more than half of the axis.
    """
    everything = np.concatenate([np.zeros(0), *sets])
    if not everything.size:
        return np.zeros(0)
    low, high = float(everything.min()), float(everything.max())
    ends = np.array([np.quantile(one, (TAIL, 1 - TAIL)) for one in sets if one.size])
    inner_low, inner_high = float(ends[:, 0].min()), float(ends[:, 1].max())
    if inner_high > inner_low and high - low > 2 * (inner_high - inner_low):
        room = 0.05 * (inner_high - inner_low)
        low, high = max(low, inner_low - room), min(high, inner_high + room)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


class OverlaidHistograms(QWidget):
    """Histograms as shares of each set, so that sets of different sizes compare.

    With a threshold, the arrow keys move it; Shift makes larger steps.

    Args:
        title: name of the horizontal axis.

    Signals:
        threshold_moved: place of the threshold that is being dragged, or was moved by a key.
        read: words on the bin under the pointer; "".
    """

    threshold_moved = Signal(float)
    read = Signal(str)

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._sets: tuple[Histogram, ...] = ()
        self._edges: Floats = np.zeros(0)
        self._shares: tuple[Floats, ...] = ()
        self._log = False
        self._threshold = math.nan
        self._placeholder = ""
        self._pointed = -1
        self._dragged = False
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    @property
    def sets(self) -> tuple[Histogram, ...]:
        """The sets on display."""
        return self._sets

    @property
    def edges(self) -> Floats:
        """(B + 1,) edges of the bins; empty: there are no numbers."""
        return self._edges

    @property
    def threshold(self) -> float:
        """Place of the threshold; NaN: there is none."""
        return self._threshold

    def set_title(self, title: str) -> None:
        """Set the name of the horizontal axis."""
        if title != self._title:
            self._title = title
            self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there are no numbers."""
        self._placeholder = text
        self.update()

    def set_log(self, on: bool) -> None:
        """Show the shares on a logarithmic axis."""
        self._log = on
        self.update()

    def set_histograms(self, sets: Sequence[Histogram]) -> None:
        """Show sets of numbers."""
        finite = [one.values[np.isfinite(one.values)] for one in sets]
        self._sets = tuple(sets)
        self._edges = common_bins(finite)
        self._shares = tuple(self._share(values) for values in finite) if self._edges.size else ()
        self.update()

    def _share(self, values: Floats) -> Floats:
        """(B,) share of a set in each bin; what lies beyond an end is counted in the end bin."""
        counts, _ = np.histogram(np.clip(values, self._edges[0], self._edges[-1]), self._edges)
        return counts / max(len(values), 1)

    def set_threshold(self, threshold: float) -> None:
        """Show a threshold that can be dragged; NaN: none."""
        if threshold != self._threshold:
            self._threshold = threshold
            policy = Qt.FocusPolicy.NoFocus if math.isnan(threshold) else Qt.FocusPolicy.StrongFocus
            self.setFocusPolicy(policy)
            self.update()

    def words_at(self, number: int) -> str:
        """Return words on a bin: its ends, and the number of each set in it."""
        if not 0 <= number < len(self._edges) - 1:
            return ""
        low, high = self._edges[number], self._edges[number + 1]
        first, last = number == 0, number == len(self._edges) - 2
        where = f"below {high:.4g}" if first else f"above {low:.4g}" if last else f"{low:.4g} to {high:.4g}"
        parts = []
        for one, shares in zip(self._sets, self._shares, strict=True):
            count = round(float(shares[number]) * int(np.isfinite(one.values).sum()))
            parts.append(f"{one.name} {count:,} ({shares[number]:.1%})")
        return f"{where}: {', '.join(parts)}".replace("-", "−")

    # ---- where things are --------------------------------------------------------------------------------------

    @property
    def area(self) -> QRectF:
        """Rectangle of the bars."""
        line = self.fontMetrics().height()
        top = (2 if self._sets else 1) * line
        return QRectF(LEFT, top, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - top - 2 * line - GAP))

    def x_of(self, value: float) -> float:
        """Horizontal position of a number; beyond the ends at the end."""
        low, high = float(self._edges[0]), float(self._edges[-1])
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return self.area.left() + share * self.area.width()

    def value_at(self, x: float) -> float:
        """Return the number at a horizontal position."""
        low, high = float(self._edges[0]), float(self._edges[-1])
        return low + min(max((x - self.area.left()) / self.area.width(), 0.0), 1.0) * (high - low)

    @property
    def _scale(self) -> PlotScale:
        everything = np.concatenate([np.zeros(0), *self._shares])
        top = float(everything.max(initial=0.0)) or 1.0
        if self._log:
            low = float(everything[everything > 0].min(initial=top))
            return PlotScale(min(low, top / 10) / 1.5, top * 1.5, log=True)
        return PlotScale(0.0, top * HEADROOM)

    def sizeHint(self) -> QSize:
        """Size in which axes and outlines are legible."""
        return QSize(320, 180)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(160, 120)

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, outlines, marks, threshold and legend."""
        with QPainter(self) as painter:
            area = self.area
            painter.fillRect(area, theme().color("base"))
            if not self._shares:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(area.adjusted(8, 8, -8, -8), flags, self._placeholder)
                return
            scale = self._scale
            self._paint_axes(painter, area, scale)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for one, shares in zip(self._sets, self._shares, strict=True):
                self._paint_outline(painter, area, scale, one, shares)
            self._paint_lines(painter, area)
            self._paint_legend(painter)

    def _paint_outline(self, painter: QPainter, area: QRectF, scale: PlotScale, one: Histogram, shares: Floats) -> None:
        heights = np.nan_to_num(scale.shares(shares)).clip(0, 1) * area.height()
        lefts = area.left() + np.arange(len(shares) + 1) * area.width() / len(shares)
        points = [QPointF(area.left(), area.bottom())]
        for number, height in enumerate(heights.tolist()):
            points += [
                QPointF(lefts[number], area.bottom() - height),
                QPointF(lefts[number + 1], area.bottom() - height),
            ]
        points.append(QPointF(area.right(), area.bottom()))
        outline = QPolygonF(points)
        if not one.dashed:
            fill = QColor(one.colour)
            fill.setAlphaF(FILL)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(outline)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        style = Qt.PenStyle.DashLine if one.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(one.colour, 1.5, style))
        painter.drawPolyline(outline)
        if math.isfinite(one.mark):
            x = self.x_of(one.mark)
            painter.setPen(QPen(one.colour, 2, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _paint_axes(self, painter: QPainter, area: QRectF, scale: PlotScale) -> None:
        line = self.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for share, _ in scale.labels(3):
            y, value = area.bottom() - share * area.height(), scale.value(share)
            painter.setPen(theme().color("grid"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme().color("muted"))
            painter.drawText(QRectF(0, y - line / 2, LEFT - GAP, line), right, f"{100 * value:.3g} %")
        across = PlotScale(float(self._edges[0]), float(self._edges[-1]))
        free = area.left() - GAP
        for share, text in across.labels(max(2, int(area.width() / 60))):
            x, width = area.left() + share * area.width(), self.fontMetrics().horizontalAdvance(text)
            left = min(max(x - width / 2, area.left()), area.right() - width)
            if left >= free:
                painter.drawText(QPointF(left, area.bottom() + line - 2), text)
                free = left + width + GAP
        title = self.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(area.width()))
        below = QRectF(area.left(), area.bottom() + line, area.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, title)

    def _paint_lines(self, painter: QPainter, area: QRectF) -> None:
        if 0 <= self._pointed < len(self._edges) - 1 and not self._dragged:
            left, right = self.x_of(self._edges[self._pointed]), self.x_of(self._edges[self._pointed + 1])
            shade = theme().color("text")
            shade.setAlphaF(0.08)
            painter.fillRect(QRectF(left, area.top(), right - left, area.height()), shade)
        if math.isnan(self._threshold):
            return
        x = self.x_of(self._threshold)
        painter.setPen(QPen(theme().color("text"), 2))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setBrush(theme().color("text") if self.hasFocus() else theme().color("base"))
        painter.drawEllipse(QPointF(x, area.top() + 5), 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_legend(self, painter: QPainter) -> None:
        """Names of the sets from the left, elided where they have no room; and the bin that is pointed at."""
        line, metrics = self.fontMetrics().height(), self.fontMetrics()
        named: dict[str, list[Histogram]] = {}
        for one in self._sets:
            named.setdefault(one.legend or one.name, []).append(one)
        room = (self.width() - LEFT - RIGHT) / max(len(named), 1)
        x = float(LEFT)
        for text, sets in named.items():
            style = Qt.PenStyle.DashLine if sets[0].dashed else Qt.PenStyle.SolidLine
            painter.setPen(QPen(sets[0].colour if len(sets) == 1 else theme().color("muted"), 3, style))
            painter.drawLine(QPointF(x, line / 2), QPointF(x + 16, line / 2))
            painter.setPen(theme().color("text"))
            name = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(max(room - 32, 24)))
            painter.drawText(QPointF(x + 20, metrics.ascent()), name)
            x += min(20 + metrics.horizontalAdvance(name) + 12, max(room, 56))
        words = self.words_at(self._pointed)
        painter.setPen(theme().color("muted"))
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, self.width() - LEFT - RIGHT)
        painter.drawText(QPointF(LEFT, line + metrics.ascent()), words)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the threshold, from any place of the figure."""
        if event.button() == Qt.MouseButton.LeftButton and not math.isnan(self._threshold) and self._shares:
            self._dragged = True
            self._move_to(self.value_at(event.position().x()))
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the threshold; or read the bin under the pointer."""
        if not self._shares:
            return
        if self._dragged:
            self._move_to(self.value_at(event.position().x()))
        inside = self.area.adjusted(0, 0, 1, 1).contains(event.position())
        width = self.area.width() / (len(self._edges) - 1)
        self._point(min(int((event.position().x() - self.area.left()) / width), len(self._edges) - 2) if inside else -1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Release the threshold."""
        self._dragged = False
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Read no bin."""
        self._point(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the threshold by arrow keys."""
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}.get(
            Qt.Key(event.key())
        )
        if direction is None or math.isnan(self._threshold) or not self._shares:
            super().keyPressEvent(event)
            return
        large = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = (LARGE_STEP if large else KEY_STEP) * float(self._edges[-1] - self._edges[0])
        low, high = float(self._edges[0]), float(self._edges[-1])
        self._move_to(min(max(self._threshold, low), high) + direction * step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Fill the handle."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Empty the handle."""
        super().focusOutEvent(event)
        self.update()

    def _move_to(self, threshold: float) -> None:
        self.set_threshold(threshold)
        self.threshold_moved.emit(threshold)

    def _point(self, number: int) -> None:
        if number != self._pointed:
            self._pointed = number
            self.read.emit(self.words_at(number))
            self.update()
