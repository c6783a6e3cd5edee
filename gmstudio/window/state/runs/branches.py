"""Branches in the window: the family tree of a run, and the settings of its next branch."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.runs import RunInfo, RunOpened
from gmstudio.protocol.runs_branching import BranchRun, FindFixedSettings, FixedSettingsFound
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.family_tree import TreeRun, family_tree
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.steps import nearest

PARTS = ("config", "training")
Values = dict[str, Any]


class BranchesState(QObject):
    """Family tree of the panel's run, and the branch that is set up.

    Args:
        runs: state of the panel.

    Attributes:
        values: ``config`` and ``training`` → settings of the branch, all of them; typed text where it is invalid.
        errors: likewise, field → why a value is invalid.
        problem: why the last branch could not be made; empty: nothing.

    Signals:
        tree_changed: the tree, or a run in it, changed.
        base_changed: the branch begins at another run or checkpoint, and the forms begin anew.
        changed: the settings, what can be done, or the problem changed.
    """

    tree_changed = Signal()
    base_changed = Signal()
    changed = Signal()

    def __init__(self, runs: RunsState) -> None:
        super().__init__(runs)
        self._runs, self._library = runs, runs.library
        self._step: int | None = None
        self.values: dict[str, Values] = {part: {} for part in PARTS}
        self.errors: dict[str, dict[str, str]] = {part: {} for part in PARTS}
        self._refused: dict[str, str] = {}
        self.problem = ""
        self._fixed: dict[str, str] = {}
        self._fixed_of: object = None
        self._base: tuple[str, int | None] = ("", None)
        self._first: dict[str, Values] = {}
        self._sending = Request(runs.link, self)
        self._sending.replied.connect(self._on_made)
        self._sending.failed.connect(self._on_failed)
        self._sending.dropped.connect(self.changed)
        self._sending.loading_changed.connect(self.changed)
        self._finding = Request(runs.link, self)
        self._finding.replied.connect(self._on_found)
        for ended in (self._finding.failed, self._finding.dropped):
            ended.connect(self._forget_fixed)
        runs.edits.add_part("branch", self._snapshot, self._restore)
        runs.run_changed.connect(self._on_run_changed)
        self._library.changed.connect(self._on_library_changed)
        self._library.schedule_chosen.connect(self._on_schedule_chosen)
        self._set_base()

    # ---- the tree ------------------------------------------------------------------------------------------------

    @property
    def info(self) -> RunInfo | None:
        """Description of the run that is branched from."""
        return self._library.info(self._runs.run) if self._runs.run else None

    @property
    def tree(self) -> tuple[TreeRun, ...]:
        """Family tree of the run."""
        return family_tree(self._library.runs, self._runs.run)

    # ---- the branch ----------------------------------------------------------------------------------------------

    @property
    def step(self) -> int | None:
        """Checkpoint at which the branch begins; None: the run has none."""
        info = self.info
        steps = info.checkpoint_steps if info is not None else ()
        return nearest(steps, self._step)

    def choose_step(self, step: int) -> None:
        """Begin at the checkpoint that is nearest to a step; what was set stays."""
        with self._runs.edits.recording("Choose a checkpoint to branch from", key="branch step"):
            before = {part: self.parent_values(part) for part in PARTS}
            set_ = {
                part: {name: value for name, value in self.values[part].items() if value != before[part].get(name)}
                for part in PARTS
            }
            self._step = step
            self._set_base(set_)

    @property
    def entry(self) -> FamilyEntry | None:
        """Catalog's entry of the family; None while there is none."""
        info = self.info
        families = self._library.catalog.families if self._library.catalog is not None else ()
        return next((one for one in families if info is not None and one.card.name == info.spec.family), None)

    @property
    def training_schema(self) -> Values:
        """Schema of the training settings."""
        return self._library.catalog.training_schema if self._library.catalog is not None else {"properties": {}}

    def _settings(self, part: str) -> Values:
        """Settings of the run; those that an earlier version did not write have their defaults."""
        info, entry = self.info, self.entry
        if info is None:
            return {}
        schema = self.training_schema if part == "training" else entry.config_schema if entry is not None else {}
        defaults = {name: prop.get("default") for name, prop in schema.get("properties", {}).items()}
        return defaults | (info.spec.training if part == "training" else info.spec.config)

    def parent_values(self, part: str) -> Values:
        """Return the settings that a branch without changes has; ``steps`` leaves some to be made."""
        values, info, step = self._settings(part), self.info, self.step
        if part == "training" and info is not None and step is not None and info.training.steps <= step:
            values["steps"] = step + info.training.steps
        return values

    def set_values(self, part: str, values: Values, errors: dict[str, str]) -> None:
        """Take the settings of a form."""
        with self._runs.edits.recording("Change a setting of the branch", key=f"branch {part}"):
            self.values[part], self.errors[part] = dict(values), dict(errors)
            self._refused = {}
            self.problem = ""
            self.changed.emit()

    def changes(self, part: str) -> Values:
        """Return the settings that differ from those of the run."""
        before = self._settings(part)
        return {name: value for name, value in self.values[part].items() if value != before.get(name)}

    def refusals(self, part: str) -> dict[str, str]:
        """Return the engine's refusals of fields."""
        prefix = f"{part}."
        return {name.removeprefix(prefix): text for name, text in self._refused.items() if name.startswith(prefix)}

    def fixed(self, part: str) -> dict[str, str]:
        """Return the settings that no branch of the run can change, and why; empty while they are not known."""
        prefix = f"{part}."
        return {name.removeprefix(prefix): text for name, text in self._fixed.items() if name.startswith(prefix)}

    def find_fixed(self) -> None:
        """Ask which settings the checkpoints of the run fix, unless that is known."""
        info = self.info
        about = (info.run, info.spec) if info is not None else None
        if about == self._fixed_of:
            return
        self._fixed_of, self._fixed = about, {}
        self._finding.drop()
        if info is not None:
            self._finding.send(FindFixedSettings(run=info.run))
        self.changed.emit()

    @property
    def loading(self) -> DataLoading | None:
        """Progress of loading the data of the branch."""
        return self._sending.loading

    @property
    def busy(self) -> bool:
        """A branch is being made."""
        return self._sending.busy

    @property
    def can_branch(self) -> bool:
        """There is a checkpoint, and the settings are valid as far as is known."""
        return self.step is not None and self.entry is not None and not self.busy and not any(self.errors.values())

    @property
    def waits(self) -> bool:
        """A branch that is made now waits, as another run is in training."""
        return bool(self._library.live)

    def branch(self) -> None:
        """Make the branch, and train it where no run is in training."""
        step = self.step
        if self.can_branch and step is not None:
            self.problem, self._refused = "", {}
            training, config = self.changes("training"), self.changes("config")
            self._sending.send(BranchRun(run=self._runs.run, step=step, training=training, config=config))
            self.changed.emit()

    # ---- events --------------------------------------------------------------------------------------------------

    def _set_base(self, set_: dict[str, Values] | None = None) -> None:
        """Begin the settings anew from those of the run, but for those that were set."""
        self._base = (self._runs.run, self.step)
        self._first = {part: self.parent_values(part) for part in PARTS}
        self.values = {part: self._first[part] | (set_ or {}).get(part, {}) for part in PARTS}
        self.errors = {part: {} for part in PARTS}
        self._refused, self.problem = {}, ""
        self.base_changed.emit()
        self.changed.emit()

    def _on_run_changed(self) -> None:
        self._step = None
        with self._runs.edits.unrecorded():
            self._set_base()
        self.tree_changed.emit()

    def _on_library_changed(self) -> None:
        """Follow a newer checkpoint, and settings that are changed, only as long as nothing was set."""
        self.tree_changed.emit()
        untouched = self.values == self._first
        moved = self._base != (self._runs.run, self.step)
        changed = self._first != {part: self.parent_values(part) for part in PARTS}  # while the run trained
        if (moved or changed) and (untouched or self._base[1] is None):
            self._set_base()
        self.changed.emit()

    def _on_made(self, event: object) -> None:
        if isinstance(event, RunOpened):
            self._runs.choose_run(event.info.run)

    def _on_schedule_chosen(self, command: object, event: object) -> None:
        """Show the branch that was made once the question on its learning rate had been answered."""
        if command is self._sending.command:
            self._on_made(event)

    def _on_found(self, event: object) -> None:
        if isinstance(event, FixedSettingsFound):
            self._fixed = event.fields
            self.changed.emit()

    def _forget_fixed(self) -> None:
        """Ask anew with the next run, or when the page is shown again."""
        self._fixed_of = None

    def _on_failed(self, failure: CommandFailed) -> None:
        command = self._sending.command
        if failure.reason is Reason.SCHEDULE_OPEN:
            self._library.schedule_asked.emit(command, failure.message)
        elif failure.reason is not Reason.ENGINE_GONE:
            self._refused = dict(failure.fields)
            self.problem = failure.message
        self.changed.emit()

    def _snapshot(self) -> tuple[object, ...]:
        return self._runs.run, self._step, *(tuple(sorted(self.values[part].items())) for part in PARTS)

    def _restore(self, content: tuple[Any, ...]) -> None:
        run, step, *values = content
        if run == self._runs.run:
            self._step = step
            self.values = {part: dict(items) for part, items in zip(PARTS, values, strict=True)}
            self.errors = {part: {} for part in PARTS}
            self.base_changed.emit()
            self.changed.emit()
