"""Going on with a training that failed: from its last checkpoint, with the settings that the engine proposes."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.runs_branching import BranchRun
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary


class Remedies(QObject):
    """The last training that failed, while it can go on with other settings.

    Args:
        link: connection to the engine.
        library: library of runs.

    Attributes:
        failure: how it ended, with its ``remedy``; None: nothing failed, or a training has begun since.

    Signals:
        changed: ``failure`` changed.
        failed: ``CommandFailed`` of an attempt to go on.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, link: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.failure: TrainingChanged | None = None
        self._branching = Request(link, self)
        self._branching.failed.connect(self.failed)
        link.on(TrainingChanged).connect(self._on_training_changed)
        library.live_changed.connect(self._on_live_changed)
        library.trashed.connect(lambda event, _title: self._on_gone(event.run))

    def apply(self) -> None:
        """Train on from the last checkpoint, as a branch, with the settings of the remedy."""
        failure = self.failure
        if failure is not None and failure.remedy is not None:
            remedy = failure.remedy
            self._branching.send(BranchRun(run=failure.run, step=remedy.step, training=remedy.training))
            self.forget()

    def forget(self) -> None:
        """Leave the run as it is."""
        self._set(None)

    def _set(self, failure: TrainingChanged | None) -> None:
        if failure is not self.failure:
            self.failure = failure
            self.changed.emit()

    def _on_training_changed(self, event: TrainingChanged) -> None:
        if event.status == "failed" and event.remedy is not None:
            self._set(event)

    def _on_live_changed(self, run: str) -> None:
        if run:
            self.forget()

    def _on_gone(self, run: str) -> None:
        if self.failure is not None and self.failure.run == run:
            self.forget()
