"""Line under the decoded image: metrics of the code and its image, live."""

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel

from gmstudio.protocol.metrics import Metric
from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.latents.state import LatentsState

UNBREAKABLE = str.maketrans({" ": "\u00a0", "-": "\u2011"})
"""No line breaks within a metric."""
TIP = "Metrics of this code and its image."


class MetricsLine(QLabel):
    """Symbols and values with their units.

    Args:
        panel: that it belongs to.
        state: whose metrics are shown.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state = state
        panel.name_widget(self, "code_metrics", "Metrics of the code", TIP)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        state.code_metrics.changed.connect(self._refresh)
        state.run_changed.connect(self._refresh)
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._refresh()

    def _kept_together(self, part: str) -> str:
        """Text that breaks nowhere, or between its words where a line is too narrow for it."""
        return part.translate(UNBREAKABLE) if self.fontMetrics().horizontalAdvance(part) <= self.width() else part

    def _refresh(self) -> None:
        metrics = self._state.code_metrics
        parts = [metric_text(metric, value) for metric, value in metrics.values.items()]
        text = "    ".join(self._kept_together(part) for part in parts) or " "
        if text != self.text():
            self.setText(text)
        tips = [f"{metric.symbol or metric.name}: {metric.help}" for metric in metrics.values]
        self.setToolTip(metrics.problem or "\n".join(tips) or TIP)


def metric_text(metric: Metric, value: float) -> str:
    """Symbol or name, relation, value and unit: ``log p(z) = −14.21 nats``."""
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{metric.symbol or metric.name} {metric.relation} {_number(value)}{unit}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "not finite"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}".replace("-", "−")
