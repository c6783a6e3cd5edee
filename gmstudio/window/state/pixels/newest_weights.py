"""Training step of the newest weights of a run: of its training, or of its last checkpoint."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import EngineReported
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.runs.library import RunLibrary


class NewestWeights(QObject):
    """Steps of the newest weights.

    Signals:
        changed: the run in training made steps.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._live_step = -1
        events.on(EngineReported).connect(self._on_reported)

    def step_of(self, run: str) -> int:
        """Training step of the newest weights of a run, or of its chosen checkpoint; −1 when unknown."""
        if run in self._library.checkpoints.steps:
            return self._library.checkpoints.steps[run]
        if run and run == self._library.live:
            return self._live_step
        info = self._library.info(run)
        return max(info.checkpoint_steps, default=-1) if info is not None else -1

    def _on_reported(self, event: EngineReported) -> None:
        if event.state in ("training", "paused") and event.step != self._live_step:
            self._live_step = event.step
            self.changed.emit()
