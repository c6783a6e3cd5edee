"""Images of a projection, fetched by their numbers; the newest request of each place that shows them wins."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import FetchImages, ImagesFetched
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.features.projection import Projection, ProjectionState

MOST = 1024
"""Images of one request."""


class ProjectedImages(QObject):
    """Images of the projection on display.

    Args:
        state: with the projection.
        parent: owner.

    Attributes:
        problem: sentence on why they cannot be fetched; empty: there is none.

    Signals:
        arrived: the ``ImagesFetched`` of images of the present projection.
        failed: ``problem`` changed.
    """

    arrived = Signal(object)
    failed = Signal()

    def __init__(self, state: ProjectionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        self._state = state
        self._latest = LatestWins(state.owner.link, self)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)
        state.images_changed.connect(self._on_images_changed)

    def fetch(self, indices: tuple[int, ...]) -> None:
        """Fetch images; a newer request replaces one that waits."""
        shown = self._state.shown
        wanted = np.array(indices[:MOST], np.int64)
        if shown is None or not len(wanted):
            return
        self._latest.submit(self._command(shown, wanted))

    @staticmethod
    def _command(shown: Projection, indices: NDArray[np.int64]) -> FetchImages:
        return FetchImages(run=shown.command.run, images=shown.command.images, indices=Array.of(indices))

    def _on_images_changed(self) -> None:
        self._latest.reset()
        self._set_problem("")

    def _on_replied(self, event: ImagesFetched) -> None:
        self._set_problem("")
        self.arrived.emit(event)

    def _on_failed(self, failure: CommandFailed) -> None:
        self._set_problem("" if failure.reason is Reason.ENGINE_GONE else failure.message)

    def _set_problem(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.failed.emit()
