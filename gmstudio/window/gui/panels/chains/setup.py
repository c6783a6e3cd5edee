"""Settings of the Chains panel: initial states, number of chains and steps, seed, and a canvas for an initial image."""

from typing import NamedTuple, get_args

from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.chains.sampler import SamplerView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.chains.settings import MAX_STEPS
from gmstudio.window.state.chains.state import MAX_COUNT, ChainsState, Start
from gmstudio.window.state.runs.library import RunLibrary

START_TITLES: dict[Start, str] = {"noise": "noise", "data": "data images", "image": "a drawn image"}
MAX_INDEX = 9_999_999
START_WIDTH = 17 * GRID
CANVAS, LOW_CANVAS = 22 * GRID, 14 * GRID


class _Labels(NamedTuple):
    """Texts of the controls that depend on the kind of trajectory."""

    number: str
    steps: str
    restart: str
    tip: str


TRAINING_LABELS = _Labels("Images", "Max. grids", "Reload", "Load the saved samples again")
RESTART_TIP = "Restart with the current weights and these settings"
SETTING_TITLES = {
    "start": "initial state",
    "index": "first image",
    "image": "drawn image",
    "sampler": "sampler",
    "seed": "seed",
}
"""Titles of the settings that have the same one in every family."""
CONTINUE_TIP = "Restart all chains from the image of the selected chain, or of the first one, at this frame"
START_TIP = "Restart all chains from the image of the selected chain, or of the first one, at {} {}"
NO_IMAGE = "The image of this trajectory has not been computed yet."


