"""Plane on which a density can be drawn with a brush."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.background import blank_pixmap
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas

REACH = 2.0
"""Radii of the brush that its outline and trace show: beyond, the profile is below a seventh."""
TRACE_ALPHA = 90
"""Opacity of the trace of the stroke that is being drawn, of 255."""


class DensityBrush(PlaneCanvas):
    """``PlaneCanvas`` with a brush: while ``draws``, a press with the left button draws instead of panning.

    Places are in sides of the axes, 0 to 1 from the lower left corner. Escape drops the stroke.

    Attributes:
        draws: the brush or the eraser is chosen.

    Signals:
        stroke_begun: x, y of the first place.
        stroke_extended: x, y of a further place.
        stroke_ended: the button was released.
        stroke_cancelled: Escape was pressed.
    """

    stroke_begun = Signal(float, float)
    stroke_extended = Signal(float, float)
    stroke_ended = Signal()
    stroke_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draws = False
        self._radius = 0.0
        self._erases = False
        self._line: NDArray[np.float64] = np.zeros((0, 2))
        self._mirrored = False
        self._is_drawing = False
        self._trace, self._traced = QPixmap(), 0
        self._trace_basis: object = None

    def set_brush(self, *, draws: bool, radius: float, erases: bool, mirrored: bool) -> None:
        """Set what a press does.

        Args:
            draws: it draws or erases; else it pans.
            radius: of the profile, in sides of the axes.
            erases: it erases.
            mirrored: a second stroke follows, left and right exchanged.
        """
        self.draws, self._radius, self._erases, self._mirrored = draws, radius, erases, mirrored
        if not draws:
            self._is_drawing = False
            self.unsetCursor()
        self.update()

    def set_line(self, line: NDArray[np.float64]) -> None:
        """Show the stroke that is being drawn, (N, 2) places; none when it is empty."""
        self._line = line
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        if not self._takes(event):
            super().mousePressEvent(event)
            return
        self._is_drawing = True
        self.stroke_begun.emit(*self._place(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw on."""
        if self._is_drawing:
            self.stroke_extended.emit(*self._place(event.position()))
            self._point(event.position())
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke."""
        if self._is_drawing and event.button() == Qt.MouseButton.LeftButton:
            self._is_drawing = False
            self.stroke_ended.emit()
            return
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Draw a second dot; else fit the view."""
        if self._takes(event):
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Drop the stroke on Escape."""
        if self._is_drawing and event.key() == Qt.Key.Key_Escape:
            self._is_drawing = False
            self.stroke_cancelled.emit()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the plane, the trace of the stroke and the outline of the brush."""
        super().paintEvent(event)
        if not self.draws:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setClipRect(self.area)
            self._paint_trace(painter)
            for mirrored in self._sides:
                if self._pointer is not None and self.area.contains(self._pointer):
                    self._paint_outline(painter, mirrored)

    def _set_cursor(self) -> None:
        if self.draws and self._pointer is not None and self.area.contains(self._pointer):
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            super()._set_cursor()

    def _takes(self, event: QMouseEvent) -> bool:
        return self.draws and event.button() == Qt.MouseButton.LeftButton and self.area.contains(event.position())

    def _place(self, at: QPointF) -> tuple[float, float]:
        """Place in sides of the axes."""
        (x, y), (across, up) = self.mapping.at(at), self.axes
        return (
            min(max((x - across.low) / (across.high - across.low), 0.0), 1.0),
            min(max((y - up.low) / (up.high - up.low), 0.0), 1.0),
        )

    def _pixels(self, place: NDArray[np.float64], mirrored: bool) -> QPointF:
        across, up = self.axes
        x = 1 - place[0] if mirrored else place[0]
        return self.mapping.point(across.low + x * (across.high - across.low), up.low + place[1] * (up.high - up.low))

    def _sizes(self) -> tuple[float, float]:
        """Reach of the brush along both axes, pixels."""
        across, up = self.axes
        mapping = self.mapping
        return (
            REACH * self._radius * (across.high - across.low) * mapping.x_scale,
            REACH * self._radius * (up.high - up.low) * mapping.y_scale,
        )

    @property
    def _sides(self) -> tuple[bool, ...]:
        """Whether each of the strokes is the mirrored one."""
        return (False, True) if self._mirrored else (False,)

    def _paint_trace(self, painter: QPainter) -> None:
        """Paint the stroke so far; only what is new of it is drawn, as a long wide line takes Qt very long."""
        if not len(self._line):
            self._trace_basis = None
            return
        colour = theme().color("muted" if self._erases else "accent")
        start, ratio = self._line[0].tolist(), self.devicePixelRatioF()
        basis = (self.mapping, self.size(), ratio, self._sizes(), colour.rgb(), self._mirrored, start)
        if basis != self._trace_basis or len(self._line) < self._traced:
            self._trace, self._trace_basis, self._traced = blank_pixmap(self, QSizeF(self.size())), basis, 0
        if self._traced < len(self._line):
            self._draw_on(self._line[max(self._traced - 1, 0) :], colour)
            self._traced = len(self._line)
        painter.setOpacity(TRACE_ALPHA / 255)
        painter.drawPixmap(QPointF(0, 0), self._trace)
        painter.setOpacity(1.0)

    def _draw_on(self, line: NDArray[np.float64], colour: QColor) -> None:
        """Draw more of the stroke on the picture that is kept of it."""
        painter = QPainter(self._trace)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, round_cap = 2 * min(self._sizes()), Qt.PenCapStyle.RoundCap
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, round_cap, Qt.PenJoinStyle.RoundJoin))
        for mirrored in self._sides:
            points = [self._pixels(place, mirrored) for place in line]
            if len(points) == 1:
                painter.drawPoint(points[0])
            else:
                painter.drawPolyline(QPolygonF(points))
        painter.end()

    def _paint_outline(self, painter: QPainter, mirrored: bool) -> None:
        assert self._pointer is not None
        place = np.array(self._place(self._pointer))
        painter.setPen(
            QPen(theme().color("text"), 1.0, Qt.PenStyle.DashLine if self._erases else Qt.PenStyle.SolidLine)
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(self._pixels(place, mirrored), *self._sizes())
