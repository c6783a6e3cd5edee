"""Legend above a plot, which does not move the plot when it reads longer values."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QTextDocument
from PySide6.QtWidgets import QLabel, QWidget

from gmstudio.window.gui.widgets.plots.curve_legend import Reading, legend_html
from gmstudio.window.gui.widgets.plots.curve_line import Trace

SAMPLED = 32
"""Values of each curve whose lengths are compared, beside the extreme ones."""
SPARE_DIGITS = 6
"""Room for a gap that is longer than that of the longest values."""


class LegendLabel(QLabel):
    """Label as high as the legend with the longest values that the curves have."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._longest = ""

    def reserve(self, title: str, details: str, readings: Sequence[Reading]) -> None:
        """Keep room for the longest legend of these curves.

        Args:
            title: of the plot.
            details: longest text beside it.
            readings: the curves; their longest values are found here.
        """
        longest = legend_html(title, details, [_longest(reading) for reading in readings])
        if longest != self._longest:
            self._longest = longest
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep room at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Keep room for another type."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        document = QTextDocument()
        document.setDefaultFont(self.font())
        document.setDocumentMargin(0)
        document.setHtml(self._longest)
        document.setTextWidth(self.width() - SPARE_DIGITS * self.fontMetrics().horizontalAdvance("0"))
        self.setMinimumHeight(math.ceil(document.size().height()))


def _longest(reading: Reading) -> Reading:
    """Reading with the longest numbers that a curve has, as far as a sample of its values shows."""
    value = _longest_value(reading.trace)
    smoothed = reading.smoothed if math.isnan(reading.smoothed) else value
    recent = reading.recent if math.isnan(reading.recent) else value
    return Reading(reading.trace, value, smoothed, recent)


def _longest_value(trace: Trace) -> float:
    finite = trace.values[np.isfinite(trace.values)]
    if not len(finite):
        return math.nan
    sampled = np.linspace(0, len(finite) - 1, min(SAMPLED, len(finite))).astype(int)
    extremes = [int(np.abs(finite).argmin()), int(finite.argmin()), int(finite.argmax())]
    values: list[float] = (finite[[*sampled, *extremes]] * trace.factor).tolist()
    return max(values, key=lambda value: len(f"{value:.4g}"))
