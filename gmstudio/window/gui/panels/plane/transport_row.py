"""Slider over the training: one place for all tiles, and playing."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.plane.recorded import Axis
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.plane.transport import MAX_SPEED_HZ, MIN_SPEED_HZ

AXES = {"step": "by step", "time": "by time"}
NOTHING = "No surfaces were recorded while these runs trained."
NOW, PAST = "now", "past"
AT_THE_END = "at its end the present weights, which are followed."


class TransportRow(QWidget):
    """Play, back, forward, slider, now, axis and speed.

    Args:
        panel: panel that names the controls and has the actions.
        state: state of the panel.
    """

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel)
        self._panel, self._state, self._place = panel, state, state.place
        add, place = panel.add_action, state.place
        self.play = add(
            "play", "Play", "Space", self._toggle, icon="play", tip="Play the training, or pause", needs=NOTHING
        )
        self.back = add(
            "back", "Back", "Ctrl+Left", lambda: place.step(-1), icon="back", tip="Recorded step before", needs=NOTHING
        )
        self.step = add(
            "step", "Forward", "Ctrl+Right", lambda: place.step(1), icon="step", tip="Next recorded step", needs=NOTHING
        )
        self.start = add(
            "start", "First step", "Ctrl+Home", self._to_start, icon="start", tip="First recorded step", needs=NOTHING
        )
        self.now = add(
            "now", "Now", "Ctrl+End", self._to_now, icon="finish", tip="Present weights; they are followed in training"
        )
        self.sliders: dict[Axis, TypedSlider] = {
            "step": TypedSlider(0, 1, decimals=0),
            "time": TypedSlider(0, 1, decimals=2, suffix=" s"),
        }
        self.sliders["step"].name("plane.step_shown", "Training step", f"Training step that is shown; {AT_THE_END}")
        self.sliders["time"].name("plane.time_shown", "Training time", f"Training time that is shown; {AT_THE_END}")
        self.where = QLabel()
        self.where.setProperty("role", "muted")
        self.axis = QComboBox()
        for axis, title in AXES.items():
            self.axis.addItem(title, axis)
        panel.name_widget(
            self.axis, "axis", "Compare by", "Show all runs at the same training step, or after the same training time"
        )
        self.speed = TypedSlider(MIN_SPEED_HZ, MAX_SPEED_HZ, decimals=0, log=True, suffix=" /s")
        self.speed.name("plane.speed", "Speed", "Recorded steps per second while playing.")
        self._speed_label = QLabel("Speed")
        self._speed_label.setBuddy(self.speed.slider)
        self._lay_out()
        for slider in self.sliders.values():
            slider.value_changed.connect(self._on_moved)
        self.axis.activated.connect(lambda index: state.set_axis(self.axis.itemData(index)))
        self.speed.value_changed.connect(place.set_speed)
        for changed in (place.moved, place.stops_changed, place.changed):
            changed.connect(self.refresh)
        state.tiles_changed.connect(self.refresh)
        state.options_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        for action in (self.start, self.back, self.play, self.step, self.now):
            button = self._panel.button(action, icon_only=action is not self.play)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if action is self.play:
                button.setProperty("primary", True)
                button.setMinimumWidth(10 * GRID)
            row.addWidget(button)
        for slider in self.sliders.values():
            row.addWidget(slider, 3)
        row.addWidget(self.where)
        row.addWidget(self.axis)
        row.addWidget(self._speed_label)
        row.addWidget(self.speed, 2)

    @property
    def slider(self) -> TypedSlider:
        """Slider of the present axis."""
        return self.sliders[self._place.axis]

    def set_narrow(self, narrow: bool) -> None:
        """Leave out the speed where there is little room."""
        for widget in (self._speed_label, self.speed):
            widget.setVisible(not narrow)

    def refresh(self) -> None:
        """Show the place."""
        place = self._place
        low = float(place.stops[0]) if len(place.stops) else 0.0
        several = len(place.stops) > 1
        for axis, slider in self.sliders.items():
            slider.setVisible(axis == place.axis)
            slider.setEnabled(several)
        self.slider.set_range(low, place.end if several else low + 1)
        self.slider.set_value(place.shown)
        self.where.setMinimumWidth(self.where.fontMetrics().horizontalAdvance(f" {PAST} "))
        self.where.setText(NOW if place.place is None else PAST)
        self.axis.setCurrentIndex(self.axis.findData(place.axis))
        self.speed.set_value(place.speed_hz)
        self.play.setText("Pause" if place.playing else "Play")
        self._panel.set_action_icon(self.play, "pause" if place.playing else "play")
        for action in (self.play, self.back, self.step, self.start):
            action.setEnabled(several)

    def _on_moved(self, value: float) -> None:
        self._place.pause()
        self._place.go(value)
        self.refresh()

    def _toggle(self) -> None:
        if self._place.playing:
            self._place.pause()
        else:
            self._place.play()

    def _to_start(self) -> None:
        self._place.pause()
        if len(self._place.stops):
            self._place.go(float(self._place.stops[0]))

    def _to_now(self) -> None:
        self._place.pause()
        self._place.go(None)
