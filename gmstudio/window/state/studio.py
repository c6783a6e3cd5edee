"""State of the whole window."""

from typing import Protocol, TypeVar, cast

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.runs_branching import BranchRun
from gmstudio.protocol.training import ChangeTraining, ContinuedSchedule, ResumeRun, TrainOn
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.loads import DataLoads
from gmstudio.window.state.data.run_data import RunData
from gmstudio.window.state.engine import EngineState
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.watch import RunWatch
from gmstudio.window.state.training.remedies import Remedies

S = TypeVar("S", covariant=True)


class StateClass(Protocol[S]):
    """Class of a panel's state."""

    def __call__(self, events: EngineLink, library: RunLibrary, parent: QObject, /) -> S:
        """Create the state."""


ScheduledCommand = ResumeRun | TrainOn | BranchRun | ChangeTraining
"""Commands that move the end of a training, after which a learning rate that decays may jump."""


class Studio(QObject):
    """States of library and engine, those of the panels by their class, and the interrupted run.

    Attributes:
        client: engine process.
        library: catalog and runs.
        engine: state of the engine.
        run_data: data of runs that are missing or have changed.
        loads: data sets that are being loaded.
        remedies: the training that failed, while it can go on with other settings.
        interrupted: run that was in training when its engine died, until it is resumed or dismissed; or None.

    Signals:
        interrupted_changed: ``interrupted`` changed.
        continued: ``RunInfo`` of a run whose training goes on from its checkpoint after the connection was lost.
    """

    interrupted_changed = Signal()
    continued = Signal(object)

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.client = client
        self.library = RunLibrary(client, self)
        self.engine = EngineState(client, self)
        self._watch = RunWatch(self.library, self)
        self.run_data = RunData(client, self)
        self.loads = DataLoads(client, self)
        self.remedies = Remedies(client, self.library, self)
        self.remedies.failed.connect(self._on_problem)
        self._states: dict[object, object] = {}
        self.interrupted: RunInfo | None = None
        self._resuming = Request(client, self)
        self._resuming.failed.connect(self._on_problem)
        self._scheduling = Request(client, self)
        self._scheduling.failed.connect(self._on_problem)
        self._scheduling.replied.connect(lambda event: self.library.schedule_chosen.emit(self._scheduled, event))
        self._scheduled: ScheduledCommand | None = None
        """As ``library.schedule_asked`` named it, while it is carried out with the schedule that was chosen."""
        self._command = client.command
        self._continue_due = ""
        """Run that a lost connection has stopped, to be continued once it can be."""
        client.on(RunsListed).connect(lambda _event: self._continue())  # after the library has taken the list
        client.machine_changed.connect(self._on_machine_changed)
        self.library.failed.connect(self._on_problem)
        self.engine.died.connect(self._on_died)
        self.engine.changed.connect(lambda: self._watch.set_active(self.engine.state.phase == "ready"))
        self.library.live_changed.connect(self._on_live_changed)
        self.library.changed.connect(self._on_library_changed)

    def state(self, kind: StateClass[S]) -> S:
        """Return the state of a panel, created at the first call, which may be after the catalog has arrived.

        Args:
            kind: its class, constructed with the client, the library and this studio as its parent.
        """
        if kind not in self._states:
            self._states[kind] = kind(self.client, self.library, self)
        return cast(S, self._states[kind])

    def resume_interrupted(self) -> None:
        """Continue the interrupted run from its last checkpoint."""
        if self.interrupted is not None:
            self._resuming.send(ResumeRun(run=self.interrupted.run))

    def resume_with(self, command: ScheduledCommand, schedule: ContinuedSchedule) -> None:
        """Resume, branch or prolong a run as ``library.schedule_asked`` named it, with the schedule that was chosen."""
        self._scheduling.send(msgspec.structs.replace(command, schedule=schedule))
        self._scheduled = command

    def forget_interrupted(self) -> None:
        """Dismiss the interrupted run; it stays in the library."""
        self._set_interrupted(None)

    def _on_machine_changed(self) -> None:
        """Forget what belongs to the machine of before."""
        if self.client.command != self._command:
            self._command, self._continue_due = self.client.command, ""
            self.library.checkpoints.steps.clear()
            self._set_interrupted(None)

    def _continue(self) -> None:
        """Continue the run that a lost connection stopped: the engine has written a checkpoint before it ended.

        While its engine has not noticed the loss yet, the run goes on there; the list of runs says when it ends.
        """
        info = self.library.info(self._continue_due)
        if info is None or info.status in ("running", "paused") or self.library.live:
            return
        self._continue_due = ""
        if info.status in ("stopped", "interrupted") and info.checkpoint_steps:
            self._resuming.send(ResumeRun(run=info.run))
            self.continued.emit(info)

    def _on_died(self) -> None:
        live = self.library.info(self.library.live)
        if live is not None and not self.client.is_local and self.library.live_status == "running":
            self._continue_due = live.run
        self.library.lose_engine()
        self.loads.clear()
        if live is not None:
            self._set_interrupted(self.library.info(live.run))

    def _on_problem(self, failure: CommandFailed) -> None:
        if failure.reason not in (Reason.ENGINE_GONE, Reason.INTERNAL):  # reported by the engine's state
            self.engine.problem.emit(failure.message, failure.detail)

    def _on_live_changed(self, run: str) -> None:
        if run:
            self._set_interrupted(None)

    def _on_library_changed(self) -> None:
        if self.interrupted is not None:
            self._set_interrupted(self.library.info(self.interrupted.run))

    def _set_interrupted(self, info: RunInfo | None) -> None:
        if info != self.interrupted:
            self.interrupted = info
            self.interrupted_changed.emit()
