"""View of what one model has inside: its inputs, its layers, and its frames where it is animated."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.plane import DrawInside, InsideDrawn, PlaneSlider, PlaneView
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.play_clock import PlayClock

FRAME = "frame"
SPEED_HZ = 12.0
SHARE = 0.15
GAP_S, LONGEST_S = 0.2, 20.0

Inputs = dict[str, NDArray[np.float64]]


class InsideState(QObject):
    """Requests the view that is chosen, with the newest inputs.

    Args:
        events: connection to the engine.
        run: name of the run.

    Attributes:
        view: that is chosen; None: none.
        inputs: handles, guides and sliders that the user set, of the chosen view.
        drawn: the newest reply of the chosen view; None: none arrived yet.
        problem: reason why the last request failed, or "".

    Signals:
        changed: an attribute, or ``playing``, changed.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, run: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.view: PlaneView | None = None
        self.inputs: Inputs = {}
        self.drawn: InsideDrawn | None = None
        self.problem = ""
        self._point: tuple[float, ...] = ()
        self._inputs_of: dict[str, Inputs] = {}
        self._active = False
        self._budget = Budget(SHARE, gap_s=GAP_S, longest_s=LONGEST_S)
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_drawn)
        self._latest.failed.connect(self._on_failed)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.request)
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)

    @property
    def busy(self) -> bool:
        """A view is being computed."""
        return self._latest.busy

    @property
    def playing(self) -> bool:
        """The frames of an animated view are shown one after another."""
        return self._clock.running

    @property
    def frame_slider(self) -> PlaneSlider | None:
        """Slider that steps through the frames of an animated view; None where it is not animated."""
        sliders = self.view.sliders if self.view is not None and self.view.animated else ()
        return next((slider for slider in sliders if slider.name == FRAME), None)

    def value(self, slider: PlaneSlider) -> float:
        """Present value of a slider."""
        return float(self.inputs[slider.name][0]) if slider.name in self.inputs else slider.value

    def set_active(self, active: bool) -> None:
        """Request views only while they are seen."""
        self._active = active
        if active:
            self.request()
        else:
            self._timer.stop()
            self._latest.cancel()
            self._latest.reset()
            self.stop()

    def choose(self, view: PlaneView | None) -> None:
        """Show another view, with the inputs that it had last; None: none."""
        if view == self.view:
            return
        self.stop()
        if self.view is None or view is None or view.name != self.view.name:
            self.drawn = None
            self._latest.cancel()
            self._latest.reset()
        self.view, self.problem = view, ""
        self.inputs = self._inputs_of.setdefault(view.name, {}) if view is not None else {}
        self.request()
        self.changed.emit()

    def set_input(self, name: str, values: NDArray[np.float64]) -> None:
        """Set a handle, a guide or a slider."""
        self.set_inputs(self.inputs | {name: np.array(values, np.float64)})

    def set_inputs(self, inputs: Inputs) -> None:
        """Set all inputs of the chosen view."""
        if self.view is not None:
            self.inputs = self._inputs_of[self.view.name] = dict(inputs)
            self.request()
            self.changed.emit()

    def request(self) -> None:
        """Request the view; the newest inputs win."""
        if self._active and self.view is not None:
            self._timer.stop()
            inputs = {name: Array.of(values) for name, values in self.inputs.items()}
            self._latest.submit(DrawInside(run=self.run, view=self.view.name, inputs=inputs, point=self._point))

    def set_point(self, point: tuple[float, ...]) -> None:
        """Set the chosen point of the plane, which views show in their own way; empty: none."""
        if point != self._point:
            self._point = point
            self.request()

    def refresh(self) -> None:
        """Request the view with newer weights, within a share of the engine's time."""
        if self._active and self.view is not None and not self._latest.busy and not self._timer.isActive():
            self._timer.start(round(1000 * self._budget.wait_s))

    # ---- frames --------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Show the frames one after another; at the end, start again."""
        slider = self.frame_slider
        if slider is not None:
            if self.value(slider) >= slider.high:
                self.set_input(FRAME, np.array([slider.low]))
            self._clock.start(due=0.0)
            self.changed.emit()

    def stop(self) -> None:
        """Stop playing."""
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def _on_tick(self) -> None:
        slider = self.frame_slider
        if slider is None:
            self.stop()
            return
        due = self._clock.take(SPEED_HZ, free=not self.busy)
        if due:
            value = min(self.value(slider) + due * slider.step, slider.high)
            self.set_input(FRAME, np.array([value]))
            if value >= slider.high:
                self.stop()

    # ---- replies -------------------------------------------------------------------------------------------------

    def _on_drawn(self, event: InsideDrawn) -> None:
        if event.done:
            self._budget.end(event.engine_ms / 1000)
        if self.view is not None and event.view == self.view.name:
            self.drawn, self.problem = event, ""
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.stop()
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
