"""One image of a set, looked at closely: the image itself, and its surprisal under each model that has one."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.density import MapSurprisal, SurprisalMapped
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import FetchImages, ImageSet, ImagesFetched
from gmstudio.window.client.latest_wins import LatestWins

if TYPE_CHECKING:
    from gmstudio.window.state.density.state import DensityState

SURPRISAL = "pixel_session"
"""Capability of the models that have a surprisal of each pixel."""


class InspectedImage(QObject):
    """The image that was opened on a page.

    Args:
        owner: state of the panel.

    Attributes:
        index: number of the image in its set; −1: none is open.
        fetched: the image; None: not yet.
        maps: run → (H, W) float32 bits of each pixel.
        problem: why something is missing, a sentence; "".

    Signals:
        changed: one of these.
    """

    changed = Signal()

    def __init__(self, owner: "DensityState") -> None:
        super().__init__(owner)
        self._owner = owner
        self.index = -1
        self.fetched: ImagesFetched | None = None
        self.maps: dict[str, NDArray[np.float32]] = {}
        self.problem = ""
        self._images: ImageSet | None = None
        self._fetching = LatestWins(owner.link, self)
        self._fetching.replied.connect(self._on_fetched)
        self._fetching.failed.connect(self._on_failed)
        self._mapping: dict[str, LatestWins] = {}

    def open(self, images: ImageSet, index: int) -> None:
        """Look at an image.

        Args:
            images: its set.
            index: its number there.
        """
        owner = self._owner
        self._images, self.index, self.problem = images, index, ""
        self.fetched, self.maps = None, {}
        wanted, resolved = Array.of(np.array([index], np.int64)), owner.resolved(images)
        self._fetching.submit(FetchImages(run=owner.run, images=resolved, indices=wanted))
        for run in owner.runs:
            if owner.library.is_able(run, SURPRISAL):
                self._request_of(run).submit(MapSurprisal(run=run, images=resolved, indices=wanted))
        self.changed.emit()

    def close(self) -> None:
        """Look at none."""
        self.index, self.fetched, self.maps, self.problem = -1, None, {}, ""
        for request in (self._fetching, *self._mapping.values()):
            request.reset()
        self.changed.emit()

    def _request_of(self, run: str) -> LatestWins:
        if run not in self._mapping:
            request = self._mapping[run] = LatestWins(self._owner.link, self)
            request.replied.connect(self._on_mapped)
            request.failed.connect(self._on_failed)
        return self._mapping[run]

    def _on_fetched(self, event: ImagesFetched) -> None:
        if event.indices.numpy().tolist() == [self.index]:
            self.fetched = event
            self.changed.emit()

    def _on_mapped(self, event: SurprisalMapped) -> None:
        if event.indices.numpy().tolist() == [self.index]:
            self.maps[event.run] = event.bits.numpy()[0]
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE and self.index >= 0:
            self.problem = failure.message
            self.changed.emit()
