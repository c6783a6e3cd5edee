"""State of the Foundations panel: the laboratories with their settings, the exercises, and which page is shown."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.exercises import Exercise
from gmstudio.protocol.labs import LabEntry
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import Burst, EditRecorder
from gmstudio.window.state.labs.exercise_work import ExerciseWork
from gmstudio.window.state.labs.settings import LabSettings, Numbers
from gmstudio.window.state.labs.work import LabWork
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.runs.library import RunLibrary

PANEL = "labs"
"""Name of the panel."""
NO_SUCH_PAGE = "There is no laboratory or exercise {!r}; the contents have all there are."


class LabsState(QObject):
    """State of the Foundations panel.

    Attributes:
        labs: laboratories of the engine, in their order; none until it has started.
        exercises: exercises, in their order.
        name: name of the lab that is shown, or was before the exercise; empty: none yet.
        exercise: exercise that is shown in place of the lab; None: none.
        work: the lab.
        doing: the exercise that is done.
        edits: recorder of what the user changes.

    Signals:
        labs_changed: the engine's labs arrived.
        selected: another lab or exercise is shown.
    """

    labs_changed = Signal()
    selected = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.labs: tuple[LabEntry, ...] = ()
        self.exercises: tuple[Exercise, ...] = ()
        self.exercise: Exercise | None = None
        self.name = ""
        self._wanted = self._wanted_lab = self._missing = ""
        self._active = self._due = self._apply = False
        self._settings: dict[str, LabSettings] = {}
        self._bursts: dict[str, Burst] = {}
        self.edits = EditRecorder(self)
        self.work = LabWork(events, self._models, self)
        self.doing = ExerciseWork(events, library, self)
        library.catalog_arrived.connect(self._on_catalog)
        library.changed.connect(self._show_due)
        if library.catalog is not None:
            self._on_catalog()

    # ---- what is shown -------------------------------------------------------------------------------------------

    def entry(self, name: str) -> LabEntry | None:
        """Lab of a name; None: the engine has none."""
        return next((entry for entry in self.labs if entry.card.name == name), None)

    def select(self, name: str) -> None:
        """Show a lab as it was left, or an exercise; before the engine has started it is shown then."""
        self._wanted, self._missing = name, ""
        exercise = next((exercise for exercise in self.exercises if exercise.name == name), None)
        if exercise is not None:
            self.exercise = exercise
            self.selected.emit()
        elif self.entry(name) is not None:
            self.exercise = None
            if name != self.name:
                self._show(name)
            else:
                self.selected.emit()
        elif self._library.catalog is not None:
            self._missing = NO_SUCH_PAGE.format(name)
            self.work.report(self._missing)

    @property
    def page(self) -> str:
        """Name of the exercise or the lab that is shown."""
        return self.exercise.name if self.exercise is not None else self.name

    def family_title(self, family: str) -> str:
        """Title of a family of the engine, or its name where the engine does not have it."""
        families = self._library.catalog.families if self._library.catalog is not None else ()
        return next((entry.card.title for entry in families if entry.card.name == family), family)

    def source_title(self, source: str) -> str:
        """Title of a data source of the engine, or its name where the engine does not have it."""
        sources = self._library.catalog.data if self._library.catalog is not None else ()
        return next((entry.title for entry in sources if entry.name == source), source)

    def set_active(self, active: bool) -> None:
        """Open the lab once the panel is on the screen."""
        self._active = active
        self._show_due()

    def runs_for(self, family: str) -> list[RunInfo]:
        """Runs with weights whose model a lab can use for a family, the user's own first."""
        runs = [info for info in self._library.runs_with("") if info.spec.family == family]
        return sorted(runs, key=lambda info: info.example)

    def _show(self, name: str, *, apply: bool = False) -> None:
        self.name, self._due, self._apply = name, True, apply
        self._show_due()
        self.selected.emit()

    def _show_due(self) -> None:
        """Open the lab that is due, once the panel is on the screen and the runs that the lab may use are known."""
        entry = self.entry(self.name)
        if self._due and self._active and entry is not None and (self._library.home or not entry.card.families):
            self._due = False
            self.work.show(entry, self.settings(self.name), apply=self._apply)
            if self._missing:
                self.work.report(self._missing)

    def settings(self, name: str) -> LabSettings:
        """Settings of a lab; its edits are recorded from the first call on."""
        if name not in self._settings:
            self._settings[name] = LabSettings()
        part = f"lab {name}"
        if not self.edits.has_part(part):
            self.edits.add_part(part, self._settings[name].snapshot, partial(self._restore, name))
        return self._settings[name]

    def _restore(self, name: str, snapshot: Any) -> None:
        """Undo or redo an edit of a lab, which is shown."""
        self._settings[name].restore(snapshot)
        self.exercise = None
        if name == self.name and self.work.entry is not None:
            self.work.apply()
            self.selected.emit()
        else:
            self._show(name, apply=True)

    # ---- changing ------------------------------------------------------------------------------------------------

    def set_config(self, values: dict[str, Any], errors: dict[str, str]) -> None:
        """Take the settings of the form, unless the text of a field is invalid."""
        if errors or values == self.work.settings.config:
            return
        before = self.work.settings.config
        changed = next((name for name, value in values.items() if value != before.get(name)), "")
        with self.edits.recording("Change settings", self._key(f"config {changed}")):
            self.work.settings.config = dict(values)
        self.work.configure()

    def edit(self, name: str, values: Numbers) -> None:
        """Take numbers of an input that was dragged, clicked or typed."""
        if name not in self.work.settings.inputs:
            return
        with self.edits.recording(f"Change {name.replace('_', ' ')}", self._key(f"input {name}")):
            self.work.settings.inputs = {**self.work.settings.inputs, name: np.array(values, np.float64)}
        self.work.edit(name)

    def set_seed(self, seed: int) -> None:
        """Begin the lab anew with other random numbers, and with the same settings and inputs."""
        if self.work.entry is not None and seed != self.work.settings.seed:
            with self.edits.recording("Other random numbers"):
                self.work.settings.seed = seed
            self.work.restart()

    def set_model(self, family: str, run: str) -> None:
        """Begin the lab anew with the model of another run; empty: the ready example."""
        models = {name: path for name, path in self.work.settings.models.items() if name != family}
        models |= {family: run} if run else {}
        if self.work.entry is not None and models != self.work.settings.models:
            with self.edits.recording("Choose a run"):
                self.work.settings.models = models
            self.work.restart()

    def reset(self) -> None:
        """Begin the lab anew with its default settings, inputs and random numbers."""
        if self.work.entry is not None:
            with self.edits.recording("Reset"):
                self.work.settings.clear()
            self.work.restart()

    def _key(self, what: str) -> str:
        """Key of an edit: the same one for changes of the same thing in quick succession."""
        return f"{self.name} {what} {self._bursts.setdefault(what, Burst()).move(held=False)}"

    # ---- the window ----------------------------------------------------------------------------------------------

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """Every lab and every exercise by name."""
        for entry in self.labs:
            card = entry.card
            show = partial(self.select, card.name)
            yield PaletteEntry(f"lab:{card.name}", card.title, "Laboratory", show, detail=card.question, panel=PANEL)
        for exercise in self.exercises:
            show, origin = partial(self.select, exercise.name), f"{exercise.course}, {exercise.number}"
            yield PaletteEntry(
                f"exercise:{exercise.name}", exercise.title, "Exercise", show, detail=origin, panel=PANEL
            )

    def choices(self) -> dict[str, Any]:
        """The lab that is shown and the settings of all, as JSON values, kept from one start to the next."""
        return {
            "page": self.page or self._wanted,
            "lab": self.name,
            "values": self.doing.to_json(),
            "settings": {name: settings.to_json() for name, settings in self._settings.items()},
        }

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take choices that were kept."""
        kept = values.get("settings")
        for name, settings in kept.items() if isinstance(kept, dict) else ():
            self._settings.setdefault(str(name), LabSettings.from_json(settings))
        self.doing.from_json(values.get("values"))
        self._wanted = self._wanted or _text(values.get("page"))
        self._wanted_lab = _text(values.get("lab"))
        if self.labs:
            self._on_catalog()

    # ---- engine and library --------------------------------------------------------------------------------------

    def _models(self, entry: LabEntry, settings: LabSettings) -> dict[str, str]:
        """Run of each family that a lab uses: the chosen one while it is there, else the ready example."""
        found = {}
        named = dict(zip(entry.card.families, entry.card.examples, strict=False))
        for family in entry.card.families:
            chosen = settings.models.get(family, "")
            known = self._library.info(chosen) is not None
            found[family] = chosen if known else self._library.example(family, named.get(family, ""))
        return {family: run for family, run in found.items() if run}

    def _on_catalog(self) -> None:
        catalog = self._library.catalog
        if catalog is None:
            return
        self.labs, self.exercises = catalog.labs, catalog.exercises
        if self.exercise is not None:
            self.exercise = next((found for found in self.exercises if found.name == self.page), None)
        self.labs_changed.emit()
        names = [entry.card.name for entry in self.labs]
        name = next((name for name in (self._wanted, self.name, self._wanted_lab, *names) if name in names), "")
        if name:
            self._show(name)
        if self._wanted and self._wanted != name:
            self.select(self._wanted)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
