"""Legend above a plot, which does not move the plot when it reads longer values."""

import math
from collections.abc import Hashable, Mapping, Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QTextDocument
from PySide6.QtWidgets import QLabel, QWidget

from gmstudio.window.gui.widgets.plots.curve_legend import Reading, legend_html
from gmstudio.window.gui.widgets.plots.decimation import Floats

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

    def reserve(
        self, title: str, details: str, readings: Sequence[Reading], samples: Mapping[Hashable, Floats]
    ) -> None:
        """Keep room for the longest legend of these curves.

        Args:
            title: of the plot.
            details: longest text beside it.
            readings: the curves.
            samples: key of each curve → some of its finite values, the extreme ones among them.
        """
        longest = legend_html(title, details, [_longest(reading, samples[reading.trace.key]) for reading in readings])
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


def _longest(reading: Reading, sample: Floats) -> Reading:
    """Reading with the longest numbers that a curve has, as far as a sample of its values shows."""
    value = max(sample.tolist(), key=lambda value: len(f"{value:.4g}"), default=math.nan)
    smoothed = reading.smoothed if math.isnan(reading.smoothed) else value
    recent = reading.recent if math.isnan(reading.recent) else value
    return Reading(reading.trace, value, smoothed, recent)
