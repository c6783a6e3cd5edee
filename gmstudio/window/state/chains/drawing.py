"""Image that a user draws for the chains to start from, with the history of its edits."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.levels import quantize, to_display
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.edits import EditRecorder


class ChainDrawing(QObject):
    """The drawn image; it stays through a change of run, converted to the levels of an image of the same size.

    Attributes:
        edits: strokes and whole images, to be undone.

    Signals:
        restored: an edit was undone or redone.
    """

    restored = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[NDArray[np.uint8], int] | None = None
        self._name, self._count = "Draw", 0
        self.edits = EditRecorder(self)
        self.edits.add_part("drawing", lambda: self._drawn, self._restore)

    def begin_edit(self, name: str) -> None:
        """Begin an edit, such as a stroke: all that is drawn until the next one is one step of the history."""
        self._name, self._count = name, self._count + 1

    def take(self, levels: NDArray[np.uint8], image: ImageSpec) -> None:
        """Take the image, (C, H, W) uint8 levels."""
        with self.edits.recording(self._name, key=f"drawing {self._count}"):
            self._drawn = levels, image.levels

    def levels_of(self, image: ImageSpec) -> NDArray[np.uint8] | None:
        """Return the image as (C, H, W) uint8 levels of other images; None where nothing of their size was drawn."""
        if self._drawn is None or self._drawn[0].shape != image.shape:
            return None
        drawn, levels = self._drawn
        return drawn if levels == image.levels else quantize(to_display(drawn, levels), 255, image.levels)

    def _restore(self, drawn: tuple[NDArray[np.uint8], int] | None) -> None:
        self._drawn = drawn
        self.restored.emit()
