"""Axes of a plot of curves: names, numbers, colours and type."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QGraphicsItem

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.frame_axis import FrameAxis
from gmstudio.window.gui.widgets.plots.log_axis import LogAxis

WIDTH_DIGITS = 6
"""Digits for which the value axis has room."""
HEIGHT_LINES = 2
"""Lines of the horizontal axis: numbers, and its name closer to them than pyqtgraph sets it."""
EDGE_PX = 4
LINE_SHARE = 0.9
"""Part of a line's height that numbers and the axis' name need."""


class PlotAxes:
    """Value axis at the left, and horizontal axis over steps or frames.

    Args:
        by: name of the horizontal axis.
    """

    def __init__(self, by: str) -> None:
        self.left, self.bottom = LogAxis("left"), FrameAxis("bottom")
        self._by = by

    @property
    def items(self) -> dict[str, Any]:
        """The axes by their side, for a plot that is created with them."""
        return {"left": self.left, "bottom": self.bottom}

    def set_up(self) -> None:
        """Style the axes; to be called when the plot has them."""
        for axis in (self.left, self.bottom):
            axis.enableAutoSIPrefix(False)
            axis.setStyle(maxTickLevel=0)
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # text is slow to paint
        self.bottom.setLabel(self._by)

    def set_bottom(self, by: str, positions: Sequence[int] | None, unit: int) -> None:
        """Set the horizontal axis.

        Args:
            by: its name.
            positions: number at the tick of each frame; None: the coordinates.
            unit: coordinates that are one on the axis.
        """
        if by != self._by:
            self._by = by
            self.bottom.setLabel(by)
        self.bottom.set_positions(positions)
        self.bottom.setScale(1 / unit)

    def set_log(self, on: bool) -> None:
        """Label logarithms of values, or values."""
        self.left.setLogMode(y=on)

    def set_numbered(self, on: bool) -> None:
        """Write the numbers of the value axis, or none while there are no curves."""
        self.left.setStyle(showValues=on)

    def set_font(self, font: QFont) -> None:
        """Write numbers and names in this type."""
        metrics = QFontMetrics(font)
        digit = metrics.horizontalAdvance("0")
        self.bottom.digit_px = digit
        self.left.setWidth(WIDTH_DIGITS * digit + EDGE_PX)
        self.bottom.setHeight(round(HEIGHT_LINES * LINE_SHARE * metrics.height()) + EDGE_PX)
        for axis in (self.left, self.bottom):
            axis.setTickFont(font)
        self.bottom.label.setFont(font)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        for axis in (self.left, self.bottom):
            axis.setPen(theme().color("muted"))
            axis.setTextPen(theme().color("muted"))
