"""Slider over the steps of a training: dragged, typed, played, and moved by keys."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.edits import Burst
from gmstudio.window.state.runs.travel import MAX_SPEED_HZ, MIN_SPEED_HZ, TravelState

NOTHING = "This run has no checkpoints or saved samples to travel to."
AT_NEWEST = "The newest step is shown, and the panels use the newest weights."


class TravelTransport(QWidget):
    """First, back, play, forward, slider, newest, and speed.

    Args:
        panel: panel that names the controls and has the actions.
        state: with the step that is shown.

    Attributes:
        slider: over the steps.
    """

    def __init__(self, panel: Panel, state: TravelState) -> None:
        super().__init__()
        self._panel, self._state, self._burst = panel, state, Burst()
        add = panel.add_action
        self.start = add(
            "travel_start", "First step", "Ctrl+Home", self._to_start, icon="start", tip="First step", needs=NOTHING
        )
        self.back = add(
            "travel_back",
            "Back",
            "Ctrl+Left",
            lambda: self._move(-1),
            icon="back",
            tip="Checkpoint or saved samples before",
            needs=NOTHING,
        )
        self.play = add(
            "travel_play",
            "Play",
            "Shift+P",
            self._toggle,
            icon="play",
            tip="Play the training from checkpoint to checkpoint, or pause",
            needs=NOTHING,
        )
        self.forward = add(
            "travel_forward",
            "Forward",
            "Ctrl+Right",
            lambda: self._move(1),
            icon="step",
            tip="Next checkpoint or saved samples",
            needs=NOTHING,
        )
        self.newest = add(
            "travel_newest",
            "Return to newest",
            "Ctrl+End",
            state.return_to_newest,
            icon="finish",
            tip="Show the newest step, and let all panels use the newest weights",
            needs=AT_NEWEST,
        )
        self.slider = TypedSlider(0, 1, decimals=0)
        self.slider.name(
            "runs.travel_step", "Training step", "Training step that is shown: curves, samples, images and the model."
        )
        self.speed = TypedSlider(MIN_SPEED_HZ, MAX_SPEED_HZ, decimals=0, log=True, suffix=" /s")
        self.speed.name("runs.travel_speed", "Speed", "Steps with something to show, per second while playing.")
        self.speed.set_value(state.speed_hz)
        self.speed.slider.setMinimumWidth(6 * GRID)
        self._lay_out()
        self.slider.slider.sliderPressed.connect(self._burst.begin)
        self.slider.value_changed.connect(self._on_moved)
        self.speed.value_changed.connect(state.set_speed)
        state.moved.connect(self.refresh)
        state.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        for action in (self.start, self.back, self.play, self.forward):
            row.addWidget(self._button(action is not self.play, self._panel.button(action, icon_only=True)))
        row.addWidget(self.slider, 5)
        row.addWidget(self._panel.button(self.newest))
        label = QLabel("Speed")
        label.setBuddy(self.speed.slider)
        row.addSpacing(GRID)
        row.addWidget(label)
        row.addWidget(self.speed, 1)

    def _button(self, plain: bool, button: QToolButton) -> QToolButton:
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if not plain:
            button.setProperty("primary", True)
        return button

    def refresh(self) -> None:
        """Show the step."""
        state = self._state
        several = len(state.stops) > 1
        self.slider.setEnabled(several)
        self.slider.set_range(0, max(state.last, 1))
        self.slider.set_value(state.at)
        self.play.setText("Pause" if state.playing else "Play")
        self._panel.set_action_icon(self.play, "pause" if state.playing else "play")
        for action in (self.start, self.back, self.play, self.forward):
            action.setEnabled(several)
        self.newest.setEnabled(state.step is not None or state.explored is not None)

    def _on_moved(self, value: float) -> None:
        drag = self._burst.move(held=self.slider.slider.isSliderDown())
        self._state.travel(round(value), key=f"drag {drag}")

    def _move(self, by: int) -> None:
        if (step := self._state.beside(by)) is not None:
            self._state.travel(step, key=f"stops {self._burst.move(held=False)}")

    def _to_start(self) -> None:
        self._state.travel(0)

    def _toggle(self) -> None:
        if self._state.playing:
            self._state.pause()
        else:
            self._state.play()
