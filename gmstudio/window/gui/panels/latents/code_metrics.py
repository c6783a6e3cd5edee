"""The line under the decoded image: what the family can tell of it, live."""

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.latents.state import LatentsState

TIP = "What the model can tell of this code and its image."
TIPS = {
    "log p(z), nats": "how likely the prior makes this code",
    "log p(x) at least, nats": "the variational bound on the likelihood of the decoded image, rounded to levels",
    "free energy, nats": "−log of the unnormalized probability of the decoded image",
    "D(x)": "the discriminator's probability that the image is real",
    "σ(D(x))": "the discriminator's score squashed to 0 … 1, the higher the more real; no probability",
    "encoded and decoded again, rms": "how far the image is from what its user_image code decodes to",
}


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
        parts = [metric_text(name, value) for name, value in told.values.items()]
        text = "    ".join(part.replace(" ", "\u00a0") for part in parts) or " "
        if text != self.text():
            self.setText(text)
            tips = [f"{name}: {TIPS.get(name, 'of this code and its image')}" for name in told.values]
            self.setToolTip("\n".join(tips) or TIP)


def metric_text(name: str, value: float) -> str:
    """A name and its value with the unit behind it, for people: ``log p(z) = −14.21 nats``."""
    title, _, unit = name.rpartition(", ")
    if not title:
        title, unit = name, ""
    title = {"encoded and decoded again": "round trip error", "log p(x) at least": "log p(x)"}.get(title, title)
    sign = "≥" if name.startswith("log p(x) at least") else "="
    unit = "RMS" if unit == "rms" else unit
    return f"{title} {sign} {_number(value)}{' ' + unit if unit else ''}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "not finite"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}".replace("-", "−")
