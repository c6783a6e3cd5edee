"""Real images of a run's data, to begin a generation from."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import BrowseData, DataBrowsed, SplitName
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.runs.library import RunLibrary

NUM_BROWSED = 32


class PixelImages(QObject):
    """A page of images at a time.

    Attributes:
        data: the images to choose from, or None.
        problem: why there are none, a sentence, or "".

    Signals:
        changed: one of these.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.data: DataBrowsed | None = None
        self.problem = ""
        self._events = events
        self._library = library
        self._request = 0
        events.on(DataBrowsed).connect(self._on_data_browsed)
        events.on(CommandFailed).connect(self._on_failed)

    def browse(self, run: str, split: SplitName = "valid", start: int = 0) -> None:
        """Fetch images of a run's data."""
        info = self._library.info(run)
        if info is None:
            return
        command = BrowseData(
            data=info.spec.data, data_config=info.spec.data_config, split=split, start=max(0, start), count=NUM_BROWSED
        )
        self._request = self._events.send(command)

    @property
    def browsing(self) -> bool:
        """Whether images were asked for that have not come yet."""
        return self._request != 0

    def clear(self) -> None:
        """Another run has other images."""
        self.data, self.problem, self._request = None, "", 0
        self.changed.emit()

    def give_up(self) -> None:
        """The engine that was asked is gone."""
        self._request = 0

    def _on_data_browsed(self, event: DataBrowsed) -> None:
        if event.request and event.request == self._request:
            self.data, self.problem, self._request = event, "", 0
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.request and event.request == self._request:
            self.data, self.problem, self._request = None, event.message, 0
            self.changed.emit()
