"""Changes of settings of the run in training, and more steps for a run, from the Train panel."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.config import live_fields
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunChange, RunInfo
from gmstudio.protocol.training import ChangeTraining
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.runs.library import RunLibrary

PARTS = ("config", "training")
APART = ("steps",)
"""Training settings that are changed by ``prolong``, and not in the form."""
Values = dict[str, Any]


class LiveChanges(QObject):
    """Settings of the run in training that can be changed from its next step on.

    Args:
        events: connection to the engine.
        library: library of runs.

    Attributes:
        values: ``config`` and ``training`` → values in the forms.
        errors: likewise, field → why a value is invalid.
        problem: why the last change was refused; empty: nothing.
        edits: changes that were made; while the run trains, undoing one sets the values of before for further steps.

    Signals:
        run_changed: another run is in training, or its settings are others now; the forms begin anew.
        changed: the values, what can be done, or the problem changed.
    """

    run_changed = Signal()
    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.values: dict[str, Values] = {part: {} for part in PARTS}
        self.errors: dict[str, dict[str, str]] = {part: {} for part in PARTS}
        self.problem = ""
        self._refused: dict[str, str] = {}
        self._base: tuple[object, ...] = ()
        self._sending = Request(events, self)
        self._sending.failed.connect(self._on_failed)
        self._sending.replied.connect(self._record)
        for ended in (self._sending.replied, self._sending.dropped):
            ended.connect(self.changed)
        self.edits = EditRecorder(self)
        self.edits.add_part("settings", self._present, self._set_back)
        self.edits.about_run(lambda: library.live, lambda _run: None, lambda run: run == library.live)
        self._sent_from: dict[str, Values] = {}
        library.schedule_chosen.connect(self._on_schedule_chosen)
        library.changed.connect(self._follow)
        library.engine_lost.connect(self._sending.drop)

    @property
    def info(self) -> RunInfo | None:
        """Run in training; None: there is none."""
        return self._library.info(self._library.live) if self._library.live else None

    @property
    def made(self) -> tuple[RunChange, ...]:
        """Changes that were made to the run in training, in their order."""
        opened = self._library.opened.get(self._library.live)
        return opened.changes if opened is not None else ()

    def schema(self, part: str) -> Values:
        """Return the schema of the settings that can be changed."""
        info, catalog = self.info, self._library.catalog
        if info is None or catalog is None:
            return {"properties": {}}
        entry = next((one for one in catalog.families if one.card.name == info.spec.family), None)
        whole = catalog.training_schema if part == "training" else entry.config_schema if entry is not None else {}
        if not whole.get("properties"):
            return {"properties": {}}
        names = [name for name in live_fields(whole) if not (part == "training" and name in APART)]
        # Nothing is folded away: there are few, and each was asked for.
        return {"properties": {name: {**whole["properties"][name], "advanced": False} for name in names}}

    def present(self, part: str) -> Values:
        """Return the values that the run trains with."""
        info = self.info
        known = {} if info is None else info.spec.training if part == "training" else info.spec.config
        return {name: known.get(name, prop.get("default")) for name, prop in self.schema(part)["properties"].items()}

    def set_values(self, part: str, values: Values, errors: dict[str, str]) -> None:
        """Take the values of a form."""
        self.values[part], self.errors[part] = dict(values), dict(errors)
        self.problem, self._refused = "", {}
        self.changed.emit()

    def changes(self, part: str) -> Values:
        """Return the values that differ from those the run trains with."""
        present = self.present(part)
        return {name: value for name, value in self.values[part].items() if value != present.get(name)}

    def refusals(self, part: str) -> dict[str, str]:
        """Return the engine's refusals of fields."""
        prefix = f"{part}."
        return {name.removeprefix(prefix): text for name, text in self._refused.items() if name.startswith(prefix)}

    @property
    def can_apply(self) -> bool:
        """A value differs, all are valid as far as is known, and no change is under way."""
        differs = any(self.changes(part) for part in PARTS)
        return self.info is not None and differs and not any(self.errors.values()) and not self._sending.busy

    def apply(self) -> None:
        """Train on with these values."""
        if self.can_apply:
            self._send(self.changes("training"), self.changes("config"))

    def prolong(self, steps: int) -> None:
        """Let the run in training make so many steps more than it would."""
        info = self.info
        if info is not None and not self._sending.busy:
            self._send({"steps": info.training.steps + steps}, {})

    def _send(self, training: Values, config: Values) -> None:
        self.problem, self._refused, self._sent_from = "", {}, self._present()
        self._sending.send(ChangeTraining(run=self._library.live, training=training, config=config))
        self.changed.emit()

    # ---- undo ----------------------------------------------------------------------------------------------------

    def _present(self) -> dict[str, Values]:
        """Values that the run trains with, its number of steps included."""
        info = self.info
        steps = {"steps": info.training.steps} if info is not None else {}
        return {"config": self.present("config"), "training": self.present("training") | steps}

    def _record(self, _reply: object) -> None:
        """Record the change that the engine has carried out."""
        command, before, self._sent_from = self._sending.command, self._sent_from, {}
        if isinstance(command, ChangeTraining) and before:
            made = {"config": command.config, "training": command.training}
            changed = {part: {name: before[part].get(name) for name in values} for part, values in made.items()}
            names = ", ".join(name.replace("_", " ") for values in made.values() for name in values)
            self.edits.record(f"Change {names}", "", {"settings": changed}, {"settings": made}, run=command.run)

    def _on_schedule_chosen(self, command: object, reply: object) -> None:
        if command is self._sending.command:
            self._record(reply)

    def _set_back(self, content: dict[str, Values]) -> None:
        """Train on with the values of before, or again with the changed ones."""
        self._send(content["training"], content["config"])
        self._sent_from = {}

    # ---- events --------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Begin anew with another run, or with settings that were changed."""
        info = self.info
        base = (self._library.live, info.spec if info is not None else None, self._library.catalog)
        if base != self._base:
            self._base = base
            self.values = {part: self.present(part) for part in PARTS}
            self.errors = {part: {} for part in PARTS}
            self.run_changed.emit()
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.SCHEDULE_OPEN:
            self._library.schedule_asked.emit(self._sending.command, failure.message)
        elif failure.reason is not Reason.ENGINE_GONE:
            self.problem, self._refused = failure.message, dict(failure.fields)
        self.changed.emit()
