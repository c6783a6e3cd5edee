"""Layers of the chosen run whose values are features."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import FeatureLayer, FeatureLayersListed, FeatureSpace, ListFeatureLayers
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary


class FeatureLayers(QObject):
    """Layers of a run, listed while the panel is on the screen.

    Args:
        events: connection to the engine.
        library: runs.

    Attributes:
        run: name of the run, or "".
        layers: its layers; empty until they are listed, and where it has none.
        listed: they are known.
        problem: sentence on why they can't be listed; empty: there is none.

    Signals:
        changed: any of them changed.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.layers: tuple[FeatureLayer, ...] = ()
        self.listed = False
        self.problem = ""
        self._known: dict[tuple[str, str], FeatureLayer] = {}
        self._library = library
        self._active = False
        self._request = Request(events, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        library.changed.connect(self._ask)

    def layer(self, name: str) -> FeatureLayer | None:
        """Return the layer of this name; None where the run has none."""
        return next((layer for layer in self.layers if layer.name == name), None)

    def of(self, space: FeatureSpace) -> FeatureLayer | None:
        """Return the layer of features, also of a run that was shown before; None where it is unknown."""
        return self._known.get((space.run, space.layer))

    def show(self, run: str) -> None:
        """List the layers of another run."""
        self._request.drop()
        self.run, self.layers, self.listed, self.problem = run, (), False, ""
        self.changed.emit()
        self._ask()

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._active = active
        self._ask()

    def _ask(self) -> None:
        known = self.listed or self.problem or self._request.busy
        if self._active and self.run and not known and self._library.catalog is not None:
            self._request.send(ListFeatureLayers(run=self.run))

    def _on_replied(self, event: FeatureLayersListed) -> None:
        self.layers, self.listed = event.layers, True
        self._known |= {(event.run, layer.name): layer for layer in event.layers}
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
