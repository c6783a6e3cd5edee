"""What the family can tell of the present code and of its image, live: log p(z), a bound, free energy, D(x)."""

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.client import ENGINE_GONE, EngineEvents
from gmstudio.messages import Array, CommandFailed, Decode, Decoded
from gmstudio.session.latent_code import Code
from gmstudio.session.latest import LatestWins

GAP_MS = 100
SHARE = 0.25
"""Measuring takes at most about this share of the engine's time, so that dragging stays quick."""


class CodeMeasures(QObject):
    """Has codes measured, latest wins, about ten times a second, and less often where measuring is slow.

    Attributes:
        values: name with unit → value, of the code that was measured last.
        code: (Z,) that code; None before.
        step: training step of the weights; −1 before.
        problem: why there are none, or "".

    Signals:
        changed: other values, none any more, or a problem.
    """

    changed = Signal()

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: dict[str, float] = {}
        self.code: Code | None = None
        self.step = -1
        self.problem = ""
        self._wanted: Decode | None = None
        self._latest = LatestWins(events, events.decoded, self)
        self._latest.replied.connect(self._on_decoded)
        self._latest.failed.connect(self._on_failed)
        self._gap = QTimer(self, singleShot=True, interval=GAP_MS)
        self._gap.timeout.connect(self._send)

    def measure(self, run: str, code: Code) -> None:
        """Measure a code (Z,) with the run's weights as they are then."""
        self._wanted = Decode(run=run, codes=Array.of(code[np.newaxis]), measure=True)
        if not (self._gap.isActive() or self._latest.busy):
            self._gap.start(GAP_MS // 2)  # the image goes first

    def clear(self) -> None:
        """Know nothing, and wait for nothing."""
        self.halt()
        self.values, self.code, self.step, self.problem = {}, None, -1, ""
        self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing; what is known stays."""
        self._wanted = None
        self._gap.stop()
        self._latest.reset()

    def _send(self) -> None:
        if self._wanted is not None and not self._latest.busy:
            self._latest.submit(self._wanted)
            self._wanted = None

    def _rest(self, took_ms: float) -> None:
        """Let the engine do other things before it measures again, though not for the time that others took."""
        self._gap.start(max(GAP_MS, round(took_ms * (1 / SHARE - 1))))

    def _on_decoded(self, event: Decoded) -> None:
        command = self._latest.answered
        assert isinstance(command, Decode)
        self.values = {name: float(value.numpy()[0]) for name, value in event.measures.items()}
        self.code, self.step, self.problem = command.codes.numpy()[0], event.step, ""
        self._rest(event.engine_ms)
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.message == ENGINE_GONE else event.message
        self._rest(0.0)
        self.changed.emit()
