"""Real images of a run's data, a page at a time."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import BrowseData, DataBrowsed, SplitName
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

PAGE_SIZE = 32


class DataPage(QObject):
    """A page of images to choose from.

    Attributes:
        data: the images, or None.
        problem: why there are none, a sentence, or "".

    Signals:
        changed: one of these.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.data: DataBrowsed | None = None
        self.problem = ""
        self._library = library
        self._request = Request(link, self)
        self._request.replied.connect(self._on_browsed)
        self._request.failed.connect(self._on_failed)

    @property
    def browsing(self) -> bool:
        """Images are requested and have not come yet."""
        return self._request.busy

    def browse(self, run: str, split: SplitName = "valid", start: int = 0) -> None:
        """Fetch images of a run's data."""
        info = self._library.info(run)
        if info is None:
            return
        command = BrowseData(
            data=info.spec.data,
            data_config=info.spec.data_config,
            run=run,
            split=split,
            start=max(0, start),
            count=PAGE_SIZE,
        )
        self._request.send(command)

    def clear(self) -> None:
        """Drop the images, for a run with other data."""
        self.data, self.problem = None, ""
        self.drop_request()
        self.changed.emit()

    def drop_request(self) -> None:
        """Expect no images from an engine that is gone."""
        self._request.drop()

    def _on_browsed(self, event: DataBrowsed) -> None:
        self.data, self.problem = event, ""
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.data, self.problem = None, failure.message
        self.changed.emit()
