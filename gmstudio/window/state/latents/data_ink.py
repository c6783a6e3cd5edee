"""Ground and ink of the selected run's data, by which pictures and drawings are made like its images."""

from PySide6.QtCore import QObject, Signal

from gmstudio.media.ink import unmeasured
from gmstudio.protocol.images import InkStatistics
from gmstudio.protocol.latents import InkMeasured, MeasureInk
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.space import LatentSpace


class DataInk(QObject):
    """Ink statistics of the data, measured once for a run when they are first needed.

    Args:
        link: the way to the engine.
        space: the selected run.

    Signals:
        changed: ``statistics`` differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self._measured: InkStatistics | None = None
        self._request = Request(link, self)
        self._request.replied.connect(self._on_measured)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._request.drop)

    @property
    def statistics(self) -> InkStatistics | None:
        """Statistics of the data; before they are measured, or without data, of a black ground; None without a run."""
        description = self._space.description
        if self._measured is None and description is not None:
            return unmeasured(description.info.image)
        return self._measured

    def need(self) -> None:
        """Have the statistics measured, unless they are; ``changed`` follows. Without data they stay as they are."""
        if self._space.opened is not None and self._measured is None and not self._request.busy:
            self._request.send(MeasureInk(run=self._space.run))

    def _on_measured(self, event: InkMeasured) -> None:
        self._measured = event.ink
        self.changed.emit()

    def _on_run_changed(self) -> None:
        self._request.drop()
        self._measured = None
        self.changed.emit()
