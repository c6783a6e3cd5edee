"""State of the details beside the library: what the shown run has on the disk."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunDescribed, RunInfo
from gmstudio.protocol.runs_details import DetailsRead, DuplicateRun, ReadDetails
from gmstudio.protocol.training import ResumeRun, TrainOn
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState

DELAY_MS = 120
"""A run that was passed over on the way to another one is not read."""


class RunDetails(QObject):
    """Details of the run that the panel shows.

    Args:
        owner: state of the panel.

    Attributes:
        details: of the run; None while they are read.
        problem: why they could not be read, one sentence; empty otherwise.

    Signals:
        changed: ``details`` or ``problem`` changed, or the description of the run.
        trained_on: the run, or the copy of it, is in training now.
    """

    changed = Signal()
    trained_on = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.details: DetailsRead | None = None
        self.problem = ""
        self._read_for: RunInfo | None = None
        self._active = False
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_reply)
        self._request.failed.connect(self._on_failed)
        self._copying = Request(owner.link, self)
        self._copying.replied.connect(self._on_copied)
        self._copying.failed.connect(owner.library.failed)
        self._training = Request(owner.link, self)
        self._training.replied.connect(lambda _event: self.trained_on.emit())
        self._training.failed.connect(self._on_training_failed)
        self._later = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._later.timeout.connect(self._read)
        owner.run_changed.connect(self._on_run_changed)
        owner.library.changed.connect(self._on_library_changed)
        owner.library.schedule_chosen.connect(self._on_schedule_chosen)

    @property
    def info(self) -> RunInfo | None:
        """Description of the run."""
        return self._owner.library.info(self._owner.run)

    @property
    def copying(self) -> bool:
        """A copy is being made."""
        return self._copying.busy

    def set_active(self, active: bool) -> None:
        """Read only while the details are on the screen."""
        self._active = active
        self._read_later()

    def duplicate(self) -> None:
        """Copy the run into a new one, which is then shown."""
        if self._owner.run and not self._copying.busy:
            self._copying.send(DuplicateRun(run=self._owner.run))
            self.changed.emit()

    @property
    def train_on_reason(self) -> str:
        """Reason why the run cannot be trained on now, one sentence; empty where it can."""
        info, live = self.info, self._owner.library.live
        if info is None:
            return "No run is chosen."
        if live:
            return "A run is in training: stop it first."
        return "" if info.checkpoint_steps else "The run has no checkpoint to begin from."

    def train_on(self) -> None:
        """Train the run, or a copy of an example, up to its number of steps; twice as many where these are made."""
        info = self.info
        if info is not None and not self.train_on_reason:
            steps = info.training.steps if info.step < info.training.steps else 2 * info.training.steps
            kind = TrainOn if info.example else ResumeRun
            self._training.send(kind(run=info.run, steps=steps))

    def _on_training_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.SCHEDULE_OPEN:
            self._owner.library.schedule_asked.emit(self._training.command, failure.message)
        else:
            self._owner.library.failed.emit(failure)

    def _on_schedule_chosen(self, command: object, _event: object) -> None:
        if command is self._training.command:
            self.trained_on.emit()

    def _on_run_changed(self) -> None:
        self._request.drop()
        self.details, self.problem, self._read_for = None, "", None
        self._read_later()
        self.changed.emit()

    def _on_library_changed(self) -> None:
        if self.info is not self._read_for:
            self._read_later()
            self.changed.emit()

    def _read_later(self) -> None:
        if self._active and self._read_for is not self.info:
            self._later.start()
        elif not self._active:
            self._later.stop()

    def _read(self) -> None:
        if self._active and self.info is not None:
            self._read_for = self.info
            self._request.send(ReadDetails(run=self._owner.run))

    def _on_reply(self, event: Event) -> None:
        if isinstance(event, DetailsRead) and event.run == self._owner.run:
            self.details, self.problem = event, event.problem
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.details, self.problem = None, failure.message
        self.changed.emit()

    def _on_copied(self, event: Event) -> None:
        if isinstance(event, RunDescribed):
            self._owner.choose_run(event.info.run)
        self.changed.emit()
