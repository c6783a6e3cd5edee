"""Colour scale of the values on a map, with its ends as numbers."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.projection.map_colours import heat_colour

BAR_PX = 12
STOPS = 16


class ColourScale(QWidget):
    """Horizontal bar from the lowest to the highest colour, and the values there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range: tuple[float, float] | None = None
        self._unit = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Values of the lowest and the highest colour; None: there are no values."""
        return self._range

    def set_range(self, ends: tuple[float, float] | None, unit: str = "") -> None:
        """Set the values at the ends; None: there are none."""
        self._range, self._unit = ends, unit
        self.update()

    def sizeHint(self) -> QSize:
        """Height of the bar and a line of numbers."""
        return QSize(160, BAR_PX + self.fontMetrics().height() + 4)

    def minimumSizeHint(self) -> QSize:
        """Smallest legible size."""
        return QSize(80, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar and its ends."""
        with QPainter(self) as painter:
            bar = QRectF(0.5, 0.5, self.width() - 1, BAR_PX - 1)
            gradient = QLinearGradient(bar.topLeft(), bar.topRight())
            for stop in range(STOPS + 1):
                gradient.setColorAt(stop / STOPS, heat_colour(stop / STOPS))
            painter.fillRect(bar, gradient)
            painter.setPen(theme().color("border"))
            painter.drawRect(bar)
            if self._range is None:
                return
            painter.setPen(theme().color("muted"))
            area = QRectF(0, BAR_PX + 2, self.width(), self.height() - BAR_PX)
            low, high = self._range
            painter.drawText(area, Qt.AlignmentFlag.AlignLeft, f"≤ {low:.4g}")
            painter.drawText(area, Qt.AlignmentFlag.AlignRight, f"≥ {high:.4g} {self._unit}".rstrip())
