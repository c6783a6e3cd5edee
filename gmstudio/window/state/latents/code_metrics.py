"""What the family can tell of the present code and of its image, live: log p(z), a bound, free energy, D(x)."""

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.metrics import Metric
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.throttle import Throttle
from gmstudio.window.state.latents.code import Code

GAP_MS = 100
SHARE = 0.25
"""Measuring takes at most about this share of the engine's time, so that dragging stays quick."""


class CodeMetrics(QObject):
    """Has codes measured, latest wins, about ten times a second, and when they rest where measuring is slow.

    Attributes:
        values: of the code whose metrics came last.
        code: (Z,) that code; None before.
        step: training step of the weights; −1 before.
        problem: why there are none, or "".
        pace: sends the commands.

    Signals:
        changed: other values, none any more, or a problem.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: dict[Metric, float] = {}
        self.code: Code | None = None
        self.step = -1
        self.problem = ""
        self.pace = Throttle(events, lead_ms=GAP_MS // 2, gap_ms=GAP_MS, share=SHARE, parent=self)
        self.pace.replied.connect(self._on_decoded)
        self.pace.failed.connect(self._on_failed)

    def measure(self, run: str, code: Code) -> None:
        """Measure a code (Z,) with the run's weights as they are then."""
        self.pace.submit(Decode(run=run, codes=Array.of(code[np.newaxis]), measure=True))

    def clear(self) -> None:
        """Know nothing, and wait for nothing."""
        self.halt()
        self.values, self.code, self.step, self.problem = {}, None, -1, ""
        self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing; what is known stays."""
        self.pace.halt()

    def _on_decoded(self, event: Decoded) -> None:
        command = self.pace.answered
        assert command is not None
        self.values = {found.metric: float(found.values.numpy()[0]) for found in event.metrics}
        self.code, self.step, self.problem = command.codes.numpy()[0], event.step, ""
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()
