"""State of the Data panel: lists of data sets, the set that is open, and the import of files."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.data_import import DataSetDescribed, DataSetInfo
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.data.assistant import ImportAssistant
from gmstudio.window.state.data.downloads import Downloads
from gmstudio.window.state.data.opened import OpenedSet
from gmstudio.window.state.data.points import PointsPage
from gmstudio.window.state.data.set_edits import SetEdits
from gmstudio.window.state.data.settings_split import FOLDER, IMAGES, POINTS, PREVIEWED, images_schema
from gmstudio.window.state.edits import drag_key
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.remembered_settings import defaults_of

View = Literal["empty", "set", "import", "download"]
Values = dict[str, Any]
PANEL = "data"


class DataState(QObject):
    """State of the Data panel.

    Attributes:
        sets: imported data sets.
        opened: the data set that is open.
        set_edits: changes the imported data sets, so that it can be undone.
        points: its distribution, where it is one of points.
        assistant: the import of files.
        downloads: data sets that can be downloaded.
        view: what is shown.
        problem: why the last change of a data set failed, a sentence; empty otherwise.

    Signals:
        view_changed: ``view`` changed.
        lists_changed: the data sets that can be opened changed.
        problem_changed: ``problem`` changed.
        train_wanted: key of a source, and its settings, to train on.
    """

    view_changed = Signal()
    lists_changed = Signal()
    problem_changed = Signal()
    train_wanted = Signal(str, object)

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._link = events
        self.sets = library.data_sets
        self.sets.follow()
        self.opened = OpenedSet(events, self)
        self.points = PointsPage(events, self.opened, self.change_config, lambda: self.open_source(POINTS), self)
        self.points.edits.add_part(
            "settings", lambda: (self.opened.data, self.opened.folder, dict(self.opened.config)), self._restore_config
        )
        self.set_edits = SetEdits(self.sets, self.points.edits, self)
        self.assistant = ImportAssistant(events, self)
        self.downloads = Downloads(events, self)
        self.view: View = "empty"
        self.problem = ""
        self._configs: dict[str, Values] = {}
        self._wanted = ("", "")
        self._active = False
        self.assistant.imported.connect(self._on_imported)
        self.downloads.imported.connect(self._on_downloaded)
        self.downloads.listed.connect(self.lists_changed)
        self.sets.changed.connect(self.lists_changed)
        self.sets.removed.connect(self._on_removed)
        self.sets.failed.connect(self._on_failed)
        events.on(Catalog).connect(self._on_catalog)
        if library.catalog is not None:
            self._on_catalog(library.catalog)

    # ---- lists ---------------------------------------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog | None:
        """Catalog of the engine; None until it has started."""
        return self._library.catalog

    @property
    def is_local(self) -> bool:
        """The engine reads the files of this machine."""
        return self._link.is_local

    @property
    def shipped(self) -> tuple[DataEntry, ...]:
        """Data sets that come with the program: sources that read no files of the user."""
        sources = self.catalog.data if self.catalog is not None else ()
        return tuple(entry for entry in sources if FOLDER not in entry.config_schema["properties"])

    def num_runs(self, folder: str) -> int:
        """Number of runs that were trained on an imported set."""
        specs = (info.spec for info in self._library.runs)
        return sum(spec.data == IMAGES and spec.data_config.get(FOLDER) == folder for spec in specs)

    @property
    def title(self) -> str:
        """Name of the data set that is open."""
        info = self.info
        if info is not None:
            return info.name
        entry = next((entry for entry in self.shipped if entry.name == self.opened.data), None)
        return entry.title.partition(" (")[0] if entry is not None else self.opened.folder

    @property
    def info(self) -> DataSetInfo | None:
        """Description of the data set that is open, where it was imported."""
        return self.sets.info(self.opened.folder) if self.opened.folder else None

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """Data sets as entries of the command palette, which open them here."""
        for entry in self.shipped:
            yield self._entry(f"source:{entry.name}", entry.title, "comes with gmstudio", self.open_source, entry.name)
        for info in self.sets.sets:
            yield self._entry(f"set:{info.folder}", info.name, f"{info.size:,} images", self.open_set, info.folder)
        for remote in self.downloads.sets:
            yield self._entry(
                f"download:{remote.name}", remote.title, "can be downloaded", self.show_download, remote.name
            )

    @staticmethod
    def _entry(name: str, title: str, detail: str, opens: Callable[[str], None], key: str) -> PaletteEntry:
        return PaletteEntry(
            id=f"look:{name}",
            title=title,
            kind="Data",
            run=partial(opens, key),
            detail=f"Look at it · {detail}",
            panel=PANEL,
        )

    # ---- choices -------------------------------------------------------------------------------------------------

    def open_source(self, name: str) -> None:
        """Open a data set that comes with the program."""
        entry = next((entry for entry in self.shipped if entry.name == name), None)
        if entry is not None:
            self._open(name, defaults_of(entry.config_schema) | self._configs.get(name, {}))

    def open_set(self, folder: str) -> None:
        """Open an imported data set."""
        defaults = defaults_of(images_schema(self.catalog))  # so that training shares the loaded data
        self._open(IMAGES, {**defaults, **self._configs.get(folder, {}), FOLDER: folder})

    def set_active(self, active: bool) -> None:
        """Note that the panel is on the screen: it then opens a data set where none is."""
        self._active = active
        if active:
            self._open_first()

    def _open_first(self) -> None:
        sources = self.shipped
        if self._active and self.view == "empty" and sources and not any(self._wanted):
            self.open_source(sources[0].name)

    def import_files(self, path: str) -> None:
        """Show the import of files, a folder or an archive."""
        self.assistant.open(path)
        self._set_view("import")

    def show_download(self, name: str) -> None:
        """Show a data set that can be downloaded."""
        self.downloads.choose(name)
        self._set_view("download")

    def close_import(self) -> None:
        """Leave the import; the data set that was open before is shown."""
        self.assistant.close()
        self._set_view("set" if self.opened.data else "empty")

    def set_config(self, values: Values, errors: dict[str, str]) -> None:
        """Set the settings of the data set that is open, which are remembered for it."""
        if errors:  # a text that is no value yet is not one to return to
            self._set_config(values, errors)
            return
        before = self.opened.config
        name = next((name for name, value in values.items() if value != before.get(name)), "")
        with self.points.edits.recording(
            f"Set {name.replace('_', ' ')}", key=drag_key(f"{self._key} {name}", values.get(name))
        ):
            self._set_config(values, {})

    @property
    def _key(self) -> str:
        """Folder or name of the data set that is open, or ""."""
        return self.opened.folder or self.opened.data

    def _set_config(self, values: Values, errors: dict[str, str]) -> None:
        self.opened.set_config(values, errors)
        valid = {name: value for name, value in values.items() if name not in errors}
        self._configs[self._key] = {**self._configs.get(self._key, {}), **valid}

    def _restore_config(self, content: tuple[str, str, Values]) -> None:
        """Show a data set with settings that were undone or redone."""
        data, folder, config = content
        if (data, folder) != (self.opened.data, self.opened.folder):
            self.open_set(folder) if folder else self.open_source(data)
        if data and (data, folder) == (self.opened.data, self.opened.folder):
            self._set_config(config, {})

    def change_config(self, values: Values) -> None:
        """Change some settings of the data set that is open, as its form does."""
        self.set_config({**self.opened.config, **values}, self.opened.mistyped)

    def train(self) -> None:
        """Set the data set that is open up for training."""
        if self.opened.data:
            self.train_wanted.emit(self.opened.data, dict(self.opened.config))

    def dismiss_problem(self) -> None:
        """Drop the sentence on the last change."""
        self._set_problem("")

    def choices(self) -> Values:
        """Choices that outlive the window, as JSON."""
        return {
            "data": self.opened.data,
            "folder": self.opened.folder,
            "configs": self._configs,
            "import": self.assistant.settings,
        }

    def restore_choices(self, values: Values) -> None:
        """Take choices that were kept; the data set is opened when the engine has started."""
        configs, settings = values.get("configs"), values.get("import")
        if isinstance(configs, dict):
            self._configs = {str(key): value for key, value in configs.items() if isinstance(value, dict)}
        if isinstance(settings, dict):
            self.assistant.settings = settings
        self._wanted = (str(values.get("data", "")), str(values.get("folder", "")))
        if self.catalog is not None:
            self._on_catalog(self.catalog)

    # ---- events --------------------------------------------------------------------------------------------------

    def _open(self, data: str, config: Values) -> None:
        self._wanted = ("", "")
        self._set_view("set")
        self.opened.show(data, config)

    def _set_view(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.view_changed.emit()

    def _set_problem(self, sentence: str) -> None:
        if sentence != self.problem:
            self.problem = sentence
            self.problem_changed.emit()

    def _on_catalog(self, _catalog: Catalog) -> None:
        """Open the data set of before, in a new engine too; files that the user brought meanwhile stay in view."""
        self.lists_changed.emit()
        view = self.view
        data, folder = self._wanted
        if self.opened.data:
            self.opened.reload()
        elif folder:
            self.open_set(folder)
        elif data:
            self.open_source(data)
        else:
            self._open_first()
        if view in ("import", "download"):
            self._set_view(view)

    def _on_imported(self, event: DataSetDescribed) -> None:
        settings = self.assistant.settings
        shown = {name: settings[name] for name in PREVIEWED if name in settings}
        self._configs[event.info.folder] = self._configs.get(event.info.folder, {}) | shown
        self.assistant.close()
        self._set_problem("")
        self.open_set(event.info.folder)

    def _on_downloaded(self, event: DataSetDescribed) -> None:
        """Open the set, unless the user looks at something else meanwhile."""
        if self.view == "download":
            self.open_set(event.info.folder)

    def _on_removed(self, folder: str) -> None:
        if folder == self.opened.folder:
            self.opened.show("", {})
            if self.view == "set":
                self._set_view("empty")

    def _on_failed(self, failure: CommandFailed) -> None:
        self._set_problem(failure.message)
