"""Setup of the next run: family, data and settings, and the engine's check of them."""

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.data import BrowseData, DataBrowsed, DataEntry, DataLoading, DescribeModel, ModelDescribed
from gmstudio.protocol.data_import import DataSetInfo
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.families import FamilyEntry, Objective
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.data.settings_split import FOLDER, IMAGES, POINTS
from gmstudio.window.state.edits import EditRecorder, drag_key
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.remembered_settings import Owned, RememberedSettings, Values, defaults_of

QUIET_MS = 250
"""Pause in typing after which the settings are sent to the engine."""
PREVIEW_IMAGES, PREVIEW_POINTS = 16, 1000

_Content = tuple[str, str, bool, Owned]
"""Family, data source, whether the data were chosen, and the values of each part by the name of its owner."""


class TrainingSetup(QObject):
    """Choices for the next run.

    Values are remembered for each family and data source, also after a restart of the engine.

    Attributes:
        catalog: catalog of the engine; None until it has started.
        family: name of the chosen family, or "".
        data: name of the chosen data source, or "".
        data_sets: imported data sets, which can be chosen by their names.
        described: the engine's description of the model; None while it is pending or refused.
        arriving: a new catalog is being applied, so changes are not the user's.
        browsed: images of the chosen data; None while they are pending or refused.
        problem: reason why the choices cannot be trained; empty otherwise.
        cancelled: loading the data was cancelled, so that the settings are not checked.
        edits: recorder of the choices.

    Signals:
        catalog_changed: the families and data sources changed.
        family_changed: another family was chosen.
        data_changed: another data source was chosen.
        config_changed: a setting of the family changed.
        values_restored: settings of the same family and data were undone or redone.
        verdict_changed: ``described``, ``problem`` or ``refusals`` changed.
        browsed_changed: the images for the preview, or the progress of loading them, changed.
    """

    catalog_changed = Signal()
    family_changed = Signal()
    data_changed = Signal()
    config_changed = Signal()
    values_restored = Signal()
    verdict_changed = Signal()
    browsed_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.catalog: Catalog | None = None
        self.family = self.data = ""
        self.data_sets = library.data_sets
        self.data_sets.follow()
        self.described: ModelDescribed | None = None
        self.arriving = False
        self.browsed: DataBrowsed | None = None
        self.problem = ""
        self.cancelled = False
        self._data_chosen = False
        self._remembered = RememberedSettings()
        self._typing_errors: dict[str, dict[str, str]] = {"config": {}, "data_config": {}, "training": {}}
        self._refusals: dict[str, str] = {}
        self.edits = EditRecorder(self)
        self.edits.add_part("setup", self._content, self._restore_content)
        self._describes = LatestWins(events, self)
        self._describes.replied.connect(self._on_described)
        self._describes.failed.connect(self._on_refused)
        self._browses = LatestWins(events, self)
        self._browses.replied.connect(self._on_browsed)
        self._browses.failed.connect(self._on_browse_refused)
        for request in (self._browses, self._describes):
            request.loading_changed.connect(self.browsed_changed)
            request.loading_changed.connect(self.verdict_changed)
        self._browses.dropped.connect(self._on_cancelled)
        self._describes.dropped.connect(self._on_cancelled)
        self._describe_timer, self._browse_timer = (QTimer(self, singleShot=True, interval=QUIET_MS) for _ in range(2))
        self._describe_timer.timeout.connect(self._describe)
        self._browse_timer.timeout.connect(self._browse)
        events.on(Catalog).connect(self._on_catalog)
        if library.catalog is not None:
            self._on_catalog(library.catalog)

    # ---- choices ---------------------------------------------------------------------------------------------

    def choose_family(self, name: str) -> None:
        """Choose a family of the catalog, and the data that it proposes unless the user chose data."""
        if name != self.family:
            before = self.data, self.data_config
            with self.edits.recording("Choose a family"):
                self.family = name
                self._typing_errors["config"] = self._typing_errors["training"] = {}
                self.data = self.data if self._data_chosen else self._start_data(self.data)
            self.family_changed.emit()
            if (self.data, self.data_config) != before:
                self._show_data()
            self._check()

    def choose_data(self, name: str) -> None:
        """Choose a data source of the catalog."""
        with self.edits.recording("Choose data"):
            chosen, self.data = self.data, name
            self._data_chosen = True
        if name != chosen:
            self._show_data()
            self._check()

    def _show_data(self) -> None:
        """Show other data, or the same with other settings."""
        self._typing_errors["data_config"] = {}
        self.browsed = None
        self.data_changed.emit()
        self.browsed_changed.emit()
        self._browse()

    def _start_data(self, otherwise: str) -> str:
        """Data source that the chosen family proposes; ``otherwise`` where it proposes none that is there."""
        sources = [source.name for source in self.catalog.data] if self.catalog else []
        start = self.entry.start if self.entry else None
        return start.data if start is not None and start.data in sources else otherwise

    @property
    def data_set(self) -> DataSetInfo | None:
        """Imported data set that is chosen; None: another source, or files that are not imported yet."""
        return self.data_sets.info(str(self.data_config.get(FOLDER, ""))) if self.data == IMAGES else None

    def choose_set(self, folder: str) -> None:
        """Choose an imported data set; the other settings of such sets stay."""
        self.take_data(IMAGES, {**self.data_config_of(IMAGES), FOLDER: folder})

    def take_data(self, name: str, config: Values) -> None:
        """Choose a data source of the catalog together with its settings."""
        with self.edits.recording("Choose data"):
            self.data, self._data_chosen = name, True
            self._remembered.put("data_config", name, dict(config))
        self._show_data()
        self._check()

    def set_config(self, values: Values, errors: dict[str, str]) -> None:
        """Set the family's settings from the form; ``errors`` are sentences on fields whose text is invalid."""
        self._put("config", self.family, values, errors)
        self.config_changed.emit()

    def set_data_config(self, values: Values, errors: dict[str, str]) -> None:
        """Set the data source's settings from the form."""
        self._put("data_config", self.data, self.data_config | values, errors)
        self._browse_timer.start()

    def set_training(self, values: Values, errors: dict[str, str]) -> None:
        """Set the training settings from the form; they are remembered for the family."""
        self._put("training", self.family, values, errors)

    # ---- present choices ----------------------------------------------------------------------------------------

    @property
    def entry(self) -> FamilyEntry | None:
        """Catalog entry of the chosen family."""
        families = self.catalog.families if self.catalog else ()
        return next((f for f in families if f.card.name == self.family), None)

    @property
    def data_entry(self) -> DataEntry | None:
        """Catalog entry of the chosen data source."""
        sources = self.catalog.data if self.catalog else ()
        return next((d for d in sources if d.name == self.data), None)

    @property
    def config(self) -> Values:
        """Settings of the chosen family."""
        return self._remembered.of("config", self.family, self.defaults("config"))

    @property
    def data_config(self) -> Values:
        """Settings of the chosen data source."""
        return self.data_config_of(self.data)

    def data_config_of(self, name: str) -> Values:
        """Settings of a data source, remembered or default."""
        sources = self.catalog.data if self.catalog else ()
        entry = next((entry for entry in sources if entry.name == name), None)
        general = defaults_of(entry.config_schema) if entry else {}
        return self._remembered.of("data_config", name, self.defaults("data_config") if name == self.data else general)

    @property
    def loading(self) -> DataLoading | None:
        """Progress of loading the chosen data; None when there is none."""
        return self._browses.loading or self._describes.loading

    @property
    def training(self) -> Values:
        """Training settings for the chosen family."""
        return self._remembered.of("training", self.family, self.defaults("training"))

    @property
    def _start(self) -> RunSpec | None:
        """Settings that the chosen family proposes on the chosen data."""
        return self.entry.start_on(self.data) if self.entry else None

    def defaults(self, part: str) -> Values:
        """Return the defaults of ``config``, ``data_config`` or ``training`` for the chosen family and data."""
        entry, data, start = self.entry, self.data_entry, self._start
        if start is not None:
            return dict({"config": start.config, "data_config": start.data_config, "training": start.training}[part])
        if part == "data_config":
            return defaults_of(data.config_schema) if data else {}
        if entry is None:
            return {}
        return defaults_of(entry.config_schema) if part == "config" else msgspec.to_builtins(entry.training)

    @property
    def objective(self) -> Objective | None:
        """Training objective for the present settings; None where there is none."""
        try:
            return self.entry.card.objective(self.config) if self.entry else None
        except ValueError:
            return None

    def refusals(self, part: str) -> dict[str, str]:
        """Return field → sentence for the settings in ``config``, ``data_config`` or ``training`` that were refused."""
        prefix = f"{part}."
        return {key.removeprefix(prefix): text for key, text in self._refusals.items() if key.startswith(prefix)}

    @property
    def mistyped(self) -> str:
        """Sentence on a field whose text is invalid; empty when there is none."""
        return next((text for errors in self._typing_errors.values() for text in errors.values()), "")

    @property
    def spec(self) -> RunSpec:
        """Specification of the run."""
        return RunSpec(
            family=self.family,
            config=self.config,
            data=self.data,
            data_config=self.data_config,
            training=self.training,
        )

    def snapshot(self) -> Values:
        """Family, data source and all remembered values, as JSON, without those that are invalid as typed."""
        owners = {"config": self.family, "data_config": self.data, "training": self.family}
        parts = self._remembered.snapshot({(part, name): self._typing_errors[part] for part, name in owners.items()})
        chosen = {"family": self.family, "data": self.data, "data_chosen": self._data_chosen}
        return {**chosen, **{part: parts.get(part, {}) for part in owners}}

    def restore(self, snapshot: Values) -> None:
        """Take the choices of a snapshot; what does not fit the catalog is left out when there is one."""
        self.family, self.data = str(snapshot.get("family", "")), str(snapshot.get("data", ""))
        self._data_chosen = bool(snapshot.get("data_chosen", bool(self.data)))
        for part in self._typing_errors:
            self._remembered.restore(part, snapshot.get(part))
        if self.catalog is not None:
            self._on_catalog(self.catalog)

    # ---- undo ----------------------------------------------------------------------------------------------------

    def _content(self) -> "_Content":
        return self.family, self.data, self._data_chosen, self._remembered.values

    def _restore_content(self, content: "_Content") -> None:
        """Show the choices of an edit again; the forms are built anew only where the family or the data differ."""
        before = self.family, self.data
        self.family, self.data, self._data_chosen, self._remembered.values = content
        self._typing_errors = {part: {} for part in self._typing_errors}
        if self.family != before[0]:
            self.family_changed.emit()
        if self.data != before[1]:
            self._show_data()
        self.values_restored.emit()
        self.config_changed.emit()
        self._check()
        self._browse()

    def knows(self, spec: RunSpec) -> bool:
        """Return whether the engine has the family and the data source of a run."""
        families = self.catalog.families if self.catalog else ()
        sources = self.catalog.data if self.catalog else ()
        return any(f.card.name == spec.family for f in families) and any(d.name == spec.data for d in sources)

    def take(self, spec: RunSpec) -> None:
        """Take over the settings of a run whose family and data source the engine has."""
        with self.edits.recording("Take the settings of a run"):
            self.family, self.data = spec.family, spec.data
            self._data_chosen = True
            self._remembered.put("config", spec.family, dict(spec.config))
            self._remembered.put("training", spec.family, dict(spec.training))
            self._remembered.put("data_config", spec.data, dict(spec.data_config))
        self._typing_errors = {part: {} for part in self._typing_errors}
        self.browsed = None
        self.family_changed.emit()
        self.data_changed.emit()
        self.browsed_changed.emit()
        self._check()
        self._browse()

    def refuse(self, failed: CommandFailed) -> None:
        """Show a refusal of the present choices."""
        self.described = None
        self.problem = failed.message
        self._refusals = dict(failed.fields)
        self.verdict_changed.emit()

    # ---- requests ------------------------------------------------------------------------------------------------

    def _put(self, part: str, name: str, values: Values, errors: dict[str, str]) -> None:
        defaults = self.defaults(part)  # what has its default follows it, also where that depends on the data
        put = {field: value for field, value in values.items() if value != defaults.get(field)}
        if not errors:  # a text that is no value yet is not one to return to
            before = self._remembered.of(part, name, defaults)
            field = next((field for field, value in values.items() if value != before.get(field)), "")
            with self.edits.recording(
                f"Set {field.replace('_', ' ')}", drag_key(f"{part} {name} {field}", values.get(field))
            ):
                self._remembered.put(part, name, put)
        self._remembered.put(part, name, put)
        self._typing_errors[part] = dict(errors)
        self._settings_changed()
        self._describe_timer.start()

    def _settings_changed(self) -> None:
        """Discard the check of the previous settings."""
        self.described = None
        self.problem = self.mistyped
        self._refusals = {}
        self.verdict_changed.emit()

    def _check(self) -> None:
        """Discard the check of the previous settings, and have these checked at once."""
        self._settings_changed()
        self._describe()

    def _describe(self) -> None:
        self._describe_timer.stop()
        if self.entry and self.data_entry and not self.mistyped:
            self.cancelled = False
            self._describes.submit(DescribeModel(spec=self.spec))

    def _browse(self) -> None:
        self._browse_timer.stop()
        if self.data_entry and not self._typing_errors["data_config"]:
            self.cancelled = False
            count = PREVIEW_POINTS if self.data == POINTS else PREVIEW_IMAGES
            self._browses.submit(BrowseData(data=self.data, data_config=self.data_config, count=count))

    def _on_catalog(self, catalog: Catalog) -> None:
        self.catalog = catalog
        families = [f.card.name for f in catalog.families]
        sources = [d.name for d in catalog.data]
        family = next((name for name in (self.family, catalog.first_family, *families) if name in families), "")
        data = self.data if self.data in sources else next(iter(sources), "")
        self.arriving = True
        self.catalog_changed.emit()
        self.family = family
        self.data = data if self._data_chosen else self._start_data(data)
        self.family_changed.emit()
        self.data_changed.emit()
        self._settings_changed()
        self.arriving = False
        self._describe()
        self._browse()

    def _on_described(self, event: ModelDescribed) -> None:
        if not self._describe_timer.isActive() and not self._describes.busy:
            self.described, self.problem, self._refusals = event, self.mistyped, {}
            self.verdict_changed.emit()

    def _on_refused(self, event: CommandFailed) -> None:
        if not self._describe_timer.isActive() and not self._describes.busy:
            self.refuse(event)

    def _on_browsed(self, event: DataBrowsed) -> None:
        if event.data == self.data:
            self.browsed = event
            self.browsed_changed.emit()

    def _on_cancelled(self) -> None:
        """Note why there are no images and no check; another change of the settings loads the data again."""
        if not self._browses.busy and not self._describes.busy:
            self.cancelled = True
            self.browsed_changed.emit()
            self.verdict_changed.emit()

    def _on_browse_refused(self, event: CommandFailed) -> None:
        self.browsed = None
        self.browsed_changed.emit()
        if not self._browse_timer.isActive() and not self._browses.busy:
            self.refuse(event)
