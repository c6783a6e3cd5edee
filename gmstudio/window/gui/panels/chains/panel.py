"""Chains panel: generation of whole images step by step, as a trajectory of frames."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.chains.curves import CurvesView
from gmstudio.window.gui.panels.chains.export import export_menu
from gmstudio.window.gui.panels.chains.frames_view import FramesView
from gmstudio.window.gui.panels.chains.setup import SetupView
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.sections import Section, Sections
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.chains.export import TrajectoryExport
from gmstudio.window.state.chains.state import ChainsState
from gmstudio.window.state.frame_player import MAX_SPEED_HZ, MIN_SPEED_HZ
from gmstudio.window.state.runs.library import RunLibrary

SIDE_WIDTH, NARROW_SIDE_WIDTH = 48 * GRID, 45 * GRID
NARROW, LOW, LOWEST = 120 * GRID, 75 * GRID, 62 * GRID
"""Width and height of the panel below which controls are left out, and below which settings or curves stand alone."""
EXPORT_TIP = "Write a film, this frame, the strip or the curve to a file, with its settings"
MANY = 10
"""Frames of a longer jump."""
KIND_TITLES = {"generation": "Generation", "training": "Training history (saved samples)"}
NO_RUN = (
    "No run yet. Train an RBM, a GSN, a flow or a diffusion model; the training history of any other run is shown too."
)
WAITING = "Computing the first frames …"
NO_FRAMES = "There are no frames yet."
STARTING = "The engine is starting …"


class ChainsPanel(Panel):
    """Images of one frame with a transport; beside them initial states, curves and mixing.

    Args:
        state: state of the chains.
        library: library of runs.
    """

    name: ClassVar[str] = "chains"

    def __init__(self, state: ChainsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state, self._library = state, library
        self.run = RunChooser(library, "", prefer="trajectory")
        self.run.setObjectName("chains.run")
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        tip = "Generation by the model, or the samples saved while it trained"
        self.name_widget(self.kind, "kind", "Trajectory", tip)
        self.present = FramesView(self, "", "")
        self.kept = FramesView(self, "kept_", " of the kept trajectory")
        self.images, self.strip = self.present.images, self.present.strip
        self.export = TrajectoryExport(state, self)
        self.frame = _label("target")
        self.weights = ElidedLabel()
        self.weights.setProperty("role", "muted")
        self.description = ElidedLabel()
        self.description.setProperty("role", "muted")
        self.description.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message = ElidedLabel()
        self.message.setObjectName("chains.message")
        self.problem = _label("error")
        self.problem.setWordWrap(True)
        self.scrub = TypedSlider(0, 1, decimals=0)
        self.scrub.name("chains.scrub", "Frame", "Frame of the trajectory that is shown.")
        self.speed = TypedSlider(MIN_SPEED_HZ, MAX_SPEED_HZ, decimals=0, log=True, suffix=" /s")
        self.speed.name("chains.speed", "Speed", "Frames per second while playing.")
        self.setup = SetupView(self, state, library)
        self.record_edits(state.drawing.edits)
        self.curves = CurvesView(self, state)
        self._add_actions()
        self._lay_out()
        self._connect()
        state.choose_run(self.run.current())
        self._refresh_texts()
        self._refresh_images()

    def _add_actions(self) -> None:
        add, state = self.add_action, self.state
        self.start = add("start", "First frame", "Home", self._to_start, icon="start", needs=NO_FRAMES)
        self.jump_back = add(
            "jump_back",
            f"Back {MANY}",
            "Down",
            lambda: state.step(-MANY),
            icon="rewind",
            tip=f"Back {MANY} frames",
            needs=NO_FRAMES,
        )
        self.back = add(
            "back", "Back 1", "Left", lambda: state.step(-1), icon="back", tip="Back 1 frame", needs=NO_FRAMES
        )
        self.play = add(
            "play", "Play", "Space", self._toggle, icon="play", tip="Play the trajectory, or pause", needs=NO_FRAMES
        )
        self.step = add(
            "step", "Forward 1", "Right", lambda: state.step(1), icon="step", tip="Forward 1 frame", needs=NO_FRAMES
        )
        self.jump = add(
            "jump",
            f"Forward {MANY}",
            "Up",
            lambda: state.step(MANY),
            icon="forward",
            tip=f"Forward {MANY} frames",
            needs=NO_FRAMES,
        )
        self.end = add("end", "Last frame", "End", self._to_end, icon="finish", tip="Newest frame", needs=NO_FRAMES)
        self.show_strip = add(
            "show_strip",
            "Strip",
            "V",
            self._on_strip,
            icon="row",
            tip="Show the whole trajectory: one row for each chain, frames evenly spaced",
            checkable=True,
        )
        self.compare = add(
            "compare",
            "Compare",
            "C",
            state.keep,
            icon="copy",
            tip="Keep this trajectory at the left, to compare it with that of other settings or another run; the same "
            "seed starts both from the same noise",
            checkable=True,
            needs=NO_FRAMES,
        )
        self.save = add("export", "Export", "Ctrl+E", self._export, icon="save", tip=EXPORT_TIP)

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        self._header = QWidget()
        header = QHBoxLayout(self._header)
        header.setContentsMargins(0, 0, 0, 0)
        header.setSpacing(GRID)
        header.addWidget(self.run)
        header.addWidget(self.kind)
        header.addWidget(self.weights, 1)
        header.addWidget(self.message, 1)
        self.message.hide()
        self._header_buttons = [self.button(action) for action in (self.show_strip, self.compare, self.save)]
        for button in self._header_buttons:
            header.addWidget(button)
        page.addWidget(self._header)
        page.addWidget(self.problem)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(self._left(), 1)
        sections = (
            Section("setup", "Settings", "Initial states, chains, steps and sampler", self.setup, stretch=0),
            Section("curves", "Curves", "Metrics along the trajectory, and mixing", self.curves),
        )
        self.sections = Sections(sections, Qt.Orientation.Vertical, GRID)
        self.name_widget(self.sections.bar, "sections", "Settings or curves", "")
        body.addWidget(self.sections)
        page.addLayout(body, 1)

    def _left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        self.frame.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.frame)
        column.addWidget(self.description)
        stage = QHBoxLayout()
        stage.setSpacing(GRID)
        stage.addWidget(self.kept, 1)
        stage.addWidget(self.present, 1)
        column.addLayout(stage, 1)
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
        self._hidden_when_narrow: list[QWidget] = []
        for action in (self.start, self.jump_back, self.back, self.play, self.step, self.jump, self.end):
            button = self.button(action, icon_only=action is not self.play)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if action is self.play:
                button.setProperty("primary", True)
                button.setMinimumWidth(11 * GRID)
            if action in (self.jump_back, self.jump):
                self._hidden_when_narrow.append(button)
            row.addWidget(button)
        row.addSpacing(GRID)
        label = QLabel("Speed")
        self._hidden_when_narrow.append(label)
        label.setBuddy(self.speed.slider)
        row.addWidget(label)
        row.addWidget(self.speed, 1)
        return row

    def _connect(self) -> None:
        state = self.state
        self.run.chosen.connect(state.choose_run)
        self.kind.activated.connect(lambda index: state.set_kind(self.kind.itemData(index)))
        self.scrub.value_changed.connect(self._on_scrubbed)
        self.speed.value_changed.connect(state.set_speed)
        self.scrub.slider.sliderReleased.connect(self._refresh_images)
        for view in (self.present, self.kept):
            view.chain_clicked.connect(state.select_chain)
            view.chain_hovered.connect(self.curves.point_at)
        self.present.frame_clicked.connect(self._go_to)
        self.kept.frame_clicked.connect(self._on_kept_frame)
        self.curves.chain_hovered.connect(self.images.point_at)
        self.export.changed.connect(self._show_message)
        state.changed.connect(self._refresh_texts)
        state.changed.connect(self._refresh_room)
        state.grown.connect(self._refresh_images)
        state.grown.connect(self._refresh_texts)
        state.moved.connect(self._refresh_images)
        self._library.changed.connect(self._refresh_texts)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh_images(self) -> None:
        state = self.state
        self.scrub.set_range(0, max(state.expected - 1, 1))
        self.scrub.set_value(state.position)
        self.scrub.setEnabled(state.length > 1)
        self.speed.set_value(state.speed_hz)
        self.play.setText("Pause" if state.playing else "Play")
        self.set_action_icon(self.play, "pause" if state.playing else "play")
        self.frame.setText(state.frames.labels[state.position] if state.length else " ")
        self.present.show_frames(state.frames, state.position, state.chain, self._values())
        if state.kept is not None:
            frames, metric = state.kept.frames, state.metric
            values = frames.metrics.get(metric) if metric is not None and self._values().size else None
            nothing = np.zeros((0, 0), np.float32)
            self.kept.show_frames(frames, state.counterpart(), state.chain, nothing if values is None else values)
        self._of.setText(f"of {state.expected - 1:,}" if state.length else "")

    def _values(self) -> NDArray[np.float32]:
        """Return the values that are written below the images, (M, N); empty where there are none."""
        return self.state.curve() if self.state.kind == "generation" else np.zeros((0, 0), np.float32)

    def _refresh_texts(self) -> None:
        state = self.state
        self.problem.setText(state.problem)
        self.problem.setVisible(bool(state.problem))
        kinds = state.kinds
        if [self.kind.itemData(i) for i in range(self.kind.count())] != list(kinds):
            self.kind.clear()
            for kind in kinds:
                self.kind.addItem(KIND_TITLES[kind], kind)
        self.kind.setCurrentIndex(self.kind.findData(state.kind))
        self.kind.setEnabled(len(kinds) > 1)
        step = state.frames.weights_step
        self.weights.set_words(f"weights of step {step:,}" if step >= 0 and state.kind == "generation" else "")
        if state.run and state.run != self.run.current():
            self.run.choose(state.run)
        self._describe()
        nothing = NO_RUN if self._library.home else STARTING
        self.images.set_placeholder(nothing if not state.run else WAITING if state.running else " ")
        for action in (self.start, self.jump_back, self.back, self.play, self.step, self.jump, self.end):
            action.setEnabled(state.length > 1 or state.running)
        self.allow(self.save, "" if state.length else NO_FRAMES)
        self.allow(self.show_strip, "" if state.length or self.show_strip.isChecked() else NO_FRAMES)
        self.compare.setEnabled(state.length > 0 or state.kept is not None)
        self.compare.blockSignals(True)
        self.compare.setChecked(state.kept is not None)
        self.compare.blockSignals(False)

    def _describe(self) -> None:
        """Describe what the frames are; beside a kept trajectory the settings of both."""
        state, strip = self.state, self.show_strip.isChecked()
        shown = state.card.shown if state.card and state.length else " "
        self.description.set_words(f"Above the columns: {state.axis}. {shown}" if strip and state.length else shown)
        kept = state.kept
        self.kept.setVisible(kept is not None)
        self.present.heading.setVisible(kept is not None)
        if kept is not None:
            self.kept.heading.set_words(
                kept.description if kept.run == state.run else f"{kept.title}: {kept.description}"
            )
            self.present.heading.set_words(state.description or " ")

    def _show_message(self) -> None:
        self.message.setVisible(bool(self.export.message))
        self.message.set_words(self.export.message)
        set_role(self.message, error=self.export.failed)

    # ---- acting ------------------------------------------------------------------------------------------------

    def _to_start(self) -> None:
        self.state.pause()
        self.state.seek(0)

    def _to_end(self) -> None:
        self.state.pause()
        self.state.seek(self.state.length)

    def _toggle(self) -> None:
        if self.state.playing:
            self.state.pause()
        else:
            self.state.play()

    def _on_scrubbed(self, value: float) -> None:
        """Show a frame; the newest one for a frame that has not arrived yet."""
        self._go_to(round(value))
        self._refresh_images()

    def _go_to(self, frame: int) -> None:
        self.state.pause()
        self.state.seek(frame)

    def _on_kept_frame(self, frame: int) -> None:
        """Show the frame that belongs to one of the kept trajectory."""
        if self.state.kept is not None:
            self._go_to(self.state.frames.counterpart(self.state.kept.frames, frame))

    def _on_strip(self, on: bool) -> None:
        for view in (self.present, self.kept):
            view.set_strip(on)
        self._describe()
        self._refresh_images()

    def _export(self) -> None:
        button = self._header_buttons[-1]
        menu = export_menu(self, self.export)
        if self.curves.plot.isVisible():
            self.menu_opening.emit(menu, self.curves.plot)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def picture_details(self) -> dict[str, str]:
        """Settings of the trajectory, and the frame that is shown."""
        state = self.state
        if not state.length:
            return {}
        return {"Trajectory": state.description, "Frame": state.frames.labels[state.position]}

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Generate and play only while the panel is on the screen."""
        self.state.set_active(active)

    def set_presenting(self, presenting: bool) -> None:
        """Show the images and the transport alone in presentation mode."""
        for widget in (self._header, self.sections):
            widget.setVisible(not presenting)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out controls that do not fit."""
        self._refresh_room()
        super().resizeEvent(event)

    def _refresh_room(self) -> None:
        """Leave out secondary controls in a narrow or low window."""
        narrow, low = self.width() < NARROW, self.room.height() < LOW
        styles = Qt.ToolButtonStyle
        for button in self._header_buttons:
            button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)
        self.sections.set_compact(self.room.height() < LOWEST)
        self.sections.setFixedWidth(scaled_px(self, NARROW_SIDE_WIDTH if narrow else SIDE_WIDTH))
        for widget in self._hidden_when_narrow:
            widget.setVisible(not narrow)
        self.setup.set_low(low)
        self.curves.set_low(low and self.setup.drawing and not self.sections.compact)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return label
