"""Runs that the Plane panel offers to train: families that propose settings for points, on a made set."""

from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

SHAPE = "shape"
GIVEN_BY_HAND = ("drawn", "picture", "csv")
"""Shapes that need a drawing or a file first."""


class TrainingOffers(QObject):
    """Starts a run on points with the settings that a family proposes.

    Attributes:
        problem: reason why the last run could not be started, or "".

    Signals:
        changed: the offers, ``unavailable`` or ``problem`` changed.
        started: name of a run that was started here.
    """

    changed = Signal()
    started = Signal(str)

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        self._library = library
        self._starting = Request(events, self)
        self._starting.replied.connect(self._on_started)
        self._starting.dropped.connect(self.changed)
        self._starting.failed.connect(self._on_failed)
        library.catalog_arrived.connect(self.changed)
        library.changed.connect(self.changed)
        library.live_changed.connect(lambda _run: self.changed.emit())

    @property
    def ready(self) -> bool:
        """The engine has started, and the runs are listed."""
        return bool(self._library.home)

    @property
    def families(self) -> tuple[FamilyEntry, ...]:
        """Families that propose settings for points."""
        catalog = self._library.catalog
        return tuple(entry for entry in catalog.families if entry.start_on_points is not None) if catalog else ()

    def shapes(self) -> dict[str, str]:
        """Made sets of points: value of the setting ``shape`` → title, its default first; empty before the catalog."""
        source = self._source()
        if source is None:
            return {}
        setting = source.config_schema["properties"].get(SHAPE, {})
        titles = setting.get("labels", {})
        values = [value for value in setting.get("enum", []) if value not in GIVEN_BY_HAND]
        values.sort(key=lambda value: value != setting.get("default"))
        return {value: titles.get(value, value) for value in values}

    @property
    def unavailable(self) -> str:
        """Reason why no run can be started now, a sentence; "": one can."""
        if self._starting.busy:
            return "A run is being started."
        return "A run is in training; stop it, or wait until it ends." if self._library.live else ""

    def start(self, family: str, data_config: dict[str, Any]) -> None:
        """Train a family with its settings for points.

        Args:
            family: name of one of ``families``.
            data_config: settings of the points that differ from those that the family proposes.
        """
        entry = next(entry for entry in self.families if entry.card.name == family)
        proposed = entry.start_on_points
        assert proposed is not None
        if not self.unavailable:
            spec: RunSpec = msgspec.structs.replace(proposed, data_config={**proposed.data_config, **data_config})
            self.problem = ""
            self._starting.send(StartTraining(spec=spec))
            self.changed.emit()

    def _source(self) -> DataEntry | None:
        names = {entry.start_on_points.data for entry in self.families if entry.start_on_points is not None}
        catalog = self._library.catalog
        return next((source for source in catalog.data if source.name in names), None) if catalog else None

    def _on_started(self, event: RunOpened) -> None:
        self.changed.emit()
        self.started.emit(event.info.run)

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
