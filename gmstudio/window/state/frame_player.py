"""Playing of frames one after another: the frame that is shown, the speed, the clock."""

from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.play_clock import PlayClock

MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 240.0


class FramePlayer(QObject):
    """Frames that are shown one after another, also while they arrive.

    A subclass has the frames, and overrides ``length`` and ``running``.

    Attributes:
        position: number of the frame that is shown, 0 … M-1.
        speed_hz: frames per second while playing.

    Signals:
        moved: another frame is shown, or ``playing`` or the speed changed.
    """

    moved = Signal()

    def __init__(self, parent: QObject | None = None, *, speed_hz: float = 20.0) -> None:
        super().__init__(parent)
        self.position = 0
        self.speed_hz = speed_hz
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)

    @property
    def length(self) -> int:
        """M, number of frames that arrived."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Further frames are being computed."""
        return False

    @property
    def playing(self) -> bool:
        """The frames are shown one after another."""
        return self._clock.running

    def seek(self, position: int) -> None:
        """Show a frame."""
        position = min(max(position, 0), max(self.length - 1, 0))
        if position != self.position:
            self.position = position
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
