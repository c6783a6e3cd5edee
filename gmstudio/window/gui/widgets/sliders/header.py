"""Column heads of the slider bank: the name of the measure and the scale of the sliders."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.sliders.coordinate_slider import RADIUS
from gmstudio.window.gui.widgets.sliders.row import GAP, LABEL_PX, measure_px, slider_span
from gmstudio.window.gui.widgets.sliders.scale import SIGMA, SliderScale

HEAD_PX = 72


class SliderHeader(QWidget):
    """Heads above the rows, aligned with their columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = ""
        self._scale = SIGMA
        self._row_width = 0
        self._label_px = LABEL_PX
        self.setFixedHeight(24)

    def set_title(self, title: str) -> None:
        """Set the name of the measure."""
        self._title = title
        self.update()

    def set_scale(self, scale: SliderScale) -> None:
        """Set the scale of the sliders."""
        self._scale = scale
        self.update()

    def set_row_width(self, width: int) -> None:
        """Set the width of the rows."""
        self._row_width = width
        self.update()

    def set_label_px(self, label_px: int) -> None:
        """Set the width of the labels."""
        self._label_px = label_px
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the name of the measure and the scale."""
        with QPainter(self) as painter:
            painter.setPen(theme().color("muted"))
            area = QRect(0, 0, self._label_px + measure_px(self.fontMetrics()) - GAP, self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._title)
            left, width = slider_span(self._row_width, self.fontMetrics(), self._label_px)
            reach = width - 2 * RADIUS - 4
            for tick, text in self._scale.heads:
                share = (tick - self._scale.low) / (self._scale.high - self._scale.low)
                x = round(left + RADIUS + 2 + share * reach)
                room = QRect(x - HEAD_PX // 2, 0, HEAD_PX, self.height())
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
