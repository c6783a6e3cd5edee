"""Images of a set, fetched by their numbers as they come into sight."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import MAX_FETCHED, FetchImages, ImageSet, ImagesFetched
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

SetOfRun = tuple[str, ImageSet]
"""Name of a run, for whose model the images are converted, and a set of images."""


class FetchedImages(QObject):
    """Images of the set that is on display; of several requests that wait the newest wins.

    Args:
        link: connection to the engine.
        shown: returns the set on display, complete with its run; None: none is. Images of another one are left out.
        parent: owner of the object.

    Attributes:
        problem: sentence on why the newest images cannot be fetched; empty: there is none.

    Signals:
        arrived: an ``ImagesFetched``.
        problem_changed: ``problem`` changed.
    """

    arrived = Signal(object)
    problem_changed = Signal()

    def __init__(self, link: EngineLink, shown: Callable[[], SetOfRun | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        self._shown = shown
        self._latest = LatestWins(link, self)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)

    def fetch(self, indices: tuple[int, ...]) -> None:
        """Fetch images by their numbers in the set, ``MAX_FETCHED`` at most."""
        shown = self._shown()
        if shown is not None and indices:
            run, images = shown
            wanted = Array.of(np.array(indices[:MAX_FETCHED], dtype=np.int64))
            self._latest.submit(FetchImages(run=run, images=images, indices=wanted))

    def reset(self) -> None:
        """Give up what was asked for, and forget the problem."""
        self._latest.reset()
        self._set_problem("")

    def _on_replied(self, event: ImagesFetched) -> None:
        command = self._latest.answered
        if isinstance(command, FetchImages) and (command.run, command.images) == self._shown():
            self._set_problem("")
            self.arrived.emit(event)

    def _on_failed(self, failure: CommandFailed) -> None:
        self._set_problem("" if failure.reason is Reason.ENGINE_GONE else failure.message)

    def _set_problem(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.problem_changed.emit()
