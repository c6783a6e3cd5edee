"""Commands of training: start, pause, step, stop and resume a run, and which of them can be given now."""

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo
from gmstudio.protocol.runs_queue import AddToQueue
from gmstudio.protocol.training import (
    KeepCheckpoint,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainOn,
)
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.run_data import REASONS as DATA_REASONS
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.setup import TrainingSetup

Status = Literal["idle", "starting", "running", "paused", "stopping"]
RESUMABLE = ("stopped", "finished", "failed", "interrupted")


class TrainingCommands(QObject):
    """What can be done with the setup, the run in training and the selected run.

    The status of the run in training is the library's, which the engine reports; ``starting`` and ``stopping`` are
    requests that are not answered yet.

    Args:
        events: connection to the engine.
        library: library of runs.

    Attributes:
        setup: choices for the next run.
        run: path of the selected run, whose samples, terms and status are shown, or "".
        problem: reason why the last command or the training failed, or a warning; empty otherwise.

    Signals:
        status_changed: ``status``, ``problem`` or what can be done changed.
    """

    status_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events = events
        self._library = library
        self.setup = TrainingSetup(events, library, self)
        self.run = ""
        self.problem = ""
        self._resume_steps: int | None = None
        self._requests: list[Request] = []
        self._starting = self._request(self._on_start_failed)
        self._starting.loading_changed.connect(self.status_changed)
        self._stopping = self._request(self._on_failed)
        self._pausing = self._request(self._on_failed)
        self._resuming = self._request(self._on_failed)
        self._stepping = self._request(self._on_failed)
        self._keeping = self._request(self._on_failed)
        self._queueing = self._request(self._on_queue_failed)
        self._queueing.replied.connect(lambda _event: self._on_queued())
        self._queued: list[RunSpec] = []

    def _request(self, on_failed: Callable[[CommandFailed], None]) -> Request:
        request = Request(self._events, self)
        request.replied.connect(self.status_changed)
        request.dropped.connect(self.status_changed)
        request.failed.connect(on_failed)
        self._requests.append(request)
        return request

    @property
    def live(self) -> str:
        """Name of the run in training, or ""."""
        return self._library.live

    @property
    def info(self) -> RunInfo | None:
        """Description of the selected run."""
        return self._library.info(self.run) if self.run else None

    @property
    def status(self) -> Status:
        """Status of the run in training; ``idle`` when there is none."""
        status = self._library.live_status
        if status == "idle":
            return "starting" if self._starting.busy else "idle"
        return "stopping" if self._stopping.busy else status

    @property
    def can_start(self) -> bool:
        """No run is in training, and the settings are valid as far as is known."""
        return self.status == "idle" and self.setup.entry is not None and not self.setup.problem

    @property
    def can_queue(self) -> bool:
        """The settings are valid as far as is known, and are not being added to the queue."""
        return self.setup.entry is not None and not self.setup.problem and not self._queueing.busy

    @property
    def queued(self) -> int:
        """Number of runs with the present settings that were just added to the queue."""
        return len(self._queued) if self._queued and self._queued[-1] == self.setup.spec else 0

    @property
    def can_pause(self) -> bool:
        """A run is in training and not paused."""
        return self.status == "running"

    @property
    def can_resume(self) -> bool:
        """The run in training is paused; or none is, and the selected run has steps left to make."""
        if self.status == "paused":
            return True
        info = self.info
        return self.status == "idle" and info is not None and info.status in RESUMABLE and self.resume_steps > info.step

    @property
    def loading(self) -> DataLoading | None:
        """Progress of loading the data of the run that is being started; None when there is none."""
        return self._starting.loading

    @property
    def is_live(self) -> bool:
        """A run is in training, paused or not."""
        return self.status in ("running", "paused")

    @property
    def can_stop(self) -> bool:
        """A run is in training, paused or not, or its data are being loaded."""
        return self.is_live or self.loading is not None

    @property
    def can_keep_checkpoint(self) -> bool:
        """The selected run has weights to keep, is no example, and no other program trains it."""
        info = self.info
        return (
            info is not None
            and not info.example
            and not info.writer
            and (info.run == self.live or bool(info.checkpoint_steps))
        )

    def set_up(self, family: str) -> None:
        """Choose a family for the next run; one that the engine has not is ignored."""
        if any(entry.card.name == family for entry in (self.setup.catalog.families if self.setup.catalog else ())):
            self.setup.choose_family(family)

    def start(self) -> None:
        """Start a run with the present settings."""
        if self.can_start:
            self._send(self._starting, StartTraining(spec=self.setup.spec))

    def queue(self) -> None:
        """Add a run with the present settings to the end of the queue."""
        if self.can_queue:
            self._send(self._queueing, AddToQueue(specs=(self.setup.spec,)))

    def pause(self) -> None:
        """Pause after the current step."""
        if self.can_pause:
            self._send(self._pausing, PauseTraining())

    def resume(self) -> None:
        """Continue the paused run; without one, continue the selected run, or a copy of it, up to ``resume_steps``."""
        if self.status == "paused":
            self._send(self._resuming, ResumeTraining())
        elif self.can_resume:
            kind = TrainOn if self.info is not None and self.info.example else ResumeRun
            self._send(self._starting, kind(run=self.run, steps=self.resume_steps))

    def stop(self) -> None:
        """End the training with a checkpoint, or the start of one whose data are being loaded."""
        if self.loading is not None:
            self._starting.cancel()
            self.status_changed.emit()
        elif self.can_stop:
            self._send(self._stopping, StopTraining())

    def step(self, count: int = 1) -> None:
        """Make ``count`` steps and pause; a training that is not paused is paused first."""
        if self.status == "running":
            self._send(self._pausing, PauseTraining())
        if self.is_live:
            self._send(self._stepping, StepTraining(count=count))

    def keep_checkpoint(self) -> None:
        """Keep the latest checkpoint of the selected run from being deleted; the run in training writes one first."""
        if self.can_keep_checkpoint:
            self._send(self._keeping, KeepCheckpoint(run=self.run))

    @property
    def resume_steps(self) -> int:
        """Number of steps after which a resumed run ends: its own, or twice as many where these are made."""
        info = self.info
        if info is None:
            return 0
        if self._resume_steps is not None:
            return self._resume_steps
        steps = info.training.steps
        return steps if steps > info.step else info.step + steps

    def set_resume_steps(self, steps: int) -> None:
        """Set the number of steps after which the resumed run ends."""
        self._resume_steps = steps
        self.status_changed.emit()

    @property
    def can_prolong(self) -> bool:
        """No run is in training, and the selected run can be continued."""
        info = self.info
        return self.status == "idle" and info is not None and info.status in RESUMABLE

    def prolong(self, steps: int) -> None:
        """Continue the selected run, or a copy of it, for so many steps from where it is."""
        info = self.info
        if info is not None and self.can_prolong:
            self.set_resume_steps(info.step + steps)
            self.resume()

    def _send(self, request: Request, command: Command) -> None:
        self.problem = ""
        request.send(command)
        self.status_changed.emit()

    def _on_start_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.SCHEDULE_OPEN:
            self._library.schedule_asked.emit(self._starting.command, failure.message)
            self.status_changed.emit()
            return
        if isinstance(self._starting.command, StartTraining) and failure.reason is not Reason.ENGINE_GONE:
            self.setup.refuse(failure)
        self._on_failed(failure)

    def _on_queued(self) -> None:
        """Count runs with the same settings."""
        assert isinstance(self._queueing.command, AddToQueue)
        (spec,) = self._queueing.command.specs
        self._queued = [*(one for one in self._queued if one == spec), spec]
        self.status_changed.emit()

    def _on_queue_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.setup.refuse(failure)
        self._on_failed(failure)

    def _on_failed(self, failure: CommandFailed) -> None:
        # the banner reports the exit of the engine, and asks where data are
        in_banner = failure.reason is Reason.ENGINE_GONE or (bool(failure.run) and failure.reason in DATA_REASONS)
        self.problem = "" if in_banner else failure.message
        self.status_changed.emit()

    def _drop_requests(self) -> None:
        for request in self._requests:
            request.drop()
