"""Images of a split of the chosen run's data, fetched as they are needed."""

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import MAX_FETCHED, DataImages, FetchImages, ImagesFetched
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.state import FeaturesState


class SplitImages(QObject):
    """Fetches images by their numbers; a newer request replaces an older one.

    Args:
        owner: state of the panel.
        split: which images.
        parent: owner of the object.

    Attributes:
        problem: sentence on why the newest images can't be fetched; empty: there is none.

    Signals:
        arrived: an ``ImagesFetched``.
        problem_changed: ``problem`` changed.
    """

    arrived = Signal(object)
    problem_changed = Signal()

    def __init__(self, owner: FeaturesState, split: SplitName, parent: QObject) -> None:
        super().__init__(parent)
        self._owner, self._split = owner, split
        self.problem = ""
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        owner.run_changed.connect(self._request.drop)

    def fetch(self, indices: tuple[int, ...]) -> None:
        """Fetch images by their numbers in the split."""
        run = self._owner.run
        if run and indices:
            images = DataImages(run=run, split=self._split)
            wanted = Array.of(np.array(indices[:MAX_FETCHED], dtype=np.int64))
            self._request.send(FetchImages(run=run, images=images, indices=wanted))

    def _on_replied(self, event: ImagesFetched) -> None:
        self._say("")
        self.arrived.emit(event)

    def _on_failed(self, failure: CommandFailed) -> None:
        self._say("" if failure.reason is Reason.ENGINE_GONE else failure.message)

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.problem_changed.emit()
