"""Playing of a trajectory's frames, and the selected chain."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.chains.frames import Frames
from gmstudio.window.state.frame_player import FramePlayer


class PlayedFrames(FramePlayer):
    """Frames of the chains that are shown one after another, also while they arrive.

    Attributes:
        frames: frames that arrived.
        chain: number of the selected chain; -1: none is.

    Signals:
        grown: frames arrived, or all were removed; or another trajectory is kept.
    """

    grown = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frames = Frames()
        self.chain = -1

    @property
    def length(self) -> int:
        """M, number of frames that arrived."""
        return len(self.frames)

    def shown(self) -> NDArray[np.uint8]:
        """Return the frame at ``position``, (N, C, H, W); empty when there is none."""
        return self.frames.frame(self.position)

    def select_chain(self, chain: int) -> None:
        """Select a chain; the selected one again, or one that there is not, selects none."""
        count = self.frames.images.shape[1] if self.length else 0
        self.chain = chain if 0 <= chain < count and chain != self.chain else -1
        self.moved.emit()
