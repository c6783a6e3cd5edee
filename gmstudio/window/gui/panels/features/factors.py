"""Factors page: disentanglement of the features on data whose factors of variation are known."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.factors_scores import FactorScores
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.panels.features.table_export import Cell, TableExport
from gmstudio.window.gui.panels.features.texts import step_words
from gmstudio.window.gui.panels.features.work_row import WorkRow
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine
from gmstudio.window.gui.widgets.plots.matrix_view import MatrixView
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.features.factors import SORTS, FactorsState
from gmstudio.window.state.features.state import FeaturesState

MEASURE_TIP = "Compute MIG, DCI and SAP of the chosen features, and what each dimension has to do with each factor"
COUNT_TIP = "Training images that are used at most; predictions are scored on the test images."
SHAPES_TIP = (
    "Set Train up with a VAE on coloured shapes, whose kind, scale, rotation, colour and position are known for each "
    "image"
)
LATENTS_TIP = "Open the run in Latents with the slider of the chosen dimension"
MATRIX_TIP = (
    "One row for each dimension, one column for each factor. A click, or Return, shows the dimension against it."
)
SCATTER_TIP = "The chosen dimension against the chosen factor, of some of the test images."
MATRICES = (
    ("correlation", "Correlation"),
    ("information", "Mutual information"),
    ("importance", "Importance (DCI)"),
    ("prediction", "Prediction (SAP)"),
)
SORT_TITLES = {"dimension": "by number", "strongest": "strongest first", "factor": "by their factor"}
NOTHING = (
    "Choose features of a model that was trained on data with known factors, for example coloured shapes, and press "
    "Measure."
)
NO_CELL = "Choose a cell of the matrix."
JITTER = 0.15
LEAST_PX = 40 * GRID
"""Height of scores, matrix and plot below which the page scrolls."""
LEAST_COUNT, MOST_COUNT = 100, 50_000


class FactorsPage(ActiveWidget):
    """Scores, a matrix of dimensions and factors, and one dimension against one factor.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: FeaturesState) -> None:
        super().__init__(panel)
        self._panel, self._owner = panel, state
        self._state = factors = state.page(FactorsState)
        add = panel.add_action
        self._begin = add("factors_start", "Measure", "M", factors.start, icon="play", tip=MEASURE_TIP)
        self._stop = add("factors_stop", "Stop", "", factors.stop, icon="stop", tip="Stop; the scores so far stay")
        self._csv = add("factors_csv", "CSV", "", self._export, icon="save", tip="Save scores and matrices as CSV")
        self._latents = add(
            "factors_latents", "Open in Latents", "L", self._open_latents, icon="latents", tip=LATENTS_TIP
        )
        self._shapes = add("factors_shapes", "VAE on shapes", "", self._set_up, icon="train", tip=SHAPES_TIP)
        self.work = WorkRow(panel, "factors", self._begin, self._stop, (self._csv, self._shapes))
        self._exports = TableExport(panel, state, lambda words, bad: self.work.say(words, error=bad))
        self.count = IntegerField()
        self.count.setRange(LEAST_COUNT, MOST_COUNT)
        self.count.setSingleStep(500)
        panel.name_widget(self.count, "factors_count", "Training images", COUNT_TIP)
        fit_width(self.count, "50000")
        self.matrix_box, self.sort_box = QComboBox(), QComboBox()
        panel.name_widget(self.matrix_box, "factors_matrix", "Matrix", "What the matrix shows")
        panel.name_widget(self.sort_box, "factors_sort", "Order of the dimensions", "Order of the dimensions")
        for name, title in MATRICES:
            self.matrix_box.addItem(title, name)
        for sort in SORTS:
            self.sort_box.addItem(SORT_TITLES[sort], sort)
        self.scores = FactorScores(panel, state, factors)
        self.matrix = MatrixView("dimension", "factor")
        self.matrix.set_placeholder(NOTHING)
        panel.name_widget(self.matrix, "factors_heat", "Dimensions and factors", MATRIX_TIP)
        self.reading = ElidedLabel()
        self.reading.setProperty("role", "muted")
        self.scatter = LinePlot("factor", NO_CELL)
        panel.name_widget(self.scatter, "factors_scatter", "Dimension against factor", SCATTER_TIP)
        self.about = ElidedLabel()
        self.about.setProperty("role", "muted")
        self._lay_out()
        self._connect()
        panel.remember(self.count, self.matrix_box, self.sort_box)
        self._refresh()
        self._refresh_view()

    def _lay_out(self) -> None:
        middle, right = QWidget(), QWidget()
        choices = QHBoxLayout()
        choices.setSpacing(GRID)
        for text, box in (("Show", self.matrix_box), ("Order", self.sort_box)):
            label = QLabel(text)
            label.setBuddy(box)
            choices.addWidget(label)
            choices.addWidget(box)
        choices.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.matrix)
        column = _column(middle)
        column.addLayout(choices)
        column.addWidget(scroll, 1)
        column.addWidget(self.reading)
        other = _column(right)
        row = QHBoxLayout()
        row.addWidget(self._panel.button(self._latents))
        row.addStretch(1)
        other.addLayout(row)
        other.addWidget(self.scatter, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setMinimumHeight(LEAST_PX)
        self.split.setHandleWidth(2 * GRID)
        for part in (self.scores, middle, right):
            self.split.addWidget(part)
            self.split.setStretchFactor(self.split.count() - 1, 1)
        self.split.setSizes([44 * GRID, 56 * GRID, 44 * GRID])
        self._panel.name_widget(self.split, "factors_split", "Scores, matrix and scatter plot", "")
        self._panel.remember(self.split)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        label = QLabel("Training images")
        label.setBuddy(self.count)
        head.addWidget(label)
        head.addWidget(self.count)
        head.addWidget(self.work, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(head)
        page.addWidget(self.about)
        page.addWidget(self.split, 1)

    def _connect(self) -> None:
        state = self._state
        state.changed.connect(self._refresh)
        state.view_changed.connect(self._refresh_view)
        self.count.setValue(state.count)
        self.count.valueChanged.connect(state.set_count)
        self.matrix_box.activated.connect(lambda index: state.choose_matrix(self.matrix_box.itemData(index)))
        self.sort_box.activated.connect(lambda index: state.set_sort(self.sort_box.itemData(index)))
        self.matrix.chosen.connect(self._on_chosen)
        self.matrix.read.connect(self._show_reading)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        panel, state = self._panel, self._state
        panel.allow(self._begin, "" if self._owner.run else "Choose a model first.")
        panel.allow(self._stop, "" if state.running else "Nothing is being measured.")
        panel.allow(self._csv, "" if state.found is not None else "There are no scores yet.")
        progress, measuring = state.progress, state.measuring
        if progress is not None and measuring is not None:
            about = "" if measuring == self._owner.space else space_words(self._owner, measuring)
            self.work.show_work(progress, progress.share, loading=state.loading, about=about)
        else:
            self.work.show_work(None, 0.0)
            self.work.say(state.problem, error=True)
        found = state.found
        if found is None:
            self.about.set_words("")
        else:
            numbers = f"{found.num_images:,} training images, {found.num_held_out:,} test images"
            self.about.set_words(
                " · ".join((f"{found.title}{step_words(found.weights_step)}", numbers, *found.warnings))
            )
        self._refresh_view()

    def _refresh_view(self) -> None:
        state = self._state
        for box, value in ((self.matrix_box, state.matrix), (self.sort_box, state.sort)):
            box.setCurrentIndex(box.findData(value))
        matrix, found = state.shown, state.found
        if matrix is None or found is None:
            self.matrix.set_placeholder(NOTHING if found is None else "This matrix is being computed …")
            self.matrix.clear()
        else:
            order = state.order()
            values = matrix.values.numpy()[order]
            rows = [state.dimension_name(int(dim)) for dim in order]
            self.matrix.set_matrix(values, rows, found.factors, signed=matrix.signed, top=1.0)
            self.matrix.setToolTip(f"{matrix.help} {MATRIX_TIP}")
            if state.cell is not None and state.cell[0] < len(order):
                self.matrix.set_marked((int(np.flatnonzero(order == state.cell[0])[0]), state.cell[1]))
            else:
                self.matrix.set_marked(None)
        self._show_reading("")
        self._show_scatter()
        slider = state.slider()
        self._panel.allow(self._latents, slider if isinstance(slider, str) else "")

    def _show_scatter(self) -> None:
        found, cell, points = self._state.found, self._state.cell, self._state.points()
        if found is None or cell is None or points is None:
            self.scatter.set_titles("factor", NO_CELL)
            self.scatter.set_lines(())
            return
        x, y = (part.astype(np.float64) for part in points)
        if not found.ordered[cell[1]]:  # kinds would cover one another
            x = x + np.random.default_rng(0).uniform(-JITTER, JITTER, len(x))
        self.scatter.set_titles(found.factors[cell[1]], self._state.dimension_name(cell[0]))
        low, high = float(np.min(y)), float(np.max(y))
        margin = 0.05 * (high - low) or 1.0
        self.scatter.set_axes((low - margin, high + margin))
        span = 0.05 * float(np.ptp(x)) or 0.5
        ends = (float(x.min()) - span, float(x.max()) + span)
        self.scatter.set_lines((PlotLine("", x, y, dots=True, joined=False, colour=0),), ends)

    def _show_reading(self, words: str) -> None:
        marked = self.matrix.marked
        if not words and marked is not None:
            rows, columns = self.matrix.headings
            words = f"{rows[marked[0]]}, {columns[marked[1]]}: {self.matrix.text(*marked) or 'no value'}"
        self.reading.set_words(words)

    # ---- actions -----------------------------------------------------------------------------------------------

    def _on_chosen(self, row: int, column: int) -> None:
        self._state.choose_cell(int(self._state.order()[row]), column)

    def _open_latents(self) -> None:
        slider = self._state.slider()
        if not isinstance(slider, str):
            self._panel.dimension_wanted.emit(*slider)

    def _set_up(self) -> None:
        self._panel.setup_wanted.emit(RunSpec(family="vae", data="shapes"))

    def _export(self) -> None:
        found = self._state.found
        if found is None:
            return
        rows: list[list[Cell]] = [["score", score.name, "", score.value] for score in found.scores]
        for score in found.scores:
            parts = score.by_factor.numpy().tolist()
            rows += [["by factor", score.name, name, value] for name, value in zip(found.factors, parts, strict=False)]
        for matrix in found.matrices:
            for dim, values in enumerate(matrix.values.numpy().tolist()):
                place = self._state.dimension_name(dim)
                rows += [[matrix.name, place, name, value] for name, value in zip(found.factors, values, strict=True)]
        self._exports.ask("factors", "Scores of disentanglement", ("table", "row", "factor", "value"), rows)


def _column(holder: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(GRID)
    return column
