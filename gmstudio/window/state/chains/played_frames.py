"""Playing of a trajectory's frames: the frame that is shown, the selected chain, the clock."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.chains.frames import Frames
from gmstudio.window.state.play_clock import PlayClock

MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 240.0


class PlayedFrames(QObject):
    """Frames that are shown one after another, also while they arrive.

    Attributes:
        frames: frames that arrived.
        position: number of the frame that is shown, 0 … M-1.
        chain: number of the selected chain; -1: none is.
        speed_hz: frames per second while playing.

    Signals:
        grown: frames arrived, or all were removed; or another trajectory is kept.
        moved: another frame is shown, another chain is selected, or ``playing`` changed.
    """

    grown = Signal()
    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frames = Frames()
        self.position = 0
        self.chain = -1
        self.speed_hz = 20.0
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)

    @property
    def running(self) -> bool:
        """Further frames are being computed."""
        return False

    @property
    def playing(self) -> bool:
        """The frames are shown one after another."""
        return self._clock.running

    @property
    def length(self) -> int:
        """M, number of frames that arrived."""
        return len(self.frames)

    def shown(self) -> NDArray[np.uint8]:
        """Return the frame at ``position``, (N, C, H, W); empty when there is none."""
        return self.frames.frame(self.position)

    def seek(self, position: int) -> None:
        """Show a frame."""
        position = min(max(position, 0), max(self.length - 1, 0))
        if position != self.position:
            self.position = position
            self.moved.emit()

    def select_chain(self, chain: int) -> None:
        """Select a chain; the selected one again, or one that there is not, selects none."""
        count = self.frames.images.shape[1] if self.length else 0
        self.chain = chain if 0 <= chain < count and chain != self.chain else -1
        self.moved.emit()

    def step(self, by: int) -> None:
        """Pause, and move forward or back by a number of frames."""
        self.pause()
        self.seek(self.position + by)

    def play(self) -> None:
        """Show the frames one after another; at the end, start again."""
        if not self.length and not self.running:
            return
        if self.position >= self.length - 1 and not self.running:
            self.position = 0
        self._clock.start(due=0.0)
        self.moved.emit()

    def pause(self) -> None:
        """Stop playing."""
        if self.playing:
            self._clock.stop()
            self.moved.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Set the frames per second while playing."""
        self.speed_hz = min(max(speed_hz, MIN_SPEED_HZ), MAX_SPEED_HZ)
        self.moved.emit()

    def _on_tick(self) -> None:
        behind = self.position < self.length - 1
        due = self._clock.take(self.speed_hz, free=behind)
        if behind:
            self.seek(self.position + due)
        elif not self.running:
            self.pause()
