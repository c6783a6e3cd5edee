"""Table of the numbers about samples, a column for each model beside the held-out images, and the same as CSV."""

import math
from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from gmstudio.media.csv_text import csv_text
from gmstudio.media.provenance import comment_lines
from gmstudio.protocol.density_samples import DistanceCurve, QualityNumber, SampleReport
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.when_styled import when_styled
from gmstudio.window.state.density.samples import HELD_OUT, SamplesState, comparable

NAMES: dict[str, tuple[str, str]] = {
    "frechet": (
        "Fréchet distance",
        "Distance of two Gaussians with the means and covariances of the features; from n samples it is too large by "
        "about c/n. ± is the jackknife's standard error.",
    ),
    "frechet_limit": (
        "Fréchet, n → ∞",
        "The line in 1/n through the distances of parts of the samples, at 0; only these compare between different n.",
    ),
    "kernel": (
        "Kernel distance",
        "Squared maximum mean discrepancy with a cubic kernel; without bias, so that it may be negative. Mean and "
        "standard error over disjoint blocks.",
    ),
    "precision": ("Precision", "Share of samples that lie within the support of the training images."),
    "recall": ("Recall", "Share of training images that lie within the support of the samples."),
    "density": (
        "Density",
        "Mean number of training images' balls around a sample, over k: 1 where samples are distributed as the images, "
        "more where they crowd.",
    ),
    "coverage": ("Coverage", "Share of training images with a sample in their ball."),
    "confidence": (
        "Confidence",
        "Mean probability of the class that the classifier assigns: low where samples are of no class.",
    ),
    "copies": (
        "Copy test, p",
        "One-sided Mann–Whitney test on pixels: are samples nearer to training images than held-out images are? A "
        "small p is a sign of copying, or of samples that are smoother than images; the nearest images show which.",
    ),
}
GOAL = {"low": "lower is better", "high": "higher is better", "one": "best at 1"}
LONGEST = "-0.000 ± 0.000"
"""Text that a column has room for; with many models the table scrolls."""
TALLEST_PX = 270
NameOf = Callable[[str], str]


