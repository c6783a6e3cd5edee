"""Figures of the page Samples: Fréchet distance over n, classes, and distances to the nearest training images."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gmstudio.protocol.density_samples import DistanceCurve, SampleReport
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.samples_table import NameOf, p_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.grouped_bars import GroupedBars
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine
from gmstudio.window.state.density.samples import SamplesState

NUM_BINS = 30
FIGURES = {
    "frechet": ("Fréchet distance over n", "Distance by the number of samples, and its limit n → ∞ as dashes"),
    "classes": ("Classes", "Shares of the classes that the classifier assigns, beside those of the training images"),
    "pixels": ("Memorization, pixels", "Distances in pixels from the nearest training image"),
    "space": ("Memorization, features", "Distances in the feature space from the nearest training image"),
}


class SampleFigures(QWidget):
    """A figure by choice.

    Args:
        panel: that names the controls.
        state: of the page.
        name_of: short name of a run.
    """

    def __init__(self, panel: Panel, state: SamplesState, name_of: NameOf) -> None:
        super().__init__()
        self._state, self._name_of = state, name_of
        self._shown: object = None
        self.choice = QComboBox()
        for key, (title, tip) in FIGURES.items():
            self.choice.addItem(title, key)
            self.choice.setItemData(self.choice.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        panel.name_widget(self.choice, "samples_figure", "Figure", "Which of the figures is shown")
        panel.remember(self.choice)
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        self.frechet, self.classes, self.histogram = LinePlot("n", "Fréchet distance"), GroupedBars(), BarFigure()
        self.frechet.set_axes(log_x=True)
        panel.name_widget(self.frechet, "samples_frechet", "Fréchet distance over n", FIGURES["frechet"][1])
        panel.name_widget(self.classes, "samples_classes", "Classes", FIGURES["classes"][1])
        panel.name_widget(
            self.histogram,
            "samples_memorization",
            "Distances to the nearest training image",
            "Shares of samples and of held-out images by their distance from the nearest training image",
        )
        self._stack = QStackedWidget()
        for figure in (self.frechet, self.classes, self.histogram):
            self._stack.addWidget(figure)
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.choice)
        top.addWidget(self.words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self._stack, 1)
        self.choice.currentIndexChanged.connect(lambda _index: self._draw())
        self.histogram.read.connect(self._read)
        state.changed.connect(self._show)
        self._draw()

    def _show(self) -> None:
        shown = tuple((self._name_of(run), id(report)) for run, report in self._state.measured)
        if shown != self._shown:
            self._shown = shown
            self._draw()

    def _draw(self) -> None:
        key = self.choice.currentData()
        self.words.set_words("")
        if key == "frechet":
            self._stack.setCurrentWidget(self.frechet)
            self._draw_frechet()
        elif key == "classes":
            self._stack.setCurrentWidget(self.classes)
            self._draw_classes()
        else:
            self._stack.setCurrentWidget(self.histogram)
            self._draw_histogram(0 if key == "pixels" else 1)

    # ---- figures -------------------------------------------------------------------------------------------------

    def _draw_frechet(self) -> None:
        lines: list[PlotLine] = []
        measured = self._state.measured
        for number, (run, report) in enumerate(measured):
            lines += _curve_lines(self._name_of(run), report.curve, number)
        for number, (name, report) in enumerate(self._state.references.items(), len(measured)):
            if report.reference_curve is not None:
                lines += _curve_lines(name, report.reference_curve, number)
        self.frechet.set_lines(tuple(lines))
        if measured:
            self.words.set_words("Bands: ± one measurement's spread; dashes: the limit n → ∞")

    def _draw_classes(self) -> None:
        known = [(run, report) for run, report in self._state.measured if report.classes is not None]
        if not known:
            self.classes.set_bars((), (), np.zeros((0, 0), np.float32))
            self.words.set_words("The training images have no labels." if self._state.measured else "")
            return
        first = known[0][1].classes
        assert first is not None
        same = [
            (run, report.classes) for run, report in known if report.classes and report.classes.names == first.names
        ]
        rows = [*(shares.samples.numpy() for _, shares in same), first.data.numpy()]
        series = (*(self._name_of(run) for run, _ in same), "training images")
        self.classes.set_bars(first.names, series, np.stack(rows).astype(np.float32))
        if not math.isnan(first.accuracy):
            self.words.set_words(f"Classifier: {100 * first.accuracy:.1f} % of validation images")

    def _draw_histogram(self, which: int) -> None:
        known = [(run, report) for run, report in self._state.measured if len(report.memorization) > which]
        if not known:
            self.histogram.set_histogram(np.zeros((0, 0)), np.zeros(1), ())
            self.words.set_words("Measured in pixels only." if self._state.measured else "")
            return
        sets = [(self._name_of(run), _nearest(report, which)) for run, report in known]
        for name, report in self._state.references.items():
            held_out = report.memorization[which].held_out.numpy() if len(report.memorization) > which else np.zeros(0)
            sets += [(name, held_out)] if len(held_out) else []
        edges = np.linspace(0.0, max(float(values.max()) for _, values in sets) * 1.001 or 1.0, NUM_BINS + 1)
        shares = np.stack([np.histogram(values, edges)[0] / max(len(values), 1) for _, values in sets])
        self.histogram.set_histogram(shares, edges, tuple(name for name, _ in sets))
        self.words.set_words(self._test_words(which))

    def _test_words(self, which: int) -> str:
        tests = []
        for run, report in self._state.measured:
            found = report.memorization[which] if len(report.memorization) > which else None
            if found is not None and not math.isnan(found.z):
                tests.append(f"{self._name_of(run)}: z = {found.z:.1f}, p {p_text(found.p_value)}")
        return " · ".join(tests) if tests else "No held-out images to compare with"

    def _read(self, words: str) -> None:
        """Read the bar under the pointer; else the test."""
        key = self.choice.currentData()
        if key in ("pixels", "space"):
            self.words.set_words(words or self._test_words(0 if key == "pixels" else 1))


def _nearest(report: SampleReport, which: int) -> NDArray[np.float64]:
    nearest: NDArray[np.float64] = report.memorization[which].distances.numpy()[:, 0]
    return nearest


def _curve_lines(name: str, curve: DistanceCurve, colour: int) -> list[PlotLine]:
    """Line with a band, and its limit."""
    counts = curve.counts.numpy().astype(np.float64)
    values, errors = curve.values.numpy(), np.nan_to_num(curve.errors.numpy())
    lines = [PlotLine(name, counts, values, values - errors, values + errors, dots=True, colour=colour)]
    if not math.isnan(curve.limit):
        ends = np.array([counts[0], counts[-1]])
        lines.append(PlotLine("", ends, np.full(2, curve.limit), dashed=True, colour=colour))
    return lines
