"""Weights of other programs in the window: the file, family and settings that they fill, the mapping, the import."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_files import FileProgressed
from gmstudio.protocol.runs_foreign import (
    ImportWeights,
    PreviewWeights,
    WeightsImported,
    WeightsPreviewed,
)
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState

PARTS = ("config", "data_config")
PAGE = "weights"
Values = dict[str, Any]


class WeightsState(QObject):
    """A file of weights that becomes a run.

    Args:
        runs: state of the panel.

    Attributes:
        file: whole path of the file, or "".
        family: name of the family that the weights are of.
        data: name of the data source.
        values: ``config`` and ``data_config`` → settings that were changed.
        mapping: TOML that maps their names; None: the engine proposes one.
        accepted: the warning about this file of torch was accepted.
        preview: what the engine found; None: nothing yet.
        problem: the last failure, a sentence; empty: none.
        share: part of the import that is done; negative: none is under way.

    Signals:
        chosen: another file, family or data source, so that forms begin anew.
        changed: what was found, the problem or the progress changed.
        imported: name of the new run.
    """

    chosen = Signal()
    changed = Signal()
    imported = Signal(str)

    def __init__(self, runs: RunsState) -> None:
        super().__init__(runs)
        self._runs = runs
        self.file = self.family = self.data = ""
        self.values: dict[str, Values] = {part: {} for part in PARTS}
        self.mapping: str | None = None
        self.accepted = False
        self.preview: WeightsPreviewed | None = None
        self.problem = ""
        self.share = -1.0
        self._previews = LatestWins(runs.link, self)
        self._previews.replied.connect(self._on_previewed)
        self._previews.failed.connect(self._on_failed)
        self._importing = Request(runs.link, self)
        self._importing.replied.connect(self._on_import)
        self._importing.failed.connect(self._on_failed)
        self._importing.dropped.connect(self._on_dropped)
        runs.edits.add_part(PAGE, self._snapshot, self._restore)
        runs.keep(PAGE, lambda: {"family": self.family, "data": self.data}, self._restore_choices)
        runs.library.changed.connect(self._choose_first)
        self._choose_first()

    # ---- what can be chosen ----------------------------------------------------------------------------------------

    @property
    def families(self) -> tuple[FamilyEntry, ...]:
        """Families of the catalog."""
        catalog = self._runs.library.catalog
        return catalog.families if catalog is not None else ()

    @property
    def sources(self) -> tuple[DataEntry, ...]:
        """Data sources of the catalog."""
        catalog = self._runs.library.catalog
        return catalog.data if catalog is not None else ()

    @property
    def elsewhere(self) -> str:
        """Reason why no file can be chosen here, a sentence; empty: the engine reads the files of this computer."""
        return self._runs.library.elsewhere

    def schema(self, part: str) -> Values:
        """Schema of the settings of the family (``config``) or the data source (``data_config``)."""
        if part == "config":
            return next(
                (one.config_schema for one in self.families if one.card.name == self.family), {"properties": {}}
            )
        return next((one.config_schema for one in self.sources if one.name == self.data), {"properties": {}})

    @property
    def can_import(self) -> bool:
        """The mapping fills the whole model, and nothing is under way."""
        found = self.preview
        whole = found is not None and bool(found.theirs) and not (found.differences or found.problem)
        return whole and not self.problem and not self._previews.busy and not self._importing.busy

    # ---- choices ---------------------------------------------------------------------------------------------------

    def choose_file(self, path: str) -> None:
        """Map another file of weights, which the engine can read."""
        if self.elsewhere:
            self.problem = self.elsewhere
            self.changed.emit()
            return
        self.file, self.accepted, self.mapping = path, False, None
        self.chosen.emit()
        self._request()

    def choose_family(self, family: str) -> None:
        """Map to another family, with its default settings."""
        with self._runs.edits.recording("Choose the family of weights", of_run=False):
            self._set(family, self.data, {**self.values, "config": {}})

    def choose_data(self, data: str) -> None:
        """Use other data, which decide the size and levels of the images."""
        with self._runs.edits.recording("Choose the data of weights", of_run=False):
            self._set(self.family, data, {**self.values, "data_config": {}})

    def set_values(self, part: str, values: Values) -> None:
        """Set the settings of the family or the data source."""
        if values != self.values[part]:
            with self._runs.edits.recording("Set the settings of weights", key=f"weights {part}", of_run=False):
                self.values = {**self.values, part: dict(values)}
            self.mapping = None
            self._request()

    def set_mapping(self, text: str) -> None:
        """Compare another mapping with the model."""
        if text != self.mapping and (self.preview is None or text != self.preview.mapping):
            self.mapping = text
            self._request()

    def propose(self) -> None:
        """Let the engine propose the mapping anew."""
        self.mapping = None
        self._request()

    def accept(self) -> None:
        """Accept the warning about this file of torch."""
        self.accepted = True
        self._request()

    def import_run(self) -> None:
        """Make a run of the weights."""
        if self.can_import and self.preview is not None:
            self.share = 0.0
            command = ImportWeights(
                path=self.file, spec=self._spec, accepted=self.accepted, mapping=self.preview.mapping
            )
            self._importing.send(command)
            self.changed.emit()

    # ---- requests --------------------------------------------------------------------------------------------------

    @property
    def _spec(self) -> RunSpec:
        return RunSpec(family=self.family, data=self.data, **self.values)

    def _request(self) -> None:
        self.problem = ""
        if self.file and self.family and self.data:
            command = PreviewWeights(path=self.file, spec=self._spec, accepted=self.accepted, mapping=self.mapping)
            self._previews.submit(command)
        self.changed.emit()

    def _on_previewed(self, event: Event) -> None:
        if isinstance(event, WeightsPreviewed):
            self.preview, self.problem = event, ""
            self.changed.emit()

    def _on_import(self, event: Event) -> None:
        if isinstance(event, FileProgressed):
            self.share = event.share
            self.changed.emit()
        elif isinstance(event, WeightsImported):
            self.share = -1.0
            self.changed.emit()
            self._runs.choose_run(event.info.run)
            self.imported.emit(event.info.run)

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem, self.share = failure.message, -1.0
        self.changed.emit()

    def _on_dropped(self) -> None:
        self.share = -1.0
        self.changed.emit()

    # ---- keeping ---------------------------------------------------------------------------------------------------

    def _choose_first(self) -> None:
        """Choose what the catalog has first, until something is chosen."""
        if self.families and self.sources and not self.family:
            first = self.families[0]
            self._set(
                first.card.name, self.data or (first.start.data if first.start else self.sources[0].name), self.values
            )

    def _set(self, family: str, data: str, values: dict[str, Values]) -> None:
        if (family, data, values) != (self.family, self.data, self.values):
            self.family, self.data, self.values, self.mapping = family, data, values, None
            self.chosen.emit()
            self._request()

    def _snapshot(self) -> tuple[str, str, dict[str, Values]]:
        return self.family, self.data, self.values

    def _restore(self, kept: tuple[str, str, dict[str, Values]]) -> None:
        self._set(*kept)

    def _restore_choices(self, values: dict[str, Any]) -> None:
        family, data = values.get("family"), values.get("data")
        if isinstance(family, str) and isinstance(data, str):
            self.family, self.data = family, data
