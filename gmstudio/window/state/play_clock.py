"""One clock for all that plays: generations, interpolations, trajectories."""

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

TICK_MS = 16
BACKLOG_S = 0.1
"""What playing may fall behind and catch up; beyond it, it is as fast as the engine."""


class PlayClock(QObject):
    """Counts the units (sub-pixels, frames, seconds) that are due while something plays.

    Attributes:
        due: units that should have been played by now and were not taken yet.

    Signals:
        ticked: about every frame while it runs.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.due = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.ticked)

    def start(self, due: float = 1.0) -> None:
        """Begin; ``due`` units are due at once."""
        self.due = due
        self._clock.start()
        self._timer.start()

    @property
    def running(self) -> bool:
        """Whether it ticks."""
        return self._timer.isActive()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def take(self, speed_hz: float, *, free: bool) -> int:
        """Number of whole units to play now; while the engine is not free none, and little is remembered as due."""
        self.due += self._clock.restart() / 1000 * speed_hz
        if not free:
            self.due = min(self.due, 1 + speed_hz * BACKLOG_S)
            return 0
        count = int(self.due)
        self.due -= count
        return count

    def elapsed(self, speed_hz: float = 1.0) -> float:
        """Units since the last call, fractions included, for what moves continuously; at 1 Hz these are seconds."""
        return self._clock.restart() / 1000 * speed_hz
