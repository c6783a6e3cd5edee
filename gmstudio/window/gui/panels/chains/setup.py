"""The Chains panel's settings: where generations begin, how many, how long, and a canvas to draw the beginning."""

from typing import get_args

import numpy as np
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, TypedSlider
from gmstudio.window.state.chains.state import MAX_COUNT, MAX_STEPS, ChainsState, Start
from gmstudio.window.state.runs.library import RunLibrary

START_WORDS: dict[Start, str] = {"noise": "noise", "data": "real images", "image": "a drawn image"}
MAX_INDEX = 9_999_999
START_WIDTH = 17 * GRID
CANVAS, LOW_CANVAS = 22 * GRID, 14 * GRID
TRAINING_WORDS = ("Images", "Grids at most", "Read again", "Read the kept sample grids again")
BEGIN_TIP = "Generate with the current weights"


class SetupView(QWidget):
    """Where it begins, chains, transitions, seed, begin and stop.

    Args:
        panel: whose controls these are.
        session: what they show and change.
        library: tells what kind of images the run has.
    """

    def __init__(self, panel: Panel, session: ChainsState, library: RunLibrary) -> None:
        super().__init__(panel)
        self._panel, self._session, self._library = panel, session, library
        self._drawn_for = ""
        self.start = QComboBox()
        for start in get_args(Start):
            self.start.addItem(START_WORDS[start], start)
        panel.name_widget(self.start, "from", "Begin with", "Where the generations begin")
        self.index = self._spin(panel, 0, MAX_INDEX, "index", "First image", "Number of the first validation image")
        self.count = self._spin(panel, 1, MAX_COUNT, "count", "Chains", "Generations side by side")
        self.steps = self._spin(panel, 1, MAX_STEPS, "steps", "Transitions", "Steps of each generation")
        self.seed = self._spin(panel, 0, MAX_SEED, "seed", "Seed", "Fixes all noise")
        self.canvas = DrawingCanvas()
        panel.name_widget(
            self.canvas,
            "canvas",
            "Drawn image",
            "Draw the image to begin with: left button paints, right one erases; arrow keys, Space and Delete too.",
        )
        self.brush = TypedSlider(1.0, 8.0, decimals=1, suffix=" px")
        self.brush.name("chains.brush", "Brush", "Diameter of the brush, pixels of the image.")
        self.begin = panel.add_action("begin", "Begin anew", "Return", session.begin, icon="reset", tip=BEGIN_TIP)
        self.stop = panel.add_action("stop", "Stop", "S", session.stop, icon="stop", tip="End what is under way")
        self.clear = panel.add_action(
            "clear", "Clear drawing", "Delete", self.canvas.clear, icon="remove", tip="Empty the drawn image"
        )
        self.take = panel.add_action(
            "take",
            "From here",
            "B",
            self._take_shown,
            icon="continuation",
            tip="Begin anew from the first chain's image at the cursor",
        )
        self._lay_out(panel)
        self.start.activated.connect(lambda index: session.set_start(self.start.itemData(index)))
        self.index.valueChanged.connect(lambda value: session.set_start(session.start, value))
        self.count.valueChanged.connect(self._on_size)
        self.steps.valueChanged.connect(self._on_size)
        self.seed.valueChanged.connect(session.set_seed)
        self.brush.value_changed.connect(self._on_brush)
        self.canvas.changed.connect(lambda: session.set_drawn(self.canvas.image))
        session.changed.connect(self.refresh)
        session.grown.connect(self.refresh)
        self.refresh()

    def _spin(self, panel: Panel, low: int, high: int, control: str, name: str, tip: str) -> IntegerField:
        spin = IntegerField()
        spin.setRange(low, high)
        spin.installEventFilter(KeyKeeper(self))
        panel.name_widget(spin, control, name, f"{tip}, {low:,} to {high:,}.")
        return spin

    def _lay_out(self, panel: Panel) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        self._labels = {}
        for words, field, row, column in (
            ("Begin with", self.start, 0, 0),
            ("Chains", self.count, 1, 0),
            ("Transitions", self.steps, 1, 2),
            ("Seed", self.seed, 2, 0),
        ):
            label = self._labels[field] = QLabel(words)
            label.setBuddy(field)
            grid.addWidget(label, row, column)
            if field is not self.start:
                grid.addWidget(field, row, column + 1)
        beginning = QHBoxLayout()
        self.start.setMinimumWidth(START_WIDTH)
        self._labels[self.index] = QLabel("No.")
        self._labels[self.index].setBuddy(self.index)
        beginning.addWidget(self.start, 1)
        beginning.addWidget(self._labels[self.index])
        beginning.addWidget(self.index, 1)
        grid.addLayout(beginning, 0, 1, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self._what_of_it = QLabel()
        self._what_of_it.setProperty("role", "muted")
        self._what_of_it.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        begin = panel.button(self.begin)
        begin.setProperty("primary", True)
        self._take_button = panel.button(self.take)
        for button in (begin, panel.button(self.stop), self._take_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GRID)
        whole.addLayout(grid)
        whole.addWidget(self._what_of_it)
        whole.addWidget(self._drawing_box(panel))
        whole.addLayout(buttons)

    def _drawing_box(self, panel: Panel) -> QWidget:
        """The canvas, and the tools beside it."""
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
        """The canvas is there."""
        return self._session.kind == "generation" and self._session.start == "image"

    def set_low(self, low: bool) -> None:
        """A smaller canvas, where the window is low."""
        side = LOW_CANVAS if low else CANVAS
        self.canvas.setFixedSize(side, side)

    def refresh(self) -> None:
        """Show the settings, and what can be done now."""
        session = self._session
        generation = session.kind == "generation"
        self.start.setCurrentIndex(self.start.findData(session.start))
        for spin, value in (
            (self.index, session.index),
            (self.count, session.count),
            (self.steps, session.steps),
            (self.seed, session.seed),
        ):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)
        self._use_words()
        for field in (self.start, self.seed):
            field.setVisible(generation)
            self._labels[field].setVisible(generation)
        for widget in (self.index, self._labels[self.index]):
            widget.setVisible(generation and session.start == "data")
        self._drawing.setVisible(self.drawing)
        self.brush.set_value(self.canvas.brush)
        self.begin.setEnabled(bool(session.run))
        self.stop.setEnabled(session.running)
        self.take.setEnabled(generation and session.length > 0)
        self._take_button.setVisible(generation)
        self._fit_canvas()

    def _use_words(self) -> None:
        """Speak of it as the family does; of a training, as of kept images."""
        session, card = self._session, self._session.card
        words = ("Chains", card.steps if card else "Transitions", "Begin anew", BEGIN_TIP)
        if session.kind == "training":
            words = TRAINING_WORDS
        self._labels[self.count].setText(words[0])
        self._labels[self.steps].setText(words[1])
        self.begin.setText(words[2])
        self._panel.set_action_tip(self.begin, words[3])
        self._what_of_it.setText(card.from_images if card else "")
        self._what_of_it.setVisible(card is not None and session.start != "noise")

    def _fit_canvas(self) -> None:
        info = self._library.info(self._session.run)
        if info is not None and self._drawn_for != info.run:
            self._drawn_for = info.run
            self.canvas.set_blank(info.image.shape, info.image.levels)

    def _take_shown(self) -> None:
        info = self._library.info(self._session.run)
        shown = self._session.shown()
        if info is not None and len(shown):
            levels = info.image.levels - 1
            self.canvas.set_image((shown[0].astype(np.float32) * levels / 255).round().astype(np.uint8))
            self._session.begin()

    def _on_size(self) -> None:
        self._session.set_size(self.count.value(), self.steps.value())

    def _on_brush(self, value: float) -> None:
        self.canvas.brush = value
