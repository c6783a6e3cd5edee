"""Training as the window knows it: the setup, the run in training, the run that is looked at, the runs overlaid."""

import time
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Warned
from gmstudio.protocol.families import FamilyCard, Objective
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened
from gmstudio.protocol.training import (
    KeepCheckpoint,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainingChanged,
)
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.diagnostics import Diagnostics
from gmstudio.window.state.training.history import RunHistory
from gmstudio.window.state.training.samples import KeptSamples
from gmstudio.window.state.training.setup import TrainingSetup

Status = Literal["idle", "starting", "running", "paused", "stopping"]
RESUMABLE = ("stopped", "finished", "failed", "interrupted")


class TrainingState(QObject):
    """What the Train panel shows and does.

    Attributes:
        setup: the choices for the next run.
        samples: the kept sample grids of ``run``.
        diagnostics: figures and pace of ``run``.
        status: of the run in training; ``idle`` when none trains.
        run: path of the run that is looked at (its samples, terms and status), or "".
        histories: run → its curves, of every run that was opened.
        overlays: run → index of its colour, of the runs whose curves are drawn.
        problem: why the last command could not be done, or why training failed; empty otherwise.

    Signals:
        status_changed: ``status`` or ``problem`` is another, or something changed what can be done.
        run_changed: another run is looked at, or it is open now.
        history_changed: a run has new points; its path.
        overlays_changed: other runs are overlaid.
        objective_changed: another objective is to be shown.
    """

    status_changed = Signal()
    run_changed = Signal()
    history_changed = Signal(str)
    overlays_changed = Signal()
    objective_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events = events
        self._library = library
        self.setup = TrainingSetup(events, self)
        self.samples = KeptSamples(events, self)
        self.diagnostics = Diagnostics(events, self)
        self.status: Status = "idle"
        self.run = ""
        self.histories: dict[str, RunHistory] = {}
        self.overlays: dict[str, int] = {}
        self.problem = ""
        self._live = ""
        self._automatic_overlay = ""
        self._resume_steps: int | None = None
        self._start_request = 0
        self._requests: set[int] = set()
        self._shows_setup = True
        self._clock = _Clock()
        self._connect()

    def _connect(self) -> None:
        self._events.on(HistoryAppended).connect(self._on_history_appended)
        self._events.on(TrainingChanged).connect(self._on_training_changed)
        self._events.on(CommandFailed).connect(self._on_command_failed)
        self._events.on(Warned).connect(self._on_warned)
        self._library.run_opened.connect(self._on_run_opened)
        self._library.open_failed.connect(self._on_open_failed)
        self._library.engine_lost.connect(self._on_engine_lost)
        self._library.catalog_arrived.connect(self._on_engine_arrived)
        self._library.changed.connect(self.status_changed)
        self.setup.verdict_changed.connect(self.status_changed)
        self.setup.family_changed.connect(self._on_setup_touched)
        self.setup.config_changed.connect(self._on_setup_touched)

    # ---- what can be done, and doing it ---------------------------------------------------------------------------

    @property
    def can_start(self) -> bool:
        """The settings are good as far as is known, and nothing trains."""
        return self.status == "idle" and self.setup.entry is not None and not self.setup.problem

    @property
    def can_pause(self) -> bool:
        """A run is going."""
        return self.status == "running"

    @property
    def can_resume(self) -> bool:
        """The run in training is paused; or none trains, and the one that is looked at can go on."""
        if self.status == "paused":
            return True
        info = self.info
        return self.status == "idle" and info is not None and info.status in RESUMABLE and self.resume_steps > info.step

    @property
    def can_stop(self) -> bool:
        """A run is in training."""
        return self.status in ("running", "paused")

    @property
    def can_mark(self) -> bool:
        """The run that is looked at has weights to keep."""
        info = self.info
        return info is not None and (info.run == self._live or bool(info.checkpoint_steps))

    def start(self) -> None:
        """Train what is set up."""
        if self.can_start:
            self._start_request = self._command(StartTraining(spec=self.setup.spec))
            self._set_status("starting")

    def pause(self) -> None:
        """Stand still after the current step."""
        if self.can_pause:
            self._command(PauseTraining())

    def resume(self) -> None:
        """Go on after a pause; or go on with the run that is looked at, up to ``resume_steps``."""
        if self.status == "paused":
            self._command(ResumeTraining())
        elif self.can_resume:
            self._start_request = self._command(ResumeRun(run=self.run, steps=self.resume_steps))
            self._set_status("starting")

    def stop(self) -> None:
        """End the run here and keep it."""
        if self.can_stop:
            self._command(StopTraining())
            self._set_status("stopping")

    def step(self, count: int = 1) -> None:
        """While paused, make ``count`` steps; while running, pause first."""
        if self.status == "running":
            self._command(PauseTraining())
        if self.can_stop:
            self._command(StepTraining(count=count))

    def mark(self) -> None:
        """Keep a checkpoint of the run that is looked at for good."""
        if self.can_mark:
            self._command(KeepCheckpoint(run=self.run))

    @property
    def resume_steps(self) -> int:
        """Where a resumed run will end: its own end, or twice as many steps where that is reached."""
        info = self.info
        if info is None:
            return 0
        if self._resume_steps is not None:
            return self._resume_steps
        return info.training.steps if info.training.steps > info.step else info.step + info.training.steps

    def set_resume_steps(self, steps: int) -> None:
        """Move the end of the run that will be resumed."""
        self._resume_steps = steps
        self.status_changed.emit()

    # ---- looking at runs ----------------------------------------------------------------------------------------

    @property
    def live(self) -> str:
        """Path of the run in training, or ""."""
        return self._live

    @property
    def info(self) -> RunInfo | None:
        """The run that is looked at."""
        return self._library.info(self.run) if self.run else None

    @property
    def opened(self) -> RunOpened | None:
        """The run that is looked at, as the engine opened it; None while it is not open."""
        return self._library.opened.get(self.run)

    @property
    def objective(self) -> Objective | None:
        """The objective to be shown: of what is being set up, or of the run that is looked at."""
        opened = self.opened
        return self.setup.objective if self._shows_setup or opened is None else opened.objective

    @property
    def card(self) -> FamilyCard | None:
        """The card of the family whose objective is shown."""
        entry, info = self.setup.entry, self.info
        if self.objective_run and info is not None:
            families = self.setup.catalog.families if self.setup.catalog else ()
            entry = next((f for f in families if f.card.name == info.spec.family), entry)
        return entry.card if entry else None

    @property
    def objective_run(self) -> str:
        """Path of the run whose objective and values are shown; "" when it is the setup's."""
        return "" if self._shows_setup or self.opened is None else self.run

    @property
    def elapsed_s(self) -> float:
        """Seconds for which the run in training has been going here, without pauses."""
        return self._clock.seconds

    def history(self, run: str) -> RunHistory:
        """The curves of a run; empty ones where nothing is known."""
        return self.histories.get(run) or RunHistory()

    def objective_of(self, run: str) -> Objective | None:
        """The objective of an opened run, or what the catalog says for its config."""
        if run in self._library.opened:
            return self._library.opened[run].objective
        info = self._library.info(run)
        try:
            return self._library.entry(info.spec.family).card.objective(info.spec.config) if info else None
        except ValueError:
            return None

    def choose_run(self, run: str) -> None:
        """Show a run's samples, terms and curves."""
        self._resume_steps = None
        self.run = run
        self._shows_setup = False
        opened = self._library.open(run)
        if run not in self.overlays:
            self._overlay_automatically(run)
        if opened is not None:
            self._show(opened)
        self.run_changed.emit()
        self.objective_changed.emit()
        self.status_changed.emit()

    def set_overlay(self, run: str, on: bool) -> None:
        """Draw a run's curves, or no longer."""
        if on == (run in self.overlays):
            return
        if on:
            taken = set(self.overlays.values())
            self.overlays[run] = next(i for i in range(len(taken) + 1) if i not in taken)
            if run not in self.histories:
                self._library.open(run)
        else:
            del self.overlays[run]
        if run == self._automatic_overlay:
            self._automatic_overlay = ""
        self.overlays_changed.emit()

    def _overlay_automatically(self, run: str) -> None:
        """Draw the run that came into view instead of the one drawn for that reason before."""
        if self._automatic_overlay != run:
            self.overlays.pop(self._automatic_overlay, None)
        if run not in self.overlays:
            self.set_overlay(run, True)
            self._automatic_overlay = run

    def _show(self, opened: RunOpened) -> None:
        self.samples.show_run(opened)
        self.diagnostics.show_run(opened)

    # ---- what the engine says --------------------------------------------------------------------------------------

    def _command(self, command: Command) -> int:
        self.problem = ""
        request = self._events.send(command)
        self._requests.add(request)
        return request

    def _set_status(self, status: Status) -> None:
        self.status = status
        self._clock.run(status == "running")
        self.status_changed.emit()

    def _on_run_opened(self, event: RunOpened) -> None:
        run = event.info.run
        if event.live and run != self._live:
            self._live = run
            self._clock = _Clock()
            self._set_status("paused" if event.info.status == "paused" else "running")
            self.choose_run(run)
        elif run == self.run:
            self._show(event)
            self.run_changed.emit()
            self.objective_changed.emit()

    def _on_training_changed(self, event: TrainingChanged) -> None:
        if event.status in ("running", "paused"):
            self._live = event.run
            if self.status != "stopping":
                self._set_status("paused" if event.status == "paused" else "running")
        elif event.run == self._live:
            self._live = ""
            self._set_status("idle")
        self.diagnostics.set_live(bool(self._live) and self._live == self.diagnostics.run)
        if event.message:
            self.problem = event.message
            self.status_changed.emit()
        self.run_changed.emit()

    def _on_history_appended(self, event: HistoryAppended) -> None:
        self.histories.setdefault(event.run, RunHistory()).merge(event)
        self.history_changed.emit(event.run)

    def _on_command_failed(self, event: CommandFailed) -> None:
        if event.request not in self._requests:
            return
        self._requests.discard(event.request)
        if event.request == self._start_request:
            if event.command == "StartTraining":
                self.setup.refuse(event)
            self._set_status("idle")
        elif self.status == "stopping":
            self._set_status("running")
        self.problem = event.message
        self.status_changed.emit()

    def _on_warned(self, event: Warned) -> None:
        if event.run in ("", self.run, self._live):
            self.problem = event.message
            self.status_changed.emit()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if run == self.run or run in self.overlays:
            self.overlays.pop(run, None)
            self.problem = failure.message
            self.overlays_changed.emit()
            self.status_changed.emit()

    def _on_engine_lost(self) -> None:
        """Nothing trains any more; what was seen stays to be looked at."""
        self._live = ""
        self._requests.clear()
        self._start_request = 0
        self._set_status("idle")
        self.diagnostics.set_live(False)
        self.run_changed.emit()

    def _on_engine_arrived(self) -> None:
        """A new engine knows nothing of the run that is looked at."""
        self._on_engine_lost()
        if self.run:
            self._library.open(self.run)

    def _on_setup_touched(self) -> None:
        """The user turns to the next run; while one trains, its objective stays."""
        if self.status == "idle" and not self.setup.arriving:
            self._shows_setup = True
            self.objective_changed.emit()


class _Clock:
    """Counts seconds while it runs."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    def run(self, going: bool) -> None:
        """Go or stand still."""
        now = time.monotonic()
        if self._since is not None:
            self._before += now - self._since
        self._since = now if going else None

    @property
    def seconds(self) -> float:
        """Counted so far."""
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)