class SetupView(QWidget):
    """Initial states, chains, transitions, seed, restart and stop.

    Args:
        panel: panel that names the controls.
        state: state of the chains.
        library: library of runs, for the image spec of the run.
    """

    def __init__(self, panel: Panel, state: ChainsState, library: RunLibrary) -> None:
        super().__init__(panel)
        self._panel, self._state, self._library = panel, state, library
        self._canvas_for = ""
        self.start = QComboBox()
        for start in get_args(Start):
            self.start.addItem(START_TITLES[start], start)
        panel.name_widget(self.start, "start_state", "Initialize from", "Initial states of the chains")
        self.index = self._spin(panel, 0, MAX_INDEX, "index", "First image", "Number of the first validation image")
        self.count = self._spin(panel, 1, MAX_COUNT, "count", "Chains", "Number of chains side by side")
        self.steps = self._spin(panel, 1, MAX_STEPS, "steps", "Transitions", "Number of steps of each chain")
        self.seed = self._spin(panel, 0, MAX_SEED, "seed", "Seed", "Seed of all noise")
        panel.remember(self.count)
        self.sampler = SamplerView(state, self)
        self.canvas = DrawingCanvas()
        panel.name_widget(
            self.canvas,
            "canvas",
            "Drawn image",
            "Draw the initial image. Left button: paint; right button: erase. Keys: arrows, Space, Delete.",
        )
        self.brush = TypedSlider(1.0, 8.0, decimals=1, suffix=" px")
        self.brush.name("chains.brush", "Brush", "Diameter of the brush in image pixels.")
        self.restart = panel.add_action("restart", "Restart", "Return", state.restart, icon="reset", tip=RESTART_TIP)
        self.stop = panel.add_action(
            "stop",
            "Stop",
            "S",
            state.stop,
            icon="stop",
            tip="End the computation",
            needs="No trajectory is being computed.",
        )
        self.clear = panel.add_action(
            "clear", "Clear drawing", "Delete", self.canvas.clear, icon="remove", tip="Clear the drawn image"
        )
        self.continue_from = panel.add_action(
            "continue",
            "Continue from this frame",
            "B",
            self._continue_from_frame,
            icon="continuation",
            tip=CONTINUE_TIP,
            needs="Choose a frame of images first.",
        )
        self._lay_out(panel)
        self.start.activated.connect(lambda index: state.set_start(self.start.itemData(index)))
        self.index.valueChanged.connect(lambda value: state.set_start(state.start, value))
        self.count.valueChanged.connect(self._on_size)
        self.steps.valueChanged.connect(self._on_size)
        self.seed.valueChanged.connect(state.set_seed)
        self.brush.value_changed.connect(self._on_brush)
        self.canvas.begun.connect(state.drawing.begin_edit)
        state.drawing.restored.connect(self._show_drawn)
        self.canvas.changed.connect(lambda: state.set_drawn(self.canvas.image))
        for field in (self.index, self.count, self.steps, self.seed):
            field.lineEdit().textEdited.connect(self._mark)
        state.changed.connect(self.refresh)
        state.grown.connect(self.refresh)
        state.moved.connect(self._offer_continuing)
        self.refresh()

    def _spin(self, panel: Panel, low: int, high: int, control: str, name: str, tip: str) -> IntegerField:
        spin = IntegerField()
        spin.setRange(low, high)
        panel.name_widget(spin, control, name, f"{tip}, {low:,} to {high:,}.")
        return spin

    def _lay_out(self, panel: Panel) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        self._labels = {}
        for text, field, row, column in (
            ("Initialize from", self.start, 0, 0),
            ("Chains", self.count, 1, 0),
            ("Seed", self.seed, 1, 2),
            ("Transitions", self.steps, 2, 0),
        ):
            label = self._labels[field] = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, column)
            if field is not self.start:
                grid.addWidget(field, row, column + 1)
        initial = QHBoxLayout()
        initial.setSpacing(GRID)
        self.start.setMinimumWidth(START_WIDTH)
        self._labels[self.index] = QLabel("No.")
        self._labels[self.index].setBuddy(self.index)
        initial.addWidget(self.start, 1)
        initial.addWidget(self._labels[self.index])
        initial.addWidget(self.index, 1)
        grid.addLayout(initial, 0, 1, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self._from_images = ElidedLabel()
        self._from_images.setProperty("role", "muted")
        self._pending = ElidedLabel()
        self._pending.setProperty("role", "warning")
        self._pending.setObjectName("chains.pending")
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        restart = panel.button(self.restart)
        restart.setProperty("primary", True)
        self._continue_button = panel.button(self.continue_from)
        for button in (restart, panel.button(self.stop), self._continue_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GRID)
        whole.addLayout(grid)
        whole.addWidget(self._from_images)
        whole.addWidget(self.sampler)
        whole.addWidget(self._drawing_box(panel))
        whole.addLayout(buttons)
        whole.addWidget(self._pending)

    def _drawing_box(self, panel: Panel) -> QWidget:
        """Create the canvas with its tools."""
        self._drawing = QWidget()
        drawing = QHBoxLayout(self._drawing)
        drawing.setContentsMargins(0, 0, 0, 0)
        self.canvas.setFixedSize(CANVAS, CANVAS)
        drawing.addWidget(self.canvas)
        tools = QVBoxLayout()
        tools.addWidget(QLabel("Brush"))
        tools.addWidget(self.brush)
        tools.addWidget(panel.button(self.clear))
        tools.addStretch(1)
        drawing.addLayout(tools, 1)
        return self._drawing

    @property
    def drawing(self) -> bool:
        """The canvas is shown."""
        return self._state.kind == "generation" and self._state.start == "image"

    def set_low(self, low: bool) -> None:
        """Set a smaller canvas for a low window."""
        side = LOW_CANVAS if low else CANVAS
        self.canvas.setFixedSize(side, side)

    def refresh(self) -> None:
        """Write the settings, and enable what is possible."""
        state = self._state
        generation = state.kind == "generation"
        self.start.setCurrentIndex(self.start.findData(state.start))
        for spin, value in (
            (self.index, state.index),
            (self.count, state.count),
            (self.steps, state.steps),
            (self.seed, state.seed),
        ):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)
        self._write_labels()
        for field in (self.start, self.seed):
            field.setVisible(generation)
            self._labels[field].setVisible(generation)
        for widget in (self.index, self._labels[self.index]):
            widget.setVisible(generation and state.start == "data")
        self._drawing.setVisible(self.drawing)
        self.brush.set_value(self.canvas.brush)
        self.restart.setEnabled(bool(state.run))
        self.stop.setEnabled(state.running)
        self._continue_button.setVisible(generation)
        self._offer_continuing()
        self._fit_canvas()
        self._mark()

    def _mark(self) -> None:
        """Mark the settings that the present trajectory was not computed with, also those that are being typed."""
        pending = self._state.pending
        fields: dict[str, QComboBox | IntegerField] = {
            "start": self.start,
            "index": self.index,
            "count": self.count,
            "steps": self.steps,
            "seed": self.seed,
        }
        typed = {name for name, field in fields.items() if isinstance(field, IntegerField) and field.is_typed}
        titles = SETTING_TITLES | {name: self._labels[fields[name]].text().lower() for name in ("count", "steps")}
        for name, field in fields.items():
            set_mark(field, name in pending or name in typed)
        named = [title for name, title in titles.items() if name in pending or name in typed]
        text = f"Not applied yet: {', '.join(named)}. {self.restart.text()} applies it." if named else " "
        self._pending.set_words(text)

    def _offer_continuing(self) -> None:
        """Name the image that chains can be started from, or the reason why there is none."""
        state, card = self._state, self._state.card
        place = card.image_position if card is not None else None
        self.continue_from.setText("Continue from this frame" if place is None else "Start from this image")
        ready = state.kind == "generation" and state.image_frame() is not None
        tip = CONTINUE_TIP if place is None or card is None else START_TIP.format(card.axis, place)
        self.continue_from.setEnabled(ready)
        self._panel.set_action_tip(self.continue_from, tip if ready or not state.length else NO_IMAGE)

    def _write_labels(self) -> None:
        """Write the labels of the family's generation, or of the training history."""
        state, card = self._state, self._state.card
        labels = _Labels("Chains", card.steps if card else "Transitions", "Restart", RESTART_TIP)
        if state.kind == "training":
            labels = TRAINING_LABELS
        self._labels[self.count].setText(labels.number)
        self._labels[self.steps].setText(labels.steps)
        self.restart.setText(labels.restart)
        self._panel.set_action_tip(self.restart, labels.tip)
        self._from_images.set_words(card.from_images if card else "")
        self._from_images.setVisible(card is not None and state.start != "noise")

    def _fit_canvas(self) -> None:
        """Show the drawn image of the run's size, or an empty canvas, after the choice of another run."""
        info = self._state.info
        if info is not None and self._canvas_for != info.run:
            self._canvas_for = info.run
            self._show_drawn()

    def _show_drawn(self) -> None:
        """Show the drawn image, or an empty canvas."""
        info = self._state.info
        if info is not None:
            self.canvas.set_blank(info.image.shape, info.image.levels)
            if self._state.drawn is not None:
                self.canvas.show_image(self._state.drawn)

    def _continue_from_frame(self) -> None:
        image = self._state.chain_image()
        if image is not None:
            self._state.drawing.begin_edit("Continue from this frame")
            self.canvas.set_image(image)
            self._state.restart()

    def _on_size(self) -> None:
        self._state.set_size(self.count.value(), self.steps.value())

    def _on_brush(self, value: float) -> None:
        self.canvas.brush = value


def set_mark(field: QWidget, on: bool) -> None:
    """Mark a field whose value is not applied yet, by the style sheet."""
    if bool(field.property("pending")) != on:
        set_style_property(field, "pending", on)
