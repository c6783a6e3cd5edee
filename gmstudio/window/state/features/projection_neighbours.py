"""Neighbours of an image in the space of features: of an image of the map, or of one that is dropped or pasted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import FindNeighbours, NeighboursFound
from gmstudio.protocol.image_sets import GivenImages, ImageSet
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.projection import ProjectionState

DEFAULT_COUNT = 24
MAX_COUNT = 200


class ProjectionNeighbours(QObject):
    """Nearest images of a chosen one.

    Args:
        state: with the projection.

    Attributes:
        query: number of the chosen image on the map; −1: none, or another image.
        picture: the other image as display intensities (C, H, W) uint8; None: there is none.
        picture_title: its name.
        count: neighbours that are found.
        indices: (n,) numbers of the neighbours, the nearest first.
        distances: (n,) Euclidean distances.
        title: of the space of features.
        problem: sentence on why there are none; empty: there is none.
        busy: they are searched.

    Signals:
        changed: anything changed.
    """

    changed = Signal()

    def __init__(self, state: ProjectionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.query, self.picture_title = -1, ""
        self.picture: NDArray[np.uint8] | None = None
        self.count = DEFAULT_COUNT
        self.indices: NDArray[np.int64] = np.zeros(0, np.int64)
        self.distances: NDArray[np.float64] = np.zeros(0, np.float64)
        self.title = self.problem = ""
        self._state = state
        self._request = Request(state.owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self.changed)
        state.images_changed.connect(self.clear)
        state.places_changed.connect(self._on_places_changed)
        self._space: Any = None

    @property
    def busy(self) -> bool:
        """Neighbours are searched."""
        return self._request.busy

    @property
    def has_query(self) -> bool:
        """An image is chosen."""
        return self.query >= 0 or self.picture is not None

    def choose(self, index: int) -> None:
        """Find the neighbours of an image of the map."""
        self.query, self.picture = index, None
        self._find()

    def choose_picture(self, pixels: NDArray[np.uint8], title: str) -> None:
        """Find the neighbours of a picture, (rows, columns, 1, 3 or 4) uint8."""
        kept = pixels[..., :3] if pixels.shape[2] == 4 else pixels
        self.query, self.picture, self.picture_title = -1, np.ascontiguousarray(kept.transpose(2, 0, 1)), title
        self._find()

    def set_count(self, count: int) -> None:
        """Find another number of neighbours."""
        if count != self.count:
            self.count = count
            self._find()

    def clear(self) -> None:
        """Choose no image."""
        self._request.cancel()
        self.query, self.picture, self.picture_title = -1, None, ""
        self._forget()
        self.changed.emit()

    def _forget(self) -> None:
        self.indices, self.distances = np.zeros(0, np.int64), np.zeros(0, np.float64)
        self.title = self.problem = ""

    def _on_places_changed(self) -> None:
        """Find the neighbours anew where the map is one of other features."""
        shown = self._state.shown
        if shown is not None and self.has_query and shown.command.space != self._space:
            self._find()

    def _find(self) -> None:
        shown = self._state.shown
        self._forget()
        if shown is None or not self.has_query:
            self.changed.emit()
            return
        command = shown.command
        query: ImageSet = command.images
        if self.picture is not None:
            query = GivenImages(images=Array.of(self.picture[np.newaxis]), title=self.picture_title)
        self._space = command.space
        self._request.replace(
            FindNeighbours(
                space=command.space,
                images=command.images,
                query=query,
                index=max(self.query, 0),
                count=self.count + (self.query >= 0),
            )
        )
        self.changed.emit()

    def _on_replied(self, event: NeighboursFound) -> None:
        indices, distances = event.indices.numpy(), event.distances.numpy()
        others = indices != self.query  # the image is its own nearest neighbour
        self.indices, self.distances = indices[others][: self.count], distances[others][: self.count]
        self.title = event.title
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
