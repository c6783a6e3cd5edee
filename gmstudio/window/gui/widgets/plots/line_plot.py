"""Small plot of a few lines over a common axis, with their names, for pictures that change several times a second."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.held_places import HeldPlaces
from gmstudio.window.gui.widgets.plots.plot_scale import PlotScale
from gmstudio.window.gui.widgets.plots.plotted_line import paint_band, paint_line

RIGHT, GAP = 10, 4
TICKS = 4
SWATCH = 20
"""Room for the colour of a line before its name."""
LEAST_ROOM = 40
"""Smallest side of the area of the lines that is drawn."""
REACH = 8.0
"""Distance at which the pointer takes hold of a mark, pixels."""
STEP, LONG_STEP = 0.01, 0.1
"""Shares of the axis by which keys move a mark."""

Floats = NDArray[np.float64]
Align = Qt.AlignmentFlag


@dataclass(frozen=True, eq=False)
class PlotLine:
    """Line: its name and the coordinates of its points, (N,) each.

    Args:
        name: in the legend; empty: it is not there.
        x: places on the horizontal axis.
        y: values.
        low: lower ends of a band around the line; None: it has none.
        high: upper ends.
        dashed: as a line of dashes.
        dots: a dot at each point.
        joined: the points are joined by a line.
        colour: number of its colour; None: that of its place among the lines.
    """

    name: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    dashed: bool = False
    dots: bool = False
    joined: bool = True
    colour: int | None = None


@dataclass(frozen=True)
class PlotMark:
    """Vertical line at a place; one with a name can be dragged."""

    x: float
    label: str = ""
    name: str = ""


class LinePlot(QWidget):
    """Lines, axes with titles, a legend above, values under the pointer, and vertical marks.

    A mark that has a name is dragged, or, with the focus, moved by the arrow keys (Shift: further); Space chooses the
    next one. New marks do not move the one that is dragged.

    Args:
        x_title: name of the horizontal axis.
        y_title: name of the vertical axis, written above it.

    Signals:
        mark_moved: name and place of a mark that is being dragged, or was moved by a key.
    """

    mark_moved = Signal(str, float)

    def __init__(self, x_title: str, y_title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[PlotLine, ...] = ()
        self._x_range: tuple[float, float] | None = None
        self._y_range: tuple[float, float] | None = None
        self._log = (False, False)
        self._scales = (PlotScale(0.0, 1.0), PlotScale(0.0, 1.0))
        self._legend_rows = 1  # grows and does not shrink, so that the plot stays where it is
        self._marks: tuple[PlotMark, ...] = ()
        self._places = HeldPlaces[str]()
        self._chosen = ""
        self._pointer: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.set_titles(x_title, y_title)
        theme().changed.connect(self.update)

    @property
    def lines(self) -> tuple[PlotLine, ...]:
        """The lines on display."""
        return self._lines

    def set_titles(self, x_title: str, y_title: str) -> None:
        """Set the names of the axes."""
        self._x_title, self._y_title = x_title, y_title
        self.setAccessibleName(f"{y_title} by {x_title}")
        self.update()

    def set_axes(self, y_range: tuple[float, float] | None = None, *, log_x: bool = False, log_y: bool = False) -> None:
        """Set the kinds of axes.

        Args:
            y_range: ends of the vertical axis; None: as the lines need, with zero where it is linear.
            log_x: logarithmic horizontal axis; points at or below 0 are left out.
            log_y: logarithmic vertical axis.
        """
        self._y_range, self._log = y_range, (log_x, log_y)
        self._rescale()

    def set_lines(self, lines: tuple[PlotLine, ...], x_range: tuple[float, float] | None = None) -> None:
        """Show lines.

        Args:
            lines: the lines; points that are not finite are left out.
            x_range: ends of the horizontal axis; None: as the lines need.
        """
        self._lines, self._x_range = lines, x_range
        self._count_legend_rows()
        self._rescale()

    def set_marks(self, marks: Sequence[PlotMark]) -> None:
        """Show vertical lines."""
        self._marks = tuple(marks)
        named = {mark.name: (mark.x,) for mark in self._marks if mark.name}
        self._places.settle(named)
        self._chosen = self._chosen if self._chosen in named else ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if named else Qt.FocusPolicy.NoFocus)
        self.update()

    def confirm_mark(self, name: str) -> None:
        """Take the present marks as the answer to the last move of one, which returns where it was refused."""
        self._places.confirm(name)
        self.update()

    def mark_place(self, mark: PlotMark) -> float:
        """Place of a mark as it is drawn."""
        place = self._places.get(mark.name) if mark.name else None
        return place[0] if place else mark.x

    @property
    def ranges(self) -> tuple[float, float, float, float]:
        """Ends of the axes: left, right, bottom, top."""
        across, up = self._scales
        return across.low, across.high, up.low, up.high

    def _rescale(self) -> None:
        x = np.concatenate([np.zeros(0), *(line.x[np.isfinite(line.x * line.y)] for line in self._lines)])
        y = np.concatenate([np.zeros(0), *(line.y[np.isfinite(line.x * line.y)] for line in self._lines)])
        across = PlotScale.of(x, self._x_range, log=self._log[0])
        self._scales = across, PlotScale.of(y, self._y_range, log=self._log[1], with_zero=True)
        self.update()

    def _count_legend_rows(self) -> None:
        """Leave room for the rows of the legend, in a plot that is high enough for them."""
        needed = max((row + 1 for _, row in self._legend_places()), default=1)
        most = max(1, self.height() // (6 * self.fontMetrics().height()))
        self._legend_rows = max(self._legend_rows, min(needed, most))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the legend into the new width."""
        super().resizeEvent(event)
        self._legend_rows = 1
        self._count_legend_rows()

    def sizeHint(self) -> QSize:
        """Size in which axes and lines are legible."""
        return QSize(240, 150)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size."""
        return QSize(120, 100)

    # ---- painting ----------------------------------------------------------------------------------------------

    @property
    def area(self) -> QRectF:
        """Rectangle of the lines."""
        line = self.fontMetrics().height()
        widest = max((self._advance(text) for _, text in self._scales[1].labels(TICKS)), default=0)
        margin = max(widest, self._advance("0.00")) + 2 * GAP
        above = (1 + self._legend_rows) * line
        return QRectF(margin, above, self.width() - margin - RIGHT, self.height() - above - 2 * line - GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, lines, marks and legend."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            area = self.area
            if area.width() < LEAST_ROOM or area.height() < LEAST_ROOM / 2:
                return
            self._paint_legend(painter)
            self._paint_axes(painter, area)
            painter.setClipRect(area.adjusted(-2, -2, 2, 2))
            for number, line in enumerate(self._lines):
                ends = self._places_of(line, line.low), self._places_of(line, line.high)
                paint_band(painter, *ends, _colour(number, line))
            for number, line in enumerate(self._lines):
                places = self._places_of(line, line.y)
                paint_line(painter, places, _colour(number, line), line.joined, line.dashed, line.dots)
            self._paint_marks(painter, area)

    def _places_of(self, line: PlotLine, values: Floats | None) -> Floats:
        """Places (N, 2) on the widget of a line or an end of its band; those that are not finite are left out."""
        if values is None:
            return np.zeros((0, 2))
        area = self.area
        x = area.left() + self._scales[0].shares(line.x) * area.width()
        y = area.bottom() - self._scales[1].shares(values) * area.height()
        good = np.isfinite(x * y)
        return np.stack([x[good], y[good].clip(-1e5, 1e5)], axis=1)

    def _legend_places(self) -> list[tuple[float, int]]:
        """Left end and row of each name; names wrap into as many rows as they need."""
        places, x, row = [], float(GAP), 0
        for line in self._lines:
            wide = self._advance(line.name) + SWATCH if line.name else -3 * GAP
            if x > GAP and x + wide > self.width():
                x, row = float(GAP), row + 1
            places.append((x, row))
            x += wide + 3 * GAP
        return places

    def _paint_legend(self, painter: QPainter) -> None:
        height = self.fontMetrics().height()
        for number, (line, (x, row)) in enumerate(zip(self._lines, self._legend_places(), strict=True)):
            top = row * height
            if not line.name:
                continue
            style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
            painter.setPen(QPen(_colour(number, line), 2 if line.dashed else 3, style))
            painter.drawLine(QPointF(x, top + height / 2), QPointF(x + 14, top + height / 2))
            painter.setPen(theme().color("text"))
            room = int(self.width() - x - SWATCH)
            name = self.fontMetrics().elidedText(line.name, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRectF(x + SWATCH, top, room, height), Align.AlignLeft, name)

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        height = self.fontMetrics().height()
        painter.setPen(theme().color("muted"))
        above = area.top() - height
        painter.drawText(QRectF(GAP, above, area.right(), height), Align.AlignLeft, self._y_title)
        taken = GAP + self._advance(self._y_title) + 2 * GAP
        room = QRectF(taken, above, area.right() - taken, height)
        reading = self.fontMetrics().elidedText(self.readout, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Align.AlignRight, reading)
        below = QRectF(area.left(), area.bottom() + height, area.width(), height)
        title = self.fontMetrics().elidedText(self._x_title, Qt.TextElideMode.ElideRight, int(area.width()))
        painter.drawText(below, Align.AlignCenter, title)
        for share, text in self._scales[1].labels(TICKS):
            y = area.bottom() - share * area.height()
            painter.setPen(theme().color("grid"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme().color("muted"))
            flags = Align.AlignRight | Align.AlignVCenter
            top = min(max(y - height / 2, area.top() - 2), area.bottom() - height + 2)  # clear of title and numbers
            painter.drawText(QRectF(0, top, area.left() - GAP, height), flags, text)
        end = 0.0
        for share, text in self._scales[0].labels(TICKS):
            width = self._advance(text) + 2.0
            x = min(area.left() + share * area.width() - width / 2, self.width() - width)  # the last one stays inside
            if x >= end:
                painter.drawText(QRectF(x, area.bottom(), width, height), Align.AlignHCenter, text)
                end = x + width + 2 * GAP
        painter.setPen(theme().color("border"))
        painter.drawRect(area)

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        under = self._mark_at(self._pointer) if self._pointer is not None else ""
        line, ends = self.fontMetrics().height(), [area.left()] * 3
        for mark in sorted(self._marks, key=self.mark_place):
            x = self._mark_x(mark)
            strong = bool(mark.name) and mark.name in (self._chosen, self._places.held, under)
            style = Qt.PenStyle.SolidLine if mark.name else Qt.PenStyle.DashLine
            painter.setPen(QPen(theme().color("mark" if strong else "accent"), 2, style))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if mark.name:
                painter.setBrush(theme().color("accent"))
                painter.drawEllipse(QPointF(x, area.top() + 5), 4, 4)
                painter.setBrush(Qt.BrushStyle.NoBrush)
            wide = self._advance(mark.label) + 2.0
            left = x + 6 if x + 6 + wide <= area.right() else x - 6 - wide
            row = next((row for row, end in enumerate(ends) if left >= end), None)
            if mark.label and row is not None:  # labels that would cover another one go a line lower
                painter.setPen(theme().color("text"))
                painter.drawText(QRectF(left, area.top() + row * line, wide, line), Align.AlignLeft, mark.label)
                ends[row] = left + wide + GAP

    def _advance(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text)

    # ---- pointer and keys --------------------------------------------------------------------------------------

    @property
    def readout(self) -> str:
        """Place under the pointer and the values of the lines there."""
        if self._pointer is None or not self.area.contains(self._pointer):
            return ""
        x = self._x_at(self._pointer)
        share = self._scales[0].shares(np.array(x))
        parts = [f"{x:.3g}"]
        for line in self._lines:
            known = np.isfinite(line.x * line.y)
            if known.any() and line.name:
                nearest = int(np.nanargmin(np.abs(self._scales[0].shares(line.x[known]) - share)))
                parts.append(f"{line.name} {line.y[known][nearest]:.4g}")
        return ": ".join([parts[0], " · ".join(parts[1:])]) if len(parts) > 1 else parts[0]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a mark."""
        name = self._mark_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else ""
        if not name:
            super().mousePressEvent(event)
            return
        self._places.held = self._chosen = name
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the mark, or read the values."""
        self._pointer = event.position()
        if self._places.held is not None:
            self._move(self._places.held, self._x_at(event.position()))
        over = bool(self._places.held or self._mark_at(event.position()))
        self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the mark go."""
        self._places.release()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Show no values."""
        super().leaveEvent(event)
        self._pointer = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Take the keys that move marks before shortcuts do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            key = event.key()
            if key == Qt.Key.Key_Space or (self._chosen and key in (Qt.Key.Key_Left, Qt.Key.Key_Right)):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose and move marks."""
        names = ["", *(mark.name for mark in self._marks if mark.name)]
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if event.key() == Qt.Key.Key_Space and len(names) > 1:
            self._chosen = names[(names.index(self._chosen) + 1) % len(names)]
            self.update()
        elif self._chosen and direction:
            step = LONG_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP
            mark = next(mark for mark in self._marks if mark.name == self._chosen)
            share = float(self._scales[0].shares(np.array(self.mark_place(mark)))) + direction * step
            self._move(self._chosen, self._scales[0].value(min(max(share, 0.0), 1.0)))
        else:
            super().keyPressEvent(event)

    def _move(self, name: str, x: float) -> None:
        self._places.put(name, (x,))
        self.update()
        self.mark_moved.emit(name, x)

    def _x_at(self, place: QPointF) -> float:
        area = self.area
        return self._scales[0].value(min(max((place.x() - area.left()) / area.width(), 0.0), 1.0))

    def _mark_x(self, mark: PlotMark) -> float:
        area = self.area
        return area.left() + float(self._scales[0].shares(np.array(self.mark_place(mark)))) * area.width()

    def _mark_at(self, place: QPointF) -> str:
        """Name of the mark within reach that is closest; empty: none."""
        near = [(abs(self._mark_x(mark) - place.x()), mark.name) for mark in self._marks if mark.name]
        distance, name = min(near, default=(REACH, ""))
        return name if distance < REACH else ""


def _colour(number: int, line: PlotLine) -> QColor:
    return theme().series(number if line.colour is None else line.colour)
