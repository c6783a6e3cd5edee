"""Contact sheet of images of a split, by their numbers, with captions."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.protocol.data import SplitName
from gmstudio.protocol.image_sets import DataImages, ImagesFetched
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.fetched_images import FetchedImages, SetOfRun


class ImageSheet(QWidget):
    """Contact sheet that fetches its images.

    Args:
        panel: that it belongs to.
        state: of the panel, with the run whose data are shown.
        control: name of the control.
        name: accessible name.
        split: which images.
    """

    def __init__(self, panel: Panel, state: FeaturesState, control: str, name: str, split: SplitName) -> None:
        super().__init__(panel)
        self._source = FetchedImages(state.link, self._shown, self)
        self._state, self._split = state, split
        self._empty = ""
        self._indices: NDArray[np.int64] = np.zeros(0, np.int64)
        self.sheet = ContactSheet()
        panel.name_widget(self.sheet, control, name, "")
        self.sheet.set_tips(lambda index: f"{split} image {index:,}")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.sheet)
        self.sheet.wanted.connect(self._source.fetch)
        self._source.arrived.connect(self._on_arrived)
        self._source.problem_changed.connect(self._show_words)
        state.run_changed.connect(self._source.reset)
        state.run_changed.connect(self.sheet.forget_images)

    @property
    def indices(self) -> NDArray[np.int64]:
        """Numbers of the images on display."""
        return self._indices

    def show_indices(self, indices: NDArray[np.int64], empty: str) -> None:
        """Show images.

        Args:
            indices: (n,) numbers in the split.
            empty: sentence where there are none.
        """
        self._empty = empty
        if not np.array_equal(indices, self._indices):
            self._indices = indices
            self.sheet.set_order(indices)
        self._show_words()

    def _shown(self) -> SetOfRun | None:
        run = self._state.run
        return (run, DataImages(run=run, split=self._split)) if run else None

    def _on_arrived(self, event: ImagesFetched) -> None:
        self.sheet.show_images(event.indices.numpy(), event.images.numpy(), event.image.levels)

    def _show_words(self) -> None:
        self.sheet.set_placeholder(self._source.problem or self._empty)