class NumbersTable(QWidget):
    """The numbers.

    Args:
        panel: that names the control.
        state: of the page.
        name_of: short name of a run.
    """

    def __init__(self, panel: Panel, state: SamplesState, name_of: NameOf) -> None:
        super().__init__()
        self._state, self._name_of = state, name_of
        self._shown: object = None
        self.title = ElidedLabel()
        self.title.setProperty("role", "muted")
        self.grid = QTableWidget(len(NAMES), 2)
        panel.name_widget(self.grid, "samples_numbers", "Numbers", "")
        self.grid.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.grid.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.grid.setTabKeyNavigation(False)
        self.grid.setWordWrap(False)
        self.grid.setVerticalHeaderLabels([title for title, _ in NAMES.values()])
        for row, (_title, help_text) in enumerate(NAMES.values()):
            header = self.grid.verticalHeaderItem(row)
            if header is not None:
                header.setToolTip(help_text)
        self.grid.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + GRID)
        heading = self.grid.horizontalHeader()
        heading.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        heading.setMinimumSectionSize(self.fontMetrics().horizontalAdvance(LONGEST) + 2 * GRID)
        heading.setTextElideMode(Qt.TextElideMode.ElideRight)
        when_styled(self.grid, self._fit_height)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.title)
        column.addWidget(self.grid)
        state.changed.connect(self._show)
        self._show()

    def _fit_height(self) -> None:
        height = self.grid.horizontalHeader().sizeHint().height() + self.grid.horizontalScrollBar().sizeHint().height()
        height += 4 + len(NAMES) * self.grid.verticalHeader().defaultSectionSize()
        self.grid.setFixedHeight(min(height, TALLEST_PX))

    def _show(self) -> None:
        measured = self._state.measured
        shown = tuple((self._name_of(run), id(report)) for run, report in measured)
        if shown == self._shown:
            return
        self._shown = shown
        spaces = dict.fromkeys(report.space for _, report in measured)
        self.title.set_words(
            "Feature space: " + "; ".join(spaces) if spaces else "Numbers and their standard errors, once measured"
        )
        columns = self._columns()
        self.grid.setColumnCount(len(columns))
        self.grid.setHorizontalHeaderLabels([title for title, _, _ in columns])
        for column, (_title, report, of_samples) in enumerate(columns):
            header = self.grid.horizontalHeaderItem(column)
            if header is not None and report is not None:
                header.setToolTip(about(report))
            for row, name in enumerate(NAMES):
                texts = value_text if of_samples else reference_text
                self._put(row, column, "" if report is None else texts(report, name), name, report)

    def _columns(self) -> list[tuple[str, SampleReport | None, bool]]:
        """Heading, report, and whether it is of samples: held-out images beside the models that they compare with."""
        columns: list[tuple[str, SampleReport | None, bool]] = []
        for title, reference in self._state.references.items():
            columns.append((title.capitalize(), reference, False))
            columns += [
                (self._name_of(run), report, True)
                for run, report in self._state.measured
                if comparable(report, reference)
            ]
        return columns or [(HELD_OUT.capitalize(), None, False), ("Samples", None, True)]

    def _put(self, row: int, column: int, text: str, name: str, report: SampleReport | None) -> None:
        item = QTableWidgetItem(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number = None if report is None else number_of(report, name)
        item.setToolTip(NAMES[name][1] if number is None else f"{number.title}; {GOAL[number.better]}")
        self.grid.setItem(row, column, item)


def about(report: SampleReport) -> str:
    """Describe a measurement: samples, images, sampler and weights."""
    sampler = f", {report.sampler}" if report.sampler else ""
    return (
        f"{report.count:,} samples at step {report.weights_step:,}{sampler}, against {report.num_training:,} training "
        f"images of {report.data}; reference: {report.num_held_out:,} held-out images; {report.space}"
    )


def number_of(report: SampleReport, name: str) -> QualityNumber | None:
    """Number of a report by its name; None: it has none."""
    return next((number for number in report.numbers if number.name == name), None)


def value_text(report: SampleReport, name: str) -> str:
    """Text of a number of the samples."""
    number = number_of(report, name)
    if number is not None:
        return text_of(number.value, number.error)
    if name == "confidence":
        return "no labels" if report.classes is None else f"{report.classes.confidence:.3f}"
    return p_text(report.memorization[0].p_value)


def reference_text(report: SampleReport, name: str) -> str:
    """Text of a number of held-out images."""
    number = number_of(report, name)
    if number is not None:
        return text_of(number.reference, number.reference_error)
    if name == "confidence" and report.classes is not None:
        return "–" if math.isnan(report.classes.reference_confidence) else f"{report.classes.reference_confidence:.3f}"
    return "–"


def text_of(value: float, error: float) -> str:
    """Write a value with its standard error, whose first digit, or two of them below 3.55, decide on the decimals."""
    if not math.isfinite(value):
        return "–"
    if not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    magnitude = math.floor(math.log10(error))
    digits = 2 if error / 10**magnitude < 3.55 else 1
    decimals = min(max(digits - 1 - magnitude, 0), 6)
    return f"{value:,.{decimals}f} ± {error:,.{decimals}f}"


def p_text(p_value: float) -> str:
    """Write a probability."""
    if math.isnan(p_value):
        return "–"
    return f"{p_value:.2g}" if p_value >= 1e-4 else "< 0.0001"


def csv_of(state: SamplesState, name_of: NameOf, details: Mapping[str, str]) -> str:
    """Write all that was measured, a line for each value: model, table, what, n or number, value, error, reference."""
    about_each = {name_of(run): about(report) for run, report in state.measured}
    rows: list[list[object]] = []
    for run, report in state.measured:
        model = name_of(run)
        for number in report.numbers:
            values = (number.value, number.error, number.reference, number.reference_error)
            rows.append([model, "numbers", number.title, report.count, *map(_cell, values)])
        for name, curve in (("samples", report.curve), (HELD_OUT, report.reference_curve)):
            for row in _points(curve):
                rows.append([model, "Fréchet distance over n", name, *row])
        if report.classes is not None:
            shares = report.classes
            for label, (mine, data) in enumerate(zip(shares.samples.numpy(), shares.data.numpy(), strict=True)):
                rows.append([model, "classes", shares.names[label], label, _cell(mine), "", _cell(data)])
        for found in report.memorization:
            rows.append([model, "Mann–Whitney p", found.space, "", _cell(found.p_value)])
            nearest, percentiles = found.distances.numpy()[:, 0], found.percentiles.numpy()
            for index, (distance, percentile) in enumerate(zip(nearest, percentiles, strict=True)):
                rows.append([model, "distance", found.space, index, _cell(distance)])
                rows.append([model, "percentile", found.space, index, _cell(percentile)])
    header = ("model", "table", "name", "index", "value", "error", "reference", "reference error")
    return comment_lines({**details, **about_each}) + csv_text(header, rows)


def _points(curve: DistanceCurve | None) -> list[list[object]]:
    if curve is None:
        return []
    rows = zip(curve.counts.numpy().tolist(), curve.values.numpy(), curve.errors.numpy(), strict=True)
    limit: list[object] = ["infinity", _cell(curve.limit), _cell(curve.limit_error)]
    return [*([count, _cell(value), _cell(error)] for count, value, error in rows), limit]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
