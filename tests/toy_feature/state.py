"""The panel's state."""

from PySide6.QtCore import QObject, Signal
from toy_feature.protocol import CountParameters, ParametersCounted

from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary


class ToyState(QObject):
    """The newest count.

    Signals:
        changed: ``text`` is another.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.text = ""
        self._counting = Request(link, self)
        self._counting.replied.connect(self._on_counted)
        self._counting.failed.connect(self._on_failed)

    def count(self) -> None:
        """Count the positive parameters of the newest run's model."""
        if self._library.runs:
            self._counting.send(CountParameters(run=self._library.runs[0].run))

    def _on_counted(self, event: ParametersCounted) -> None:
        self.text = f"{event.count:,} of {event.total:,} parameters are positive"
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.text = failure.message
        self.changed.emit()
