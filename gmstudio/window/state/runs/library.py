"""Library of runs and data sets, and catalog of families, in the window."""

from pathlib import PurePath
from typing import Literal

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.runs import (
    AnnotateRun,
    ListRuns,
    OpenRun,
    RestoreRun,
    RunDescribed,
    RunInfo,
    RunOpened,
    RunsListed,
    RunTrashed,
    TrashRun,
)
from gmstudio.protocol.training import CheckpointSaved, KeepCheckpoint, TrainingChanged
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.sets import DataSets
from gmstudio.window.state.runs.chosen_checkpoints import ChosenCheckpoints
from gmstudio.window.state.runs.edited_runs import EditedRuns
from gmstudio.window.state.runs.known_runs import KnownRuns
from gmstudio.window.state.runs.list_parts import ListParts
from gmstudio.window.state.runs.received_curves import ReceivedCurves
from gmstudio.window.state.runs.turns import MANY, Turns

EXAMPLES = "examples"
"""First part of the names of ready models."""
LiveStatus = Literal["idle", "running", "paused"]


def folder_name(run: str) -> str:
    """Return the last part of a run's name, that of its folder, for people."""
    return run.replace("\\", "/").rpartition("/")[2]


class RunLibrary(QObject):
    """Catalog, list of runs, runs that are open in the engine, and the run in training.

    Attributes:
        catalog: catalog of the engine; None until it has started.
        data_sets: imported data sets.
        turns: calls of those that follow ``changed`` and take long where there are many runs.
        home: folder of the runs on the engine's machine; empty until it is known.
        problems: one sentence for each folder that cannot be read.
        left: runs that the engine has still to read, of a list that arrives in parts.
        follows: panels show newly started runs; else they stay with theirs.
        edited: what was edited of the runs since the window was opened.
        checkpoints: with whose weights runs are explored, where these are not the newest.
        opened: run → its ``RunOpened`` from the engine that runs now.
        live: name of the run in training, paused or not; "" when none is.
        live_status: status of the run in training, as the engine last reported it; ``idle`` when there is none.

    Signals:
        catalog_arrived: an engine has started, at the first time or after a restart.
        changed: the list, a status in it, or ``live_status`` changed.
        reading: further runs of a list have arrived, and some are ``left``.
        checkpoint_chosen: name of a run that is explored with other weights from now on.
        run_opened: the ``RunOpened`` of a run that is open now.
        open_failed: name of a run that could not be opened, and the ``CommandFailed``.
        failed: the ``CommandFailed`` of a list that could not be read, or of a change to a run.
        trashed: the ``RunTrashed`` of a run that is in the trash now, and the run's title.
        live_changed: name of the run that is in training now, or "".
        polled: a request for the list was answered.
        schedule_asked: the ``ScheduledCommand`` after which the learning rate would jump, and sentences on the choices.
        schedule_chosen: the ``ScheduledCommand`` of such a question, and the event that answered it with the choice.
        engine_lost: the engine has ended, and nothing is open any more.
    """

    catalog_arrived = Signal()
    changed = Signal()
    reading = Signal()
    checkpoint_chosen = Signal(str)
    run_opened = Signal(object)
    open_failed = Signal(str, object)
    failed = Signal(object)
    trashed = Signal(object, str)
    live_changed = Signal(str)
    polled = Signal()
    schedule_asked = Signal(object, str)
    schedule_chosen = Signal(object, object)
    engine_lost = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events = events
        self._opening: dict[str, Request] = {}
        self._listing = Request(events, self)
        self._listing.failed.connect(self.failed)
        for answered in (self._listing.replied, self._listing.failed):
            answered.connect(lambda _event: self.polled.emit())
        self.catalog: Catalog | None = None
        self.data_sets = DataSets(events, self)
        self.checkpoints = ChosenCheckpoints(events, self.info, self._reopen, self)
        self.checkpoints.chosen.connect(self.changed)
        self.checkpoints.chosen.connect(self.checkpoint_chosen)
        self.checkpoints.failed.connect(self.failed)
        self.edited = EditedRuns()
        self.home = ""
        self.examples_home = ""
        self.left = 0
        self.follows = False
        self._list_state = ""
        self._runs = KnownRuns()
        self._parts = ListParts()
        self.turns = Turns(self.changed, self._num_expected, self)
        self._successors: dict[str, str] = {}
        self.problems: tuple[str, ...] = ()
        self.opened: dict[str, RunOpened] = {}
        self._curves = ReceivedCurves(events)
        self.live = ""
        self.live_status: LiveStatus = "idle"
        events.on(Catalog).connect(self._on_catalog)
        events.on(RunsListed).connect(self._on_runs_listed)
        events.on(RunOpened).connect(self._on_run_opened)
        events.on(RunDescribed).connect(self._on_run_described)
        events.on(RunTrashed).connect(self._on_run_trashed)
        events.on(TrainingChanged).connect(self._on_training_changed)
        events.on(CheckpointSaved).connect(self._on_checkpoint_saved)

    def entry(self, family: str) -> FamilyEntry:
        """Return the catalog's entry of a family.

        Raises:
            ValueError: when the engine has no such family, or has not started yet.
        """
        entries = self.catalog.families if self.catalog else ()
        for entry in entries:
            if entry.card.name == family:
                return entry
        known = ", ".join(entry.card.name for entry in entries) or "none yet"
        raise ValueError(f"The engine has no family {family!r}; it has {known}.")

    @property
    def elsewhere(self) -> str:
        """Sentence on the place of the library where it is on another machine; "" where it is on this one."""
        if self._events.is_local:
            return ""
        place = f", in {self.home}" if self.home else ""
        return f"The runs are on {self._events.machine or 'the machine of the engine'}{place}."

    def path_of(self, run: str) -> str:
        """Return the path of a run's folder on the engine's machine, for people to read or paste."""
        example = run.removeprefix(f"{EXAMPLES}/")
        home, name = (self.home, run) if example == run else (self.examples_home, example)
        return str(PurePath(home) / name)

    @property
    def runs(self) -> tuple[RunInfo, ...]:
        """Descriptions of the runs, starred ones first, then newest first; the examples at the end."""
        return self._runs.ordered()

    def example(self, family: str, name: str = "") -> str:
        """Return the name of a family's ready model, that of a name where there are several; "" when there is none."""
        found = self._runs.examples(family)
        named = {folder_name(run): run for run in found}
        return named.get(name) or named.get(family) or next(iter(found), "")

    def ready(self, family: str) -> str:
        """Return the name of a family's ready model, else of the first of its runs with weights; "" without any."""
        return self.example(family) or self._runs.newest(family, self.live)

    def info(self, run: str) -> RunInfo | None:
        """Return the description of a run; None when it is not in the library."""
        return self._runs.get(run)

    def has_run(self, run: str) -> bool:
        """Return whether a run is there: in the library, or opened from elsewhere."""
        return self.info(run) is not None

    def runs_with(self, capability: str) -> list[RunInfo]:
        """Return the runs with weights whose family has a capability, the run in training first, then as in ``runs``.

        Args:
            capability: one of ``CAPABILITIES``; empty: any run.
        """
        return self._runs.able(capability, self.live)

    def is_able(self, run: str, capability: str) -> bool:
        """Return whether a run is among ``runs_with`` a capability, without making the list."""
        return self._runs.is_able(run, capability, self.live)

    def refresh(self) -> None:
        """Request the list of runs."""
        self._listing.send(ListRuns())

    def poll(self) -> None:
        """Request the list of runs if it changed, unless a request is under way: other programs make runs too."""
        if self.catalog is not None and not self._listing.busy:
            self._listing.send(ListRuns(known=self._list_state))

    @property
    def polling(self) -> bool:
        """A request for the list is under way."""
        return self._listing.busy

    def open(self, run: str, *, again: bool = False) -> RunOpened | None:
        """Open a run in the engine, unless it is open.

        Args:
            run: name of the run.
            again: request it even so, for its curves, which another panel's request brought before they were wanted.

        Returns:
            Its ``RunOpened`` when it is open already; else None, and ``run_opened`` or ``open_failed`` follows.
        """
        if again or run not in self.opened:
            self._send_open(run)
        return self.opened.get(run)

    def _reopen(self, run: str) -> None:
        if run in self.opened:
            self._send_open(run)

    def _send_open(self, run: str, since: int = -1) -> None:
        if run not in self._opening:
            request = self._opening[run] = Request(self._events, self)
            request.failed.connect(lambda failure: self._on_open_failed(run, failure))
            request.send(OpenRun(run=run, since=since))

    def release_checkpoint(self, run: str, step: int) -> None:
        """Let newer checkpoints replace a kept one; the newest weights are used where its were."""
        if self.checkpoints.steps.get(run) == step:
            self.checkpoints.choose(run, None)
        self._change(KeepCheckpoint(run=run, keep=False, step=step))

    def annotate(
        self,
        run: str,
        *,
        name: str | None = None,
        note: str | None = None,
        starred: bool | None = None,
        tags: tuple[str, ...] | None = None,
        archived: bool | None = None,
    ) -> None:
        """Give a run a name, a note, tags or a star, or archive it; None leaves a field as it is."""
        self._change(AnnotateRun(run=run, name=name, note=note, starred=starred, tags=tags, archived=archived))

    def trash(self, run: str, successor: str = "") -> None:
        """Move a run that is not in training to the trash; ``trashed`` or ``failed`` follows.

        Args:
            run: its path.
            successor: run beside it where it is listed, which is to be shown in its place; "": none.
        """
        self._successors[run] = successor
        self._change(TrashRun(run=run))

    def successor(self, run: str) -> str:
        """Return the run to show in place of one in the trash: that beside it, else the first; "" without runs."""
        beside = self._successors.pop(run, "")
        return beside if beside in self._runs else next((info.run for info in self.runs), "")

    def restore(self, trashed: RunTrashed) -> None:
        """Move a run back from the trash."""
        self._change(RestoreRun(run=trashed.run, place=trashed.place))

    def _change(self, command: Command) -> None:
        """Send a change to a run; several may be under way, so that each has a slot of its own."""
        request = Request(self._events, self)
        request.failed.connect(self.failed)
        for ended in (request.replied, request.failed, request.dropped):
            ended.connect(request.deleteLater)
        request.send(command)

    def lose_engine(self) -> None:
        """Close all runs after the end of the engine, and mark the run in training as interrupted."""
        self.opened.clear()
        for run in tuple(self._opening):
            self._end_opening(run)
        for info in self.runs:
            if info.status in ("running", "paused"):
                self._update(info.run, status="interrupted")
        self.engine_lost.emit()
        self._set_live("")
        self.changed.emit()

    def _on_catalog(self, catalog: Catalog) -> None:
        if self.opened or self._opening or self.live:
            self.lose_engine()
        self.catalog = catalog
        self.checkpoints.send_again()
        self.catalog_arrived.emit()
        self.refresh()

    def _on_runs_listed(self, event: RunsListed) -> None:
        """Take a part of the list; panels follow with the first, which has the newest runs, and the last."""
        before = {run: self._runs.get(run) for run in self.opened}
        self._runs.update(event.runs)
        self._runs.remove(self._parts.gone(event, self._runs.names()))
        if event.last:
            self.home, self.problems, self._list_state = event.home, event.problems, event.state
            self.examples_home = event.examples
            self.checkpoints.choose_due()
        self.left = event.left
        if event.last or self._parts.is_first:
            self.changed.emit()
        elif event.left:
            self.reading.emit()
        for run, known in before.items():
            info = self.info(run)
            if run != self.live and known is not None and info is not None and _trained_on(known, info):
                self._send_open(
                    run, self._curves.since(known, info)
                )  # by another program: its curves are older than it is

    def _on_run_opened(self, event: RunOpened) -> None:
        self._end_opening(event.info.run)
        self.opened[event.info.run] = event
        self._put(event.info)
        if event.live:
            self._set_live(event.info.run, "paused" if event.info.status == "paused" else "running")
        self.changed.emit()
        self.run_opened.emit(event)

    def _on_run_described(self, event: RunDescribed) -> None:
        self._put(event.info)
        self.edited.take_from_trash(event.info.run)  # where it came from, if it was there
        self.changed.emit()

    def _on_run_trashed(self, event: RunTrashed) -> None:
        info = self._runs.get(event.run)
        self._runs.remove([event.run])
        self.opened.pop(event.run, None)
        self.checkpoints.forget(event.run)
        self._end_opening(event.run)
        title = info.title if info is not None else event.run
        self.edited.put_in_trash(event, title)
        self.changed.emit()
        self.trashed.emit(event, title)

    def _on_training_changed(self, event: TrainingChanged) -> None:
        self._update(event.run, status=event.status, step=event.step, message=event.message)
        if event.status == "running" or event.status == "paused":
            self._set_live(event.run, event.status)
        elif self.live == event.run:
            self._set_live("")
        self.changed.emit()

    def _on_checkpoint_saved(self, event: CheckpointSaved) -> None:
        info = self.info(event.run)
        if info is None:
            return
        steps = event.steps or tuple(sorted({*info.checkpoint_steps, event.step}))
        kept = tuple(sorted({*info.kept_steps, event.step})) if event.kept else info.kept_steps
        if (steps, kept) != (info.checkpoint_steps, info.kept_steps):
            self._update(event.run, checkpoint_steps=steps, kept_steps=kept)
            self.changed.emit()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        self._end_opening(run)
        self.open_failed.emit(run, failure)

    def _end_opening(self, run: str) -> None:
        request = self._opening.pop(run, None)
        if request is not None:
            request.drop()
            request.deleteLater()

    @property
    def arriving(self) -> bool:
        """The first part of the first list is awaited, or a list of many runs arrives or is taken over by panels.

        Not while the engine still reads runs for it from the disk, which may take long.
        """
        awaited = self._listing.busy and not self.home
        return awaited or self.turns.waiting or (self._parts.incomplete and not self.left)

    def _num_expected(self) -> int:
        """Number of runs; many, while a list arrives in parts."""
        return max(len(self._runs), MANY if self._parts.incomplete else 0)

    def _put(self, info: RunInfo) -> None:
        self._runs[info.run] = info
        self._parts.note(info.run)

    def _update(self, run: str, **values: object) -> None:
        if (info := self._runs.get(run)) is not None:
            self._put(msgspec.structs.replace(info, **values))

    def _set_live(self, run: str, status: LiveStatus = "idle") -> None:
        self.live_status = status
        if run != self.live:
            self.live = run
            self.live_changed.emit(run)


def _trained_on(known: RunInfo, info: RunInfo) -> bool:
    """Return whether a run was trained, or began or ended training, since a description of it was made."""
    return (known.step, known.status, known.checkpoint_steps) != (info.step, info.status, info.checkpoint_steps)
