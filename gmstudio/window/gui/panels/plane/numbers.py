"""Distances from the true p* as numbers, a column for each run, and one of them as curves over the training."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane.titles import tile_titles
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.state.plane.recorded import AXIS_TITLES
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.plane.tile import PlaneTile
from gmstudio.window.state.plane.tiles import MAX_TILES

ROWS: dict[str, tuple[str, str]] = {
    "entropy": ("H(p*)", "Entropy of the true p*, in nats: no model can have a smaller cross-entropy."),
    "cross_entropy": ("H(p*, p)", "Cross-entropy −Σ p* log p, in nats: H(p*) + KL(p* ‖ p), the expected −log p(x)."),
    "forward_kl": ("KL(p* ‖ p)", "Forward KL divergence, in nats: large where the model lacks what the data have."),
    "reverse_kl": ("KL(p ‖ p*)", "Reverse KL divergence, in nats: large where the model has what the data lack."),
    "train_nll": ("−log p, train", "Mean −log p of the training points, in nats."),
    "valid_nll": ("−log p, validation", "Mean −log p of the validation points, in nats."),
    "mass": ("Σ p", "Sum of p over the grid: 1 for a density that is computed exactly."),
}
ABOVE_ENTROPY = ("cross_entropy", "train_nll", "valid_nll")
"""Metrics whose least possible value is the entropy."""
PER_SECOND = 1000
REFRESH_MS = 60
COLUMN_PX = 46


class NumbersView(QWidget):
    """Table of the metrics of all tiles at the place that is shown, and the curves of one of them.

    Args:
        panel: panel that names the controls.
        state: state of the panel.
    """

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel)
        self._state = state
        self.titles = [ElidedLabel() for _ in range(MAX_TILES)]
        self._labels_px = 0
        self.cells = {name: [QLabel() for _ in range(MAX_TILES)] for name in ROWS}
        self.curve = QComboBox()
        for name, (title, help_text) in ROWS.items():
            if name != "entropy":
                self.curve.addItem(title, name)
                self.curve.setItemData(self.curve.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)
        self.curve.setCurrentIndex(self.curve.findData("forward_kl"))
        panel.name_widget(self.curve, "metric", "Curve", "Number that is drawn over the training, for all runs")
        panel.remember(self.curve)
        self.plot = CurvePlot("", "nats")
        panel.name_widget(self.plot, "curves", "Curves over the training", "Click to show the runs at that place")
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self.curve.activated.connect(lambda _index: self._draw_curves())
        self.plot.clicked.connect(self._on_clicked)
        self.plot.follow_wanted.connect(self.plot.follow)
        for changed in (state.recorded_changed, state.tiles_changed, state.tile_changed, state.place.moved):
            changed.connect(self._schedule)
        theme().changed.connect(self._schedule)
        self.refresh()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        for column, title in enumerate(self.titles):
            title.setAlignment(Qt.AlignmentFlag.AlignRight)
            title.setMinimumWidth(COLUMN_PX)
            grid.addWidget(title, 0, 1 + column)
            grid.setColumnStretch(1 + column, 1)
        for row, (name, (words, help_text)) in enumerate(ROWS.items()):
            label = QLabel(words)
            label.setProperty("role", "muted")
            label.setToolTip(help_text)
            label.setMinimumWidth(label.sizeHint().width())
            self._labels_px = max(self._labels_px, label.sizeHint().width())
            grid.addWidget(label, 1 + row, 0)
            for column, cell in enumerate(self.cells[name]):
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                cell.setToolTip(help_text)
                grid.addWidget(cell, 1 + row, 1 + column)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(grid)
        page.addWidget(self.curve)
        page.addWidget(self.plot, 1)

    def _schedule(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write the numbers, and draw the curves."""
        tiles = self._state.tiles
        names = tile_titles([self._state.info(tile) for tile in tiles])
        room_px = (self.width() - self._labels_px) // max(1, len(tiles)) - GRID
        for column, title in enumerate(self.titles):
            shown = column < len(tiles)
            title.setVisible(shown)
            if shown:
                title.setStyleSheet(f"color: {theme().series(tiles[column].series).name()}; font-weight: bold;")
                title.ensurePolished()
                title.setMinimumWidth(max(COLUMN_PX, min(room_px, text_px(title, names[column]))))
            title.set_words(names[column] if shown else "")
            for name, cells in self.cells.items():
                cells[column].setVisible(shown)
                cells[column].setText(_text(tiles[column], name) if shown else "")
        self._draw_curves()

    def _draw_curves(self) -> None:
        state, metric = self._state, str(self.curve.currentData())
        by_time = state.place.axis == "time"
        self.plot.set_axis(AXIS_TITLES[state.place.axis], unit=PER_SECOND if by_time else 1)
        self.plot.set_unit("" if metric == "mass" else "nats")
        traces: list[Trace] = []
        names = tile_titles([state.info(tile) for tile in state.tiles])
        for tile, name in zip(state.tiles, names, strict=True):
            steps, values = _curve(tile, metric, by_time=by_time)
            if len(steps):
                traces.append(Trace(tile.run, name, steps, values, theme().series(tile.series), width=1.6))
        entropy = next((t.metrics.entropy for t in state.tiles if t.metrics is not None), math.nan)
        if metric in ABOVE_ENTROPY and traces and math.isfinite(entropy):
            ends = np.array([min(t.steps[0] for t in traces), max(t.steps[-1] for t in traces)], np.int64)
            dash = Qt.PenStyle.DashLine
            traces.append(Trace("entropy", "H(p*)", ends, np.full(2, entropy), theme().color("text"), dash))
        self.plot.set_traces(traces)
        place = state.place.place
        self.plot.set_cursor(None if place is None else place * (PER_SECOND if by_time else 1))

    def _on_clicked(self, step: int) -> None:
        place = self._state.place
        place.pause()
        place.go(step / PER_SECOND if place.axis == "time" else float(step))


def text_px(label: QLabel, words: str) -> int:
    """Width of words in the font of a label."""
    return label.fontMetrics().horizontalAdvance(words) + 2


def _curve(tile: PlaneTile, metric: str, *, by_time: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places and values of a metric at the recorded steps, and over steps at the present one; known ones only."""
    recorded, surface = tile.recorded, tile.surface
    values, steps = recorded.metrics[metric], recorded.steps
    if by_time:
        steps = (recorded.seconds * PER_SECOND).astype(np.int64)
    elif surface is not None and tile.present and surface.step > (steps[-1] if len(steps) else -1):
        steps, values = np.append(steps, surface.step), np.append(values, getattr(surface.metrics, metric))
    known = np.isfinite(values)
    return steps[known], values[known]


def _text(tile: PlaneTile, name: str) -> str:
    value = math.nan if tile.metrics is None else float(getattr(tile.metrics, name))
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.3f}".replace("-", "−")
