"""State of training in the window: the selected run with its curves, samples and terms, and the runs overlaid."""

from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason, Warned
from gmstudio.protocol.families import FamilyCard, Objective
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened, RunTrashed
from gmstudio.protocol.training import (
    TrainingChanged,
)
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.run_edits import RunEdits
from gmstudio.window.state.training.commands import TrainingCommands
from gmstudio.window.state.training.curves import PER_UNIT, images_seen, positions_on
from gmstudio.window.state.training.diagnostics import Diagnostics
from gmstudio.window.state.training.history import RunHistory
from gmstudio.window.state.training.live_changes import LiveChanges
from gmstudio.window.state.training.samples import KeptSamples


class TrainingState(TrainingCommands):
    """State of the Train panel; what can be done with a run is in ``TrainingCommands``.

    Attributes:
        samples: saved sample grids of ``run``.
        diagnostics: figures and pace of ``run``.
        changes: settings of the run in training that can be changed.
        histories: run → its curves, of every run that was opened.
        edits: what a user changed, to be undone.
        run_edits: changes runs, so that it can be undone.
        overlays: run → index of its colour, of the runs whose curves are drawn.

    Signals:
        run_changed: another run is selected, or the selected run is open now.
        history_changed: name of a run that has new points.
        overlays_changed: other runs are overlaid.
        objective_changed: another objective is to be shown.
    """

    run_changed = Signal()
    history_changed = Signal(str)
    overlays_changed = Signal()
    objective_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(events, library, parent)
        self.samples = KeptSamples(events, self)
        self.diagnostics = Diagnostics(events, library, self)
        self.changes = LiveChanges(events, library, self)
        self.histories: dict[str, RunHistory] = {}
        self.overlays: dict[str, int] = {}
        self._automatic_overlay = ""
        self.edits = self.setup.edits
        self.edits.add_part("overlays", lambda: dict(self.overlays), self._restore_overlays)
        self.run_edits = RunEdits(library, self.edits, self)
        self._shows_setup = True
        self._waits = False
        self._connect()

    def _connect(self) -> None:
        self._events.on(HistoryAppended).connect(self._on_history_appended)
        self._events.on(TrainingChanged).connect(self._on_training_changed)
        self._events.on(Warned).connect(self._on_warned)
        self._library.live_changed.connect(self._on_live_changed)
        self._library.run_opened.connect(self._on_run_opened)
        self._library.open_failed.connect(self._on_open_failed)
        self._library.trashed.connect(self._on_trashed)
        self._library.engine_lost.connect(self._drop_requests)
        self._library.catalog_arrived.connect(self._on_engine_started)
        self._library.changed.connect(self.status_changed)
        self.setup.verdict_changed.connect(self.status_changed)
        self.setup.family_changed.connect(self._on_setup_changed)
        self.setup.config_changed.connect(self._on_setup_changed)

    def choices(self) -> dict[str, Any]:
        """Choices for the next run, as JSON."""
        return self.setup.snapshot()

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take choices for the next run that were kept."""
        self.setup.restore(values)

    # ---- runs ----------------------------------------------------------------------------------------------------

    @property
    def shows_another(self) -> bool:
        """A run is in training, and another one is selected."""
        return bool(self.live) and self.run != self.live

    def show_live(self) -> None:
        """Select the run in training, of which there must be one."""
        self.choose_run(self.live)

    @property
    def opened(self) -> RunOpened | None:
        """``RunOpened`` of the selected run; None while it is not open."""
        return self._library.opened.get(self.run)

    @property
    def objective(self) -> Objective | None:
        """Objective to be shown: of the setup, or of the selected run."""
        opened = self.opened
        return self.setup.objective if self._shows_setup or opened is None else opened.objective

    @property
    def card(self) -> FamilyCard | None:
        """Card of the family whose objective is shown."""
        entry, info = self.setup.entry, self.info
        if self.objective_run and info is not None:
            families = self.setup.catalog.families if self.setup.catalog else ()
            entry = next((f for f in families if f.card.name == info.spec.family), entry)
        return entry.card if entry else None

    @property
    def objective_run(self) -> str:
        """Name of the run whose objective and values are shown; "" for the setup's objective."""
        return "" if self._shows_setup or self.opened is None else self.run

    def elapsed_s(self, info: RunInfo, step: int) -> float | None:
        """Return the seconds of training up to a step, over all resumes and without pauses; None while unknown."""
        opened = self._library.opened.get(info.run)
        seen = images_seen(info.training.batch_size, opened.batch_sizes if opened is not None else ())
        at = positions_on("time", np.array([step]), self.history(info.run), seen, 0)
        return None if at is None else float(at[0]) / PER_UNIT

    def history(self, run: str) -> RunHistory:
        """Return the curves of a run; empty ones where none arrived."""
        return self.histories.get(run) or RunHistory()

    def objective_of(self, run: str) -> Objective | None:
        """Return the objective of a run; from the catalog where the run is not open."""
        if run in self._library.opened:
            return self._library.opened[run].objective
        info = self._library.info(run)
        try:
            return self._library.entry(info.spec.family).card.objective(info.spec.config) if info else None
        except ValueError:
            return None

    def choose_run(self, run: str) -> None:
        """Select a run: show its samples, terms and curves."""
        self._select(run)
        opened = self._library.open(run, again=run not in self.histories)
        if opened is not None:
            self._show(opened)
        self.run_changed.emit()
        self.objective_changed.emit()
        self.status_changed.emit()

    def check_overlay(self, run: str, on: bool) -> None:
        """Draw the curves of a run, or no longer, as its user wants."""
        with self.edits.recording("Draw curves" if on else "Draw no curves"):
            self.set_overlay(run, on)

    def _restore_overlays(self, overlays: dict[str, int]) -> None:
        for run in self.overlays.keys() - overlays.keys():
            self.set_overlay(run, False)
        for run in overlays.keys() - self.overlays.keys():
            if self._library.has_run(run):
                self.set_overlay(run, True)

    def set_overlay(self, run: str, on: bool) -> None:
        """Draw a run's curves, or remove them."""
        if on == (run in self.overlays):
            return
        if on:
            taken = set(self.overlays.values())
            self.overlays[run] = next(i for i in range(len(taken) + 1) if i not in taken)
            if run not in self.histories:
                self._library.open(run, again=True)
        else:
            del self.overlays[run]
        if run == self._automatic_overlay:
            self._automatic_overlay = ""
        self.overlays_changed.emit()

    def _select(self, run: str) -> None:
        self._resume_steps = None
        self.run = run
        self._shows_setup = False
        if run not in self.overlays:
            self._overlay_automatically(run)

    def _overlay_automatically(self, run: str) -> None:
        """Draw the curves of the selected run in place of those drawn for the run selected before."""
        self.overlays.pop(self._automatic_overlay, None)
        self.set_overlay(run, True)
        self._automatic_overlay = run

    def _show(self, opened: RunOpened) -> None:
        self.samples.show_run(opened)
        self.diagnostics.show_run(opened)

    # ---- events --------------------------------------------------------------------------------------------------

    def _on_live_changed(self, run: str) -> None:
        if run:
            self._select(run)
            self._library.open(run)  # its curves follow its ``RunOpened``

    def _on_run_opened(self, event: RunOpened) -> None:
        if event.info.run == self.run:
            self._show(event)
            self.run_changed.emit()
            self.objective_changed.emit()

    def _on_training_changed(self, event: TrainingChanged) -> None:
        if event.message:
            self.problem = event.message
            self._waits = event.status == "paused"
            self.status_changed.emit()
        elif self._waits:  # what paused the training is over, for example a full disk
            self.problem, self._waits = "", False
            self.status_changed.emit()

    def _on_history_appended(self, event: HistoryAppended) -> None:
        if event.request and not event.reset and event.run not in self.histories:
            return  # the end of curves whose beginning another panel's request brought
        self.histories.setdefault(event.run, RunHistory()).merge(event)
        self.history_changed.emit(event.run)

    def _on_warned(self, event: Warned) -> None:
        if event.run in ("", self.run, self.live):
            self.problem = event.message
            self.status_changed.emit()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE and (run == self.run or run in self.overlays):
            self.overlays.pop(run, None)
            self.problem = failure.message
            self.overlays_changed.emit()
            self.status_changed.emit()

    def _on_trashed(self, event: RunTrashed) -> None:
        """Show another run in place of one that is in the trash now."""
        self.histories.pop(event.run, None)
        if self.overlays.pop(event.run, None) is not None:
            self.overlays_changed.emit()
        successor = self._library.successor(event.run)
        if event.run == self.run and successor:
            self.choose_run(successor)
        elif event.run == self.run:
            self.run, self._shows_setup = "", True
            self.samples.clear()
            for changed in (self.run_changed, self.objective_changed, self.status_changed):
                changed.emit()

    def _on_engine_started(self) -> None:
        """Open the selected run in a new engine."""
        self._drop_requests()
        if self.run:
            self._library.open(self.run)
        self.status_changed.emit()

    def _on_setup_changed(self) -> None:
        """Show the objective of the setup, unless a run is in training."""
        if self.status == "idle" and not self.setup.arriving:
            self._shows_setup = True
            self.objective_changed.emit()
