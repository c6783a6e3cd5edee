"""The line under the decoded image: what the family can tell of it, live."""

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from gmstudio.protocol.metrics import Metric
from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.latents.state import LatentsState

TIP = "What the model can tell of this code and its image."


class MetricsLine(QLabel):
    """Names and values with their units.

    Args:
        panel: whose line it is.
        session: what is told.
    """

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session = session
        panel.name_widget(self, "told", "What the model tells of the image", TIP)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        session.told.changed.connect(self._refresh)
        session.run_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        told = self._session.told
        parts = [metric_text(metric, value) for metric, value in told.values.items()]
        text = "    ".join(part.replace(" ", "\u00a0") for part in parts) or " "
        if text != self.text():
            self.setText(text)
            tips = [f"{metric.symbol or metric.name}: {metric.help}" for metric in told.values]
            self.setToolTip("\n".join(tips) or TIP)


def metric_text(metric: Metric, value: float) -> str:
    """Symbol or name, relation, value and unit: ``log p(z) = −14.21 nats``."""
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{metric.symbol or metric.name} {metric.relation} {_number(value)}{unit}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "not finite"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}".replace("-", "−")
