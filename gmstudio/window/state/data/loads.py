"""Data sets that the engine is loading, for whichever part of the window needs them."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import Cancel, Catalog
from gmstudio.window.client.engine_link import EngineLink


class DataLoads(QObject):
    """Loadings under way, each with the requests that wait for it.

    Signals:
        changed: ``current`` changed.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._waiting: dict[int, DataLoading] = {}
        link.on(DataLoading).connect(self._on_loading)
        link.on(Catalog).connect(self.clear)

    @property
    def current(self) -> DataLoading | None:
        """Newest progress of the loading that began first; None when nothing is loaded."""
        first = min((event.load for event in self._waiting.values()), default=0)
        of_first = [event for event in self._waiting.values() if event.load == first]
        return max(of_first, key=lambda event: event.done) if of_first else None

    def cancel(self) -> None:
        """End ``current`` and every request that waits for it."""
        current = self.current
        if current is not None:
            for request in [number for number, event in self._waiting.items() if event.load == current.load]:
                self._link.send(Cancel(target=request))

    def clear(self) -> None:
        """Forget loadings of an engine that is gone."""
        if self._waiting:
            self._waiting.clear()
            self.changed.emit()

    def _on_loading(self, event: DataLoading) -> None:
        if event.over:
            self._waiting.pop(event.request, None)
        else:
            self._waiting[event.request] = event
        self.changed.emit()
