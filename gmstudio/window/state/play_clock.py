"""Clock for playing generations, interpolations and trajectories."""

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

TICK_MS = 16
BACKLOG_S = 0.1
"""Longest delay that playing catches up; beyond it, playing is as fast as the engine."""


class PlayClock(QObject):
    """Counts the units (sub-pixels, frames, seconds) that are due while playing.

    Args:
        backlog_s: longest delay that playing catches up.

    Attributes:
        due: units that are due and not taken yet.

    Signals:
        ticked: emitted about once per screen frame while it runs.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None, *, backlog_s: float = BACKLOG_S) -> None:
        super().__init__(parent)
        self.due = 0.0
        self._backlog_s = backlog_s
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.ticked)

    def start(self, due: float = 1.0) -> None:
        """Start with ``due`` units due at once."""
        self.due = due
        self._clock.start()
        self._timer.start()

    @property
    def running(self) -> bool:
        """The clock ticks."""
        return self._timer.isActive()

    def stop(self) -> None:
        """Stop ticking."""
        self._timer.stop()

    def take(self, speed_hz: float, *, free: bool) -> int:
        """Take the whole units that are due; while the engine is not free none, and only a short delay is caught up."""
        self.due += self._clock.restart() / 1000 * speed_hz
        if not free:
            self.due = min(self.due, 1 + speed_hz * self._backlog_s)
            return 0
        count = int(self.due)
        self.due -= count
        return count

    def elapsed(self, speed_hz: float = 1.0) -> float:
        """Return the units since the last call, with fractions, for continuous motion; at 1 Hz these are seconds."""
        return self._clock.restart() / 1000 * speed_hz
