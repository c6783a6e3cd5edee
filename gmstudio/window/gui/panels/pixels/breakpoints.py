"""Breakpoints of the Pixels panel: entropy and probability at which generation stops by itself."""

from dataclasses import replace

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.names import where
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.pixels.breakpoints import Breakpoints, Stop
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

MAX_ENTROPY = 6.0
"""A little above log 256, the entropy of 256 equally likely levels."""
ENTROPY_TIP = (
    "Breakpoint: playing, finishing and going to the end of a row stop before a sub-pixel whose conditional has a "
    "larger entropy than this. The next play continues."
)
PROBABILITY_TIP = (
    "Breakpoint: playing, finishing and going to the end of a row stop after a sub-pixel whose value had a smaller "
    "probability than this. The next play continues."
)


class BreakpointsRow(QWidget):
    """A switch and a threshold for each kind of breakpoint.

    Args:
        panel: names the controls.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._navigator = session.navigator
        self.entropy_on = QCheckBox("Stop at entropy >")
        self.entropy = NumberField()
        self.probability_on = QCheckBox("at p <")
        self.probability = NumberField()
        panel.name_widget(self.entropy_on, "stop.entropy", "Stop at high entropy", ENTROPY_TIP)
        panel.name_widget(self.entropy, "stop.entropy.value", "Entropy to stop at, in nats", ENTROPY_TIP)
        panel.name_widget(self.probability_on, "stop.probability", "Stop at unlikely values", PROBABILITY_TIP)
        panel.name_widget(self.probability, "stop.probability.value", "Probability to stop below", PROBABILITY_TIP)
        _set_up(self.entropy, MAX_ENTROPY, 2, 0.05, " nats")
        _set_up(self.probability, 1.0, 4, 0.005, "")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for widget in (self.entropy_on, self.entropy, self.probability_on, self.probability):
            row.addWidget(widget)
        row.addStretch(1)
        self.entropy_on.toggled.connect(lambda on: self._set(replace(self._navigator.breakpoints, entropy_on=on)))
        self.entropy.valueChanged.connect(lambda nats: self._set(replace(self._navigator.breakpoints, entropy=nats)))
        self.probability_on.toggled.connect(
            lambda on: self._set(replace(self._navigator.breakpoints, probability_on=on))
        )
        self.probability.valueChanged.connect(lambda p: self._set(replace(self._navigator.breakpoints, probability=p)))
        self._navigator.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the breakpoints."""
        points = self._navigator.breakpoints
        for field in (self.entropy_on, self.entropy, self.probability_on, self.probability):
            field.blockSignals(True)
        self.entropy_on.setChecked(points.entropy_on)
        self.entropy.setValue(points.entropy)
        self.probability_on.setChecked(points.probability_on)
        self.probability.setValue(points.probability)
        for field in (self.entropy_on, self.entropy, self.probability_on, self.probability):
            field.blockSignals(False)

    def _set(self, points: Breakpoints) -> None:
        self._navigator.set_breakpoints(points)


def stop_text(stop: Stop, state: PixelSnapshot) -> str:
    """Sentence about a breakpoint: ``Stopped: entropy 0.66 > 0.60 nats at row 3, column 5``."""
    place = where(state, stop.step)
    if stop.kind == "entropy":
        return f"Stopped: entropy {stop.value:.2f} > {stop.threshold:.2f} nats at {place}"
    channel, row, column = state.place_of(stop.step)
    value = state.image[channel, row, column]
    return f"Stopped: value {value} had p = {stop.value:.2g} < {stop.threshold:.4g} at {place}"


def _set_up(field: NumberField, high: float, decimals: int, step: float, suffix: str) -> None:
    field.setDecimals(decimals)
    field.setRange(0.0, high)
    field.setSingleStep(step)
    field.setSuffix(suffix)
    fit_width(field, f"{high:.{decimals}f}{suffix}")
