"""Transport of the Pixels panel: play, step, scrub, speed."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.breakpoints import BreakpointsRow
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.pixels.navigator import MAX_SPEED_HZ, MIN_SPEED_HZ
from gmstudio.window.state.pixels.state import PixelsState

NOT_OPEN, AT_START, AT_END = "No generation is open.", "Nothing is sampled yet.", "The image is finished."
NARROW = 70 * GRID
"""Below this width, buttons and speed do not fit side by side."""


class Transport(QWidget):
    """Buttons, the step slider and the speed.

    Args:
        panel: gets the actions.
        session: its navigator is moved.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._panel, self._session, self._navigator = panel, session, session.navigator
        self._add_actions(panel)
        self.scrub = TypedSlider(0, 1, decimals=0)
        self.scrub.name(
            "pixels.scrub",
            "Step",
            SCRUB_TIP,
        )
        self.speed = TypedSlider(MIN_SPEED_HZ, MAX_SPEED_HZ, decimals=0, log=True, suffix=" px/s")
        self.speed.name("pixels.speed", "Speed", "Sub-pixels sampled per second while playing, 1 to 1000.")
        self._of = QLabel()
        self.breakpoints = BreakpointsRow(panel, session)
        self._lay_out(panel)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.scrub.value_changed.connect(self._on_scrubbed)
        self.speed.value_changed.connect(self._navigator.set_speed)
        self._navigator.moved.connect(self.refresh)
        self._navigator.changed.connect(self.refresh)
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        navigator, session = self._navigator, self._session
        add = panel.add_action
        self.reset = add("reset", "Reset", "R", session.reset, icon="reset", tip=RESET_TIP)
        self.start = add("start", "To the start", "Home", self._to_start, icon="undo", tip=START_TIP)
        self.row_back = add(
            "row_back", "One row back", "Up", self._row_back, icon="up", tip="Back to the start of the row"
        )
        self.back = add(
            "back", "One step back", "Left", navigator.back, icon="back", tip="Step back (later values are kept)"
        )
        self.play = add("play", "Play", "Space", self._toggle, icon="play", tip=PLAY_TIP)
        self.step = add("step", "One step", "Right", navigator.forward, icon="step", tip="Sample one sub-pixel")
        self.pixel_back = add(
            "pixel_back",
            "One pixel back",
            "Shift+Left",
            self._pixel_back,
            icon="left",
            tip="Back to the pixel's start",
        )
        self.pixel = add(
            "pixel", "One pixel", "Shift+Right", self._pixel, icon="pixel", tip="Sample all channels of a pixel"
        )
        self.row = add("row", "One row", "Down", self._row, icon="row", tip="Sample to the end of the row")
        self.finish = add("finish", "Finish", "End", self._finish, icon="finish", tip=FINISH_TIP)

    def _lay_out(self, panel: Panel) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        self._buttons = buttons
        for action in (self.reset, self.start, self.row_back, self.back):
            buttons.addWidget(quiet(panel.button(action, icon_only=True)))
        play = quiet(panel.button(self.play))
        play.setProperty("primary", True)
        self._play_button = play
        buttons.addWidget(play)
        self._pixel_button = quiet(panel.button(self.pixel, icon_only=True))
        buttons.addWidget(quiet(panel.button(self.step, icon_only=True)))
        buttons.addWidget(self._pixel_button)
        for action in (self.row, self.finish):
            buttons.addWidget(quiet(panel.button(action, icon_only=True)))
        buttons.addStretch(1)
        self._speed = QWidget()
        speed = QHBoxLayout(self._speed)
        speed.setContentsMargins(0, 0, 0, 0)
        speed_label = QLabel("Speed")
        speed_label.setBuddy(self.speed.slider)
        speed.addWidget(speed_label)
        speed.addWidget(self.speed, 1)
        self._controls = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._controls.setSpacing(GRID)
        self._controls.addLayout(buttons)
        steps = QHBoxLayout()
        step_label = QLabel("Step")
        step_label.setBuddy(self.scrub.slider)
        steps.addWidget(step_label)
        steps.addWidget(self.scrub, 1)
        steps.addWidget(self._of)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID)
        self._column.addLayout(steps)
        self._column.addLayout(self._controls)
        self.take_settings()

    def take_settings(self) -> None:
        """Show speed and breakpoints with the buttons, after they stood elsewhere."""
        self._controls.addWidget(self._speed, 1)
        self._column.addWidget(self.breakpoints)

    def give_settings(self, column: QVBoxLayout) -> None:
        """Show speed and breakpoints in another column, where there is no height for them here."""
        column.addWidget(self._speed)
        column.addWidget(self.breakpoints)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the speed below the buttons in a narrow window."""
        directions = QBoxLayout.Direction
        narrow = event.size().width() < NARROW
        self._controls.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)
        self._buttons.setSpacing(GRID // 4 if narrow else GRID // 2)
        self._play_button.setMinimumWidth(scaled_px(self, (9 if narrow else 11) * GRID))
        super().resizeEvent(event)

    def refresh(self) -> None:
        """Show the position, and enable the actions that are possible."""
        navigator, state = self._navigator, self._navigator.shown
        self.speed.set_value(navigator.speed_hz)
        moving = navigator.playing or navigator.finishing
        self.play.setText("Stop" if navigator.finishing else "Pause" if navigator.playing else "Play")
        icon = "stop" if navigator.finishing else "pause" if navigator.playing else "play"
        self._panel.set_action_icon(self.play, icon)
        usable = (navigator.usable or navigator.opening) and state is not None
        backward = (self.start, self.row_back, self.back, self.pixel_back)
        forward = (self.step, self.pixel, self.row, self.finish)
        closed = "" if usable else NOT_OPEN
        self._panel.allow(self.play, "" if moving else closed)
        for action in backward:
            self._panel.allow(action, closed or (AT_START if state is not None and not state.step else ""))
        for action in forward:
            self._panel.allow(action, closed or (AT_END if state is not None and state.finished else ""))
        self.reset.setEnabled(bool(self._session.run))
        self.scrub.setEnabled(usable)
        if state is None:
            self._of.setText("")
            return
        self._pixel_button.setVisible(state.spec.channels > 1)  # of grey images a step is a pixel
        self.scrub.set_range(0, state.num_dims)
        self.scrub.set_value(state.step)
        beyond = f" · recorded to {state.path:,}" if state.path > state.step else ""
        whole = f"of {state.num_dims:,} · recorded to {state.num_dims:,}"
        self._of.setMinimumWidth(self._of.fontMetrics().horizontalAdvance(whole))  # so that the slider stays in place
        self._of.setText(f"of {state.num_dims:,}{beyond}")

    def _on_scrubbed(self, step: float) -> None:
        state, target = self._navigator.shown, round(step)
        if state is not None and target > state.path:
            self._navigator.draw_to(target)
        else:
            self._navigator.go_to(target)

    def _toggle(self) -> None:
        if self._navigator.playing or self._navigator.finishing:
            self._navigator.pause()
        else:
            self._navigator.play()

    def _finish(self) -> None:
        if self._navigator.finishing:
            self._navigator.pause()
        else:
            self._navigator.finish()

    def _to_start(self) -> None:
        self._navigator.go_to(0)

    def _row(self) -> None:
        if self._navigator.shown is not None:
            self._navigator.draw_to(self._navigator.shown.row_end(self._navigator.target), stops_at_breakpoints=True)

    def _row_back(self) -> None:
        if self._navigator.shown is not None:
            self._navigator.go_to(self._navigator.shown.row_start(self._navigator.target))

    def _pixel(self) -> None:
        if self._navigator.shown is not None:
            self._navigator.draw_to(self._navigator.shown.pixel_end(self._navigator.target))

    def _pixel_back(self) -> None:
        if self._navigator.shown is not None:
            self._navigator.go_to(self._navigator.shown.pixel_start(self._navigator.target))


def quiet(button: QToolButton) -> QToolButton:
    """Keep a click from moving the focus; with the focus (by Tab), Return presses the button."""
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


SCRUB_TIP = (
    "Number of sampled sub-pixels. Earlier and later ones of the recorded path can be replayed; beyond its end, new "
    "ones are sampled. Any step can be typed."
)
PLAY_TIP = "Sample sub-pixel after sub-pixel at the chosen speed, or pause"
RESET_TIP = "Begin again with the same weights and seed, from the observed pixels or an empty image"
START_TIP = "Back to the empty image; the recorded path can be replayed"
FINISH_TIP = "Sample the rest as fast as possible; press again to stop"
