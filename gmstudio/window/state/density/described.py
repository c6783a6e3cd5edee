"""Description and first images of a set, as the first of the chosen models sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, SignalInstance

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import DescribeImages, FetchImages, ImagesDescribed, ImageSet, ImagesFetched
from gmstudio.window.client.request import Request

if TYPE_CHECKING:
    from gmstudio.window.state.density.state import DensityState

PREVIEWED = 8
"""Images that are shown of a set."""


class DescribedSet(QObject):
    """What a set of images holds; requested anew when the set, the first model or the engine changes.

    Args:
        owner: state of the panel.
        chosen: returns the set; None: there is none.
        changes: its changes.

    Attributes:
        described: description; None: none yet, or there is no set.
        preview: its first images; None: none yet.
        problem: why there is none, a sentence; "".

    Signals:
        changed: one of these, or ``loading``.
    """

    changed = Signal()

    def __init__(
        self, owner: "DensityState", chosen: Callable[[], ImageSet | None], changes: tuple[SignalInstance, ...]
    ) -> None:
        super().__init__(owner)
        self._owner, self._chosen = owner, chosen
        self.described: ImagesDescribed | None = None
        self.preview: ImagesFetched | None = None
        self.problem = ""
        self._due = True
        self._describing, self._fetching = Request(owner.link, self), Request(owner.link, self)
        self._describing.replied.connect(self._on_described)
        self._describing.failed.connect(self._on_failed)
        self._describing.loading_changed.connect(self.changed)
        self._fetching.replied.connect(self._on_fetched)
        self._fetching.failed.connect(self._on_failed)
        for change in changes:
            change.connect(self._renew)
        owner.library.catalog_arrived.connect(self._renew)
        owner.active_changed.connect(self._ask)

    @property
    def loading(self) -> DataLoading | None:
        """Loading of the data that the description waits for; None: it waits for none."""
        return self._describing.loading

    @property
    def busy(self) -> bool:
        """The description is on its way."""
        return self._describing.busy

    def _renew(self) -> None:
        """Forget what is known, and ask again."""
        self._due = True
        self.described = self.preview = None
        self.problem = ""
        self._describing.drop()
        self._fetching.drop()
        self._ask()
        self.changed.emit()

    def _ask(self) -> None:
        images, owner = self._chosen(), self._owner
        if self._due and owner.active and owner.run and images is not None and owner.library.catalog is not None:
            self._due = False
            self._describing.send(DescribeImages(run=owner.run, images=owner.resolved(images)))
            self.changed.emit()

    def _on_described(self, event: ImagesDescribed) -> None:
        self.described = event
        images = self._chosen()
        if images is not None and event.count:
            first = Array.of(np.arange(min(PREVIEWED, event.count), dtype=np.int64))
            resolved = self._owner.resolved(images)
            self._fetching.send(FetchImages(run=self._owner.run, images=resolved, indices=first))
        self.changed.emit()

    def _on_fetched(self, event: ImagesFetched) -> None:
        self.preview = event
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
        self.changed.emit()
