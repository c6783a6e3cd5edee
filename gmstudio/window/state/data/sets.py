"""Imported data sets, as the engine lists them, and what is done with them."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    DataSetInfo,
    DataSetsListed,
    DataSetTrashed,
    ListDataSets,
    RenameDataSet,
    RestoreDataSet,
    TrashDataSet,
)
from gmstudio.protocol.engine import Catalog, CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request


class DataSets(QObject):
    """Imported data sets, the newest first; they are listed once somebody follows them.

    Attributes:
        home: folder of the data sets; empty until they are listed.
        sets: those that can be used.
        problems: those that cannot, a sentence each.
        trashed: sets that were moved to the trash, with their names.

    Signals:
        changed: one of these.
        failed: the ``CommandFailed`` of a change.
        removed: folder of a set that is in the trash now.
    """

    changed = Signal()
    failed = Signal(object)
    removed = Signal(str)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.home = ""
        self.sets: tuple[DataSetInfo, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.trashed: list[tuple[DataSetTrashed, str]] = []
        self._link = link
        self._is_followed = self._has_engine = False
        self._listing = Request(link, self)
        self._listing.replied.connect(self._on_listed)
        self._listing.failed.connect(self._on_list_failed)
        link.on(Catalog).connect(self._on_catalog)
        link.on(DataSetDescribed).connect(self._on_described)
        link.on(DataSetTrashed).connect(self._on_trashed)

    def info(self, folder: str) -> DataSetInfo | None:
        """Return the description of a set; None where there is none."""
        return next((info for info in self.sets if info.folder == folder), None)

    def follow(self) -> None:
        """List the sets now, if there is an engine, and whenever one starts."""
        if not self._is_followed:
            self._is_followed = True
            if self._has_engine:
                self.refresh()

    def refresh(self) -> None:
        """List the sets again."""
        self._listing.send(ListDataSets())

    def rename(self, folder: str, name: str) -> None:
        """Give a set another name; the empty one is that of its files."""
        self._change(RenameDataSet(folder=folder, name=name))

    def trash(self, folder: str) -> None:
        """Move a set to the trash."""
        self._change(TrashDataSet(folder=folder))

    def restore(self, folder: str) -> None:
        """Move a set that is in the trash back to its folder."""
        found = next((event for event, _ in reversed(self.trashed) if event.folder == folder), None)
        if found is not None:
            self.trashed = [(event, name) for event, name in self.trashed if event is not found]
            self._change(RestoreDataSet(place=found.place, folder=folder))
            self.changed.emit()

    def _change(self, command: Command) -> None:
        """Send a change; several may be under way, so that each has a slot of its own."""
        request = Request(self._link, self)
        request.failed.connect(self._on_failed)
        for ended in (request.replied, request.failed, request.dropped):
            ended.connect(request.deleteLater)
        request.send(command)

    def _on_catalog(self, _catalog: Catalog) -> None:
        self._has_engine = True
        if self._is_followed:
            self.refresh()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.failed.emit(failure)

    def _on_list_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problems = (failure.message,)
            self.changed.emit()

    def _on_listed(self, event: DataSetsListed) -> None:
        self.home, self.sets, self.problems = event.home, event.sets, event.problems
        self.changed.emit()

    def _on_described(self, event: DataSetDescribed) -> None:
        others = [info for info in self.sets if info.folder != event.info.folder]
        inside = event.info.folder.startswith(self.home)
        if inside and self.home:
            everything = [event.info, *others]
            self.sets = tuple(sorted(everything, key=lambda info: (info.date, info.folder), reverse=True))
            self.changed.emit()

    def _on_trashed(self, event: DataSetTrashed) -> None:
        info = self.info(event.folder)
        self.sets = tuple(other for other in self.sets if other.folder != event.folder)
        self.trashed.append((event, info.name if info is not None else event.folder))
        self.changed.emit()
        self.removed.emit(event.folder)
