"""Place in the training that all tiles show: a slider over the recorded steps, and playing."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.plane.recorded import Axis
from gmstudio.window.state.play_clock import PlayClock

MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 60.0


class TrainingPlace(QObject):
    """Place on the axis of training; at its right end it follows the present weights.

    Attributes:
        axis: training step or training time.
        place: step or seconds; None: now.
        stops: (N,) float64 places at which something was recorded, rising.
        speed_hz: stops per second while playing.
        waiting: a surface of the present place is still on its way, so that playing waits.

    Signals:
        moved: ``place`` or ``axis`` changed.
        stops_changed: ``stops`` changed.
        changed: ``playing`` or the speed changed.
    """

    moved = Signal()
    stops_changed = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis: Axis = "step"
        self.place: float | None = None
        self.stops: NDArray[np.float64] = np.zeros(0)
        self.speed_hz = 12.0
        self.waiting = False
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)

    @property
    def playing(self) -> bool:
        """The stops are shown one after another."""
        return self._clock.running

    @property
    def end(self) -> float:
        """Last place at which something was recorded; 0 where nothing was."""
        return float(self.stops[-1]) if len(self.stops) else 0.0

    @property
    def shown(self) -> float:
        """Place that is shown, the last one for now."""
        return self.end if self.place is None else self.place

    def set_stops(self, stops: NDArray[np.float64]) -> None:
        """Set the places at which something was recorded."""
        if not np.array_equal(stops, self.stops):
            self.stops = stops
            self.stops_changed.emit()

    def set_axis(self, axis: Axis, stops: NDArray[np.float64]) -> None:
        """Choose the axis of all tiles; they show the present weights then, as places on two axes do not correspond."""
        if axis != self.axis:
            self.pause()
            self.axis, self.place, self.stops = axis, None, stops
            self.stops_changed.emit()
            self.moved.emit()

    def go(self, place: float | None, *, recorded: bool = False) -> None:
        """Show a place.

        Args:
            place: step or seconds; None, or one at or behind the last stop: now.
            recorded: show what was recorded at the last stop, too, and not the present weights there.
        """
        if place is not None and (not len(self.stops) or (place >= self.end and not recorded)):
            place = None
        if place is not None:
            place = max(place, float(self.stops[0]))
        if place != self.place:
            self.place = place
            self.moved.emit()

    def step(self, by: int) -> None:
        """Move by a number of stops, and pause."""
        self.pause()
        self._advance(by)

    def play(self) -> None:
        """Show the stops one after another; from now on, start at the first one."""
        if len(self.stops) < 2:
            return
        if self.place is None:
            self.go(float(self.stops[0]))
        self._clock.start(due=0.0)
        self.changed.emit()

    def pause(self) -> None:
        """Stop playing."""
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Set the stops per second while playing."""
        self.speed_hz = min(max(speed_hz, MIN_SPEED_HZ), MAX_SPEED_HZ)
        self.changed.emit()

    def _advance(self, by: int) -> None:
        if len(self.stops):
            index = int(np.searchsorted(self.stops, self.shown, side="right")) - 1 + by
            self.go(float(self.stops[min(max(index, 0), len(self.stops) - 1)]))

    def _on_tick(self) -> None:
        due = self._clock.take(self.speed_hz, free=not self.waiting)
        if due:
            self._advance(due)
            if self.place is None:
                self.pause()
