"""Metrics of the present code and its image, live: log p(z), a bound, free energy, D(x)."""

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.metrics import Metric
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.throttle import Throttle
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.latents.space import LatentSpace

GAP_MS = 100
SHARE = 0.25
"""Metrics take at most about this share of the engine's time, so that dragging stays quick."""


class CodeMetrics(QObject):
    """Requests metrics of codes, latest wins: about ten times a second, and at rest where they are slow.

    Args:
        link: the way to the engine.
        space: the selected run and its code.

    Attributes:
        values: metrics of ``code``.
        code: (Z,) the code whose metrics came last; None before.
        problem: why there are none, or "".
        throttle: sends the commands.

    Signals:
        changed: any of these differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.values: dict[Metric, float] = {}
        self.code: Code | None = None
        self.problem = ""
        self.throttle = Throttle(link, lead_ms=GAP_MS // 2, gap_ms=GAP_MS, share=SHARE, parent=self)
        self.throttle.replied.connect(self._on_decoded)
        self.throttle.failed.connect(self._on_failed)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self.halt)

    def request(self) -> None:
        """Request the metrics of the code, with the weights as they are now."""
        codes = Array.of(self._space.code.values[np.newaxis])
        self.throttle.submit(Decode(run=self._space.run, codes=codes, measure=True))

    def halt(self) -> None:
        """Expect no reply; what is shown stays."""
        self.throttle.halt()

    def _on_run_changed(self) -> None:
        self.halt()
        self.values, self.code, self.problem = {}, None, ""
        self.changed.emit()

    def _on_decoded(self, event: Decoded) -> None:
        command = self.throttle.answered
        assert command is not None
        self.values = {found.metric: float(found.values.numpy()[0]) for found in event.metrics}
        self.code, self.problem = command.codes.numpy()[0], ""
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()
