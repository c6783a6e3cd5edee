"""Data sets that can be downloaded, and the download that is under way."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    DownloadData,
    DownloadProgressed,
    DownloadsListed,
    ImportProgressed,
    ListDownloads,
    RemoteDataSet,
)
from gmstudio.protocol.engine import Catalog, CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request


class Downloads(QObject):
    """Data sets that can be downloaded, one at a time.

    Attributes:
        home: folder of the downloaded files; empty until they are listed.
        sets: in the order of the list.
        chosen: key of the set that is shown; empty: none.
        running: key of the set that is being downloaded; empty: none.
        progress: of the download or the import that follows; None when nothing is under way.
        problem: why the last download of ``chosen`` failed; empty otherwise.

    Signals:
        listed: ``sets`` changed.
        changed: one of the others.
        imported: the ``DataSetDescribed`` of the set that was downloaded.
    """

    listed = Signal()
    changed = Signal()
    imported = Signal(object)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.home = ""
        self.sets: tuple[RemoteDataSet, ...] = ()
        self.chosen = ""
        self.running = ""
        self.progress: DownloadProgressed | ImportProgressed | None = None
        self.problem = ""
        self._listing = Request(link, self)
        self._listing.replied.connect(self._on_listed)
        self._download = Request(link, self)
        self._download.replied.connect(self._on_replied)
        self._download.failed.connect(self._on_failed)
        self._download.dropped.connect(self._on_ended)
        link.on(Catalog).connect(lambda _catalog: self.refresh())

    @property
    def remote(self) -> RemoteDataSet | None:
        """Description of the set that is shown."""
        return next((remote for remote in self.sets if remote.name == self.chosen), None)

    def refresh(self) -> None:
        """List the sets again, with what is on the disk of each."""
        self._listing.send(ListDownloads())

    def choose(self, name: str) -> None:
        """Show a set."""
        if name != self.chosen:
            self.chosen, self.problem = name, ""
            self.changed.emit()

    def start(self, classes: tuple[str, ...] = ()) -> None:
        """Download the set that is shown, whose licence the user has accepted, and import it."""
        if self.remote is not None and not self.running:
            self.running, self.problem = self.chosen, ""
            self._download.send(DownloadData(name=self.chosen, classes=classes))
            self.changed.emit()

    def stop(self) -> None:
        """End the download; the part that has arrived is kept, and the next download continues from it."""
        if self.running:
            self._download.cancel()
            self._on_ended()

    def _on_listed(self, event: Event) -> None:
        if isinstance(event, DownloadsListed):
            self.home, self.sets = event.home, event.sets
            self.listed.emit()
            self.changed.emit()

    def _on_replied(self, event: Event) -> None:
        if isinstance(event, DownloadProgressed | ImportProgressed):
            self.progress = event
            self.changed.emit()
        elif isinstance(event, DataSetDescribed):
            self._on_ended()
            self.imported.emit(event)

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.chosen, self.problem = self.running, failure.message
        self._on_ended()

    def _on_ended(self) -> None:
        self.running, self.progress = "", None
        self.refresh()
        self.changed.emit()
