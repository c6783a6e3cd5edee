"""The Chains panel: generation that is not pixel by pixel, on one trajectory."""

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.chains.curves import CurvesView
from gmstudio.window.gui.panels.chains.setup import SetupView
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, TypedSlider
from gmstudio.window.state.chains.state import MAX_SPEED_HZ, MIN_SPEED_HZ, ChainsState
from gmstudio.window.state.runs.library import RunLibrary

SIDE_WIDTH, NARROW_SIDE_WIDTH = 48 * GRID, 41 * GRID
NARROW, LOW = 120 * GRID, 75 * GRID
"""Width and height of the panel below which it does with less."""
STRIP_COLUMNS = 12
MANY = 10
"""Moments that a longer jump goes."""
KIND_WORDS = {"generation": "Generation by this model", "training": "Its training: kept sample grids"}
NO_RUN = (
    "No run to look at yet. Train an RBM, a GSN, a flow or a diffusion model; of any run the training can be played."
)
WAITING = "The first moments are on their way …"
STARTING = "The engine is starting …"


class ChainsPanel(Panel):
    """The images at one moment, large, with a transport; beside them where it begins, its curves and its mixing.

    Args:
        session: what it shows and changes.
        library: the runs to choose from.
    """

    name: ClassVar[str] = "chains"

    def __init__(self, session: ChainsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._library = session, library
        self.run = RunChooser(library, "")
        self.run.setObjectName("chains.run")
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.name_widget(self.kind, "kind", "What is played", "The model's own generation, or how its samples changed")
        self.images = ImageGrid()
        self.name_widget(self.images, "images", "States", "One image for each chain, at the moment of the cursor")
        self.strip = ImageGrid()
        self.name_widget(self.strip, "strip", "Strip", "A row for each chain, moments evenly over the trajectory")
        self.moment = _label("target")
        self.weights = ElidedLabel()
        self.weights.setProperty("role", "muted")
        self.meaning = ElidedLabel()
        self.meaning.setProperty("role", "muted")
        self.meaning.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.problem = _label("error")
        self.problem.setWordWrap(True)
        self.scrub = TypedSlider(0, 1, decimals=0)
        self.scrub.name("chains.scrub", "Frame", "Which frame of the trajectory is shown; any of them can be typed.")
        self.speed = TypedSlider(MIN_SPEED_HZ, MAX_SPEED_HZ, decimals=0, log=True, suffix=" /s")
        self.speed.name("chains.speed", "Speed", "Moments per second while playing.")
        self.setup = SetupView(self, session, library)
        self.curves = CurvesView(self, session)
        self._add_actions()
        self._lay_out()
        self._connect()
        session.choose_run(self.run.current())
        self._refresh_words()
        self._refresh_images()

    def _add_actions(self) -> None:
        add, session = self.add_action, self.session
        self.start = add("start", "To the start", "Home", self._to_start, icon="start", tip="To the first moment")
        self.jump_back = add(
            "jump_back", "Ten back", "Down", lambda: session.step(-MANY), icon="rewind", tip="Ten back"
        )
        self.back = add("back", "One back", "Left", lambda: session.step(-1), icon="back", tip="One moment back")
        self.play = add("play", "Play", "Space", self._toggle, icon="play", tip="Play the trajectory, or pause")
        self.step = add("step", "One on", "Right", lambda: session.step(1), icon="step", tip="One moment on")
        self.jump = add("jump", "Ten on", "Up", lambda: session.step(MANY), icon="forward")
        self.end = add("end", "To the end", "End", self._to_end, icon="finish", tip="To the newest moment")
        self.show_strip = add(
            "show_strip",
            "Strip",
            "V",
            self._on_strip,
            icon="row",
            tip="Show the whole trajectory at once: a row for each chain, moments evenly apart",
            checkable=True,
        )

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        header = QHBoxLayout()
        header.setSpacing(GRID)
        header.addWidget(self.run)
        header.addWidget(self.kind)
        header.addWidget(self.weights, 1)
        self._strip_button = self.button(self.show_strip)
        header.addWidget(self._strip_button)
        page.addLayout(header)
        page.addWidget(self.problem)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(self._left(), 1)
        self._side = QWidget()
        column = QVBoxLayout(self._side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.setup)
        column.addWidget(self.curves, 1)
        body.addWidget(self._side)
        page.addLayout(body, 1)

    def _left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        self.moment.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.moment)
        column.addWidget(self.meaning)
        column.addWidget(self.images, 1)
        column.addWidget(self.strip, 1)
        self.strip.hide()
        scrub = QHBoxLayout()
        label = QLabel("Frame")
        label.setBuddy(self.scrub.slider)
        scrub.addWidget(label)
        scrub.addWidget(self.scrub, 1)
        self._of = _label("muted")
        scrub.addWidget(self._of)
        column.addLayout(scrub)
        column.addLayout(self._transport())
        return column

    def _transport(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        keeper = KeyKeeper(self)
        self._left_out_when_narrow: list[QWidget] = []
        for action in (self.start, self.jump_back, self.back, self.play, self.step, self.jump, self.end):
            button = self.button(action, icon_only=action is not self.play)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.installEventFilter(keeper)
            if action is self.play:
                button.setProperty("primary", True)
                button.setMinimumWidth(11 * GRID)
            if action in (self.jump_back, self.jump):
                self._left_out_when_narrow.append(button)
            row.addWidget(button)
        row.addSpacing(GRID)
        label = QLabel("Speed")
        self._left_out_when_narrow.append(label)
        label.setBuddy(self.speed.slider)
        row.addWidget(label)
        row.addWidget(self.speed, 1)
        return row

    def _connect(self) -> None:
        session = self.session
        self.run.chosen.connect(session.choose_run)
        self.kind.activated.connect(lambda index: session.set_kind(self.kind.itemData(index)))
        self.scrub.value_changed.connect(self._on_scrubbed)
        self.speed.value_changed.connect(session.set_speed)
        self.strip.clicked.connect(self._on_strip_clicked)
        session.changed.connect(self._refresh_words)
        session.changed.connect(self._refresh_room)
        session.grown.connect(self._refresh_images)
        session.grown.connect(self._refresh_words)
        session.moved.connect(self._refresh_images)
        self._library.changed.connect(self._refresh_words)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh_images(self) -> None:
        session = self.session
        self.scrub.set_range(0, max(session.length - 1, 1))
        self.scrub.set_value(session.position)
        self.scrub.setEnabled(session.length > 1)
        self.speed.set_value(session.speed_hz)
        self.play.setText("Pause" if session.playing else "Play")
        self.set_action_icon(self.play, "pause" if session.playing else "play")
        self.moment.setText(session.labels[session.position] if session.length else " ")
        if self.show_strip.isChecked():
            self._refresh_strip()
        else:
            self.images.set_images(session.shown())
            self.images.set_captions(self._captions())
        self._of.setText(f"of {max(session.expected, session.length) - 1:,}" if session.length else "")

    def _captions(self) -> list[str]:
        curve = self.session.curve()
        if not curve.size or self.session.kind == "training":
            return []
        return [f"{value:.4g}" for value in curve[self.session.position]]

    def _refresh_strip(self) -> None:
        session = self.session
        if not session.length:
            self.strip.set_images(session.shown())
            return
        images, chosen = session.strip(STRIP_COLUMNS)
        self.strip.set_columns(len(chosen))
        self.strip.set_images(images.reshape(-1, *images.shape[2:]))
        nearest = min(range(len(chosen)), key=lambda i: abs(chosen[i] - session.position))
        self.strip.set_selected(nearest)

    def _refresh_words(self) -> None:
        session = self.session
        self.problem.setText(session.problem)
        self.problem.setVisible(bool(session.problem))
        kinds = session.kinds
        if [self.kind.itemData(i) for i in range(self.kind.count())] != list(kinds):
            self.kind.clear()
            for kind in kinds:
                self.kind.addItem(KIND_WORDS[kind], kind)
        self.kind.setCurrentIndex(self.kind.findData(session.kind))
        self.kind.setEnabled(len(kinds) > 1)
        shown = session.weights_step >= 0 and session.kind == "generation"
        self.weights.set_words(f"weights of step {session.weights_step:,}" if shown else "")
        if session.run and session.run != self.run.current():
            self.run.choose(session.run)
        self.meaning.set_words(session.card.shown if session.card and session.length else " ")
        nothing = NO_RUN if self._library.home else STARTING
        self.images.set_placeholder(nothing if not session.run else WAITING if session.running else " ")
        for action in (self.start, self.jump_back, self.back, self.play, self.step, self.jump, self.end):
            action.setEnabled(session.length > 1 or session.running)

    # ---- acting ------------------------------------------------------------------------------------------------

    def _to_start(self) -> None:
        self.session.pause()
        self.session.seek(0)

    def _to_end(self) -> None:
        self.session.pause()
        self.session.seek(self.session.length)

    def _toggle(self) -> None:
        if self.session.playing:
            self.session.pause()
        else:
            self.session.play()

    def _on_scrubbed(self, value: float) -> None:
        self.session.pause()
        self.session.seek(round(value))

    def _on_strip(self, on: bool) -> None:
        self.images.setVisible(not on)
        self.strip.setVisible(on)
        self._refresh_images()

    def _on_strip_clicked(self, index: int) -> None:
        """A click in the strip goes to its moment."""
        _, chosen = self.session.strip(STRIP_COLUMNS)
        if chosen:
            self.session.pause()
            self.session.seek(chosen[index % len(chosen)])

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Begin as soon as somebody looks."""
        super().showEvent(event)
        self.session.activate()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: stop playing."""
        super().hideEvent(event)
        self.session.deactivate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Do with the room there is."""
        self._refresh_room()
        super().resizeEvent(event)

    def _refresh_room(self) -> None:
        """In a narrow or low window, leave out what can be done without."""
        narrow, low = self.width() < NARROW, self.height() < LOW
        styles = Qt.ToolButtonStyle
        self._strip_button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)
        self._side.setFixedWidth(NARROW_SIDE_WIDTH if narrow else SIDE_WIDTH)
        for widget in self._left_out_when_narrow:
            widget.setVisible(not narrow)
        self.setup.set_low(low)
        self.curves.set_low(low and self.setup.drawing)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return label
