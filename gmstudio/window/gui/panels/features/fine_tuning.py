"""Fine-tuning page: an encoder trained further with few labels, against a frozen one and one trained from scratch."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.features_fine_tuning import FineTuneCurve, TuningKind
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.probe_settings import count_text
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.panels.features.table_export import Cell, TableExport
from gmstudio.window.gui.panels.features.texts import step_words
from gmstudio.window.gui.panels.features.work_row import WorkRow
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.features.fine_tuning import CLASSIFIERS, LABEL_COUNTS, FineTuningState
from gmstudio.window.state.features.state import FeaturesState

TITLES: dict[TuningKind, str] = {
    "fine-tuned": "Fine-tuned",
    "frozen": "Frozen encoder",
    "scratch": "From scratch",
}
TIPS: dict[TuningKind, str] = {
    "fine-tuned": "The encoder of the run is the beginning, and is trained with the linear layer on top of it.",
    "frozen": "The encoder of the run stays as it is; the linear layer alone is trained.",
    "scratch": "The same network with new weights, trained with the same labels.",
}
TRAIN_TIP = (
    "Train three classifiers with the same labels, seeds and steps: the chosen layer fine-tuned, frozen, and from "
    "scratch"
)
FIELDS = {
    "steps": ("Steps", "Training steps of each classifier.", 1, 20_000, "20000"),
    "seeds": ("Seeds", "Choices of the labelled images and initial weights; curves are means over these.", 1, 20, "20"),
}
ROW_PX = 24
TABLE_PX = 5 * ROW_PX
Floats = NDArray[np.float64]
HEADINGS = ("Classifier", "Test accuracy", "By seed")
HEADER = ("classifier", "seed_number", "step", "test_accuracy", "train_loss")


class FineTuningPage(ActiveWidget):
    """Settings, live curves and the table of the last accuracies.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: FeaturesState) -> None:
        super().__init__(panel)
        self._panel, self._owner = panel, state
        self._state = tuning = state.page(FineTuningState)
        add = panel.add_action
        self._begin = add("fine_tuning_start", "Train", "T", tuning.start, icon="play", tip=TRAIN_TIP)
        self._stop = add("fine_tuning_stop", "Stop", "", tuning.stop, icon="stop", tip="Stop; the curves so far stay")
        self._csv = add("fine_tuning_csv", "CSV", "", self._export, icon="save", tip="Save the curves as CSV")
        self.work = WorkRow(panel, "fine_tuning", self._begin, self._stop, (self._csv,))
        self._exports = TableExport(panel, state, lambda words, bad: self.work.say(words, error=bad))
        self.labels = QComboBox()
        for count in LABEL_COUNTS:
            self.labels.addItem(count_text(count), count)
        panel.name_widget(self.labels, "fine_tuning_labels", "Labels a class", "Labelled training images a class.")
        self.steps, self.seeds = self._field("steps"), self._field("seeds")
        self.rate = NumberField()
        self.rate.setDecimals(5)
        self.rate.setRange(0.00001, 1.0)
        self.rate.setStepType(NumberField.StepType.AdaptiveDecimalStepType)
        fit_width(self.rate, "0.00001")
        panel.name_widget(self.rate, "fine_tuning_rate", "Learning rate", "Learning rate of Adam, for all three.")
        self.plot = LinePlot("training step", "test accuracy")
        panel.name_widget(self.plot, "fine_tuning_plot", "Test accuracy by step", "Means and spread over the seeds.")
        self.losses = LinePlot("training step", "cross-entropy of the labelled images, nats")
        panel.name_widget(self.losses, "fine_tuning_losses", "Training loss by step", "Means over the seeds.")
        self.plot.set_axes((0.0, 1.0))
        self.table = self._make_table()
        self.about = ElidedLabel()
        self.about.setProperty("role", "muted")
        self._lay_out()
        self._connect()
        panel.remember(self.labels, self.steps, self.rate, self.seeds)
        self._refresh()

    def _field(self, name: str) -> IntegerField:
        title, tip, low, high, longest = FIELDS[name]
        field = IntegerField()
        field.setRange(low, high)
        fit_width(field, longest)
        self._panel.name_widget(field, f"fine_tuning_{name}", title, tip)
        return field

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(CLASSIFIERS), len(HEADINGS))
        tip = "Mean ± standard deviation over the seeds."
        self._panel.name_widget(table, "fine_tuning_table", "Last test accuracies", tip)
        table.setHorizontalHeaderLabels(list(HEADINGS))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(HEADINGS) - 1, QHeaderView.ResizeMode.Stretch)
        table.setFixedHeight(TABLE_PX)
        return table

    def _lay_out(self) -> None:
        settings = QHBoxLayout()
        settings.setSpacing(GRID)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Labels a class", self.labels),
            ("Steps", self.steps),
            ("Learning rate", self.rate),
            ("Seeds", self.seeds),
        )
        for text, field in fields:
            label = QLabel(text)
            label.setBuddy(field)
            settings.addWidget(label)
            settings.addWidget(field)
        settings.addStretch(1)
        plots = QHBoxLayout()
        plots.setSpacing(2 * GRID)
        plots.addWidget(self.plot, 3)
        plots.addWidget(self.losses, 2)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(settings)
        page.addWidget(self.work)
        page.addWidget(self.about)
        page.addLayout(plots, 1)
        page.addWidget(self.table)

    def _connect(self) -> None:
        state = self._state
        state.changed.connect(self._refresh)
        self._owner.run_changed.connect(self._refresh)
        self.labels.activated.connect(lambda index: state.set_settings(labels_per_class=self.labels.itemData(index)))
        self.steps.valueChanged.connect(lambda value: state.set_settings(steps=value))
        self.seeds.valueChanged.connect(lambda value: state.set_settings(num_seeds=value))
        self.rate.valueChanged.connect(lambda value: state.set_settings(learning_rate=value))

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self._show_settings()
        panel, state = self._panel, self._state
        panel.allow(self._begin, "The classifiers are being trained." if state.running else state.obstacle)
        panel.allow(self._stop, "" if state.running else "Nothing is being trained.")
        panel.allow(self._csv, "" if state.found is not None and state.found.curves else "There are no curves yet.")
        progress = state.progress
        if progress is not None:
            self.work.show_work(progress, progress.share, loading=state.loading)
        else:
            self.work.show_work(None, 0.0)
            self.work.say(state.problem or state.obstacle, error=bool(state.problem))
        self._show_about()
        ends = (0.0, float(state.steps))
        self.plot.set_lines(tuple(self._accuracies()), ends)
        self.losses.set_lines(tuple(self._losses()), ends)
        for row, kind in enumerate(CLASSIFIERS):
            self._show_row(row, kind)

    def _show_settings(self) -> None:
        settings = self._state.settings
        self.labels.setCurrentIndex(self.labels.findData(settings.labels_per_class))
        for field in (self.steps, self.seeds, self.rate):
            field.blockSignals(True)
        if not self.steps.is_typed:
            self.steps.setValue(settings.steps)
        if not self.seeds.is_typed:
            self.seeds.setValue(settings.num_seeds)
        if not self.rate.is_typed:
            self.rate.setValue(settings.learning_rate)
        for field in (self.steps, self.seeds, self.rate):
            field.blockSignals(False)

    def _show_about(self) -> None:
        found = self._state.found
        if found is None:
            self.about.set_words("")
            return
        numbers = f"{found.num_labels:,} labelled images, {found.num_test:,} test images"
        title = f"{space_words(self._owner, found.space)}{step_words(found.weights_step)}"
        parts = (title, numbers, *found.warnings)
        self.about.set_words(" · ".join(parts))

    def _accuracies(self) -> list[PlotLine]:
        lines = []
        for number, kind in enumerate(CLASSIFIERS):
            curve = self._state.curve(kind)
            if curve is not None:
                mean, spread = _over_seeds(curve.accuracies.numpy())
                x = curve.steps.numpy().astype(float)
                lines.append(PlotLine(TITLES[kind], x, mean, mean - spread, mean + spread, colour=number))
        return lines

    def _losses(self) -> list[PlotLine]:
        lines = []
        for number, kind in enumerate(CLASSIFIERS):
            curve = self._state.curve(kind)
            if curve is not None:
                mean, _spread = _over_seeds(curve.train_losses.numpy())
                lines.append(PlotLine(TITLES[kind], curve.steps.numpy().astype(float), mean, colour=number))
        return lines

    def _show_row(self, row: int, kind: TuningKind) -> None:
        final = self._state.final(kind)
        mean = f"{final.mean():.3f}" if len(final) else ""
        spread = f" ± {np.std(final, ddof=1):.3f}" if len(final) > 1 else ""
        texts = (TITLES[kind], mean + spread, ", ".join(f"{value:.3f}" for value in final.tolist()))
        for column, text in enumerate(texts):
            item = self.table.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                self.table.setItem(row, column, item)
            item.setText(text)
            item.setToolTip(TIPS[kind])

    def _export(self) -> None:
        rows: list[list[Cell]] = []
        for curve in self._state.found.curves if self._state.found is not None else ():
            rows += _rows_of(curve)
        self._exports.ask("fine-tuning", "Test accuracies of classifiers", HEADER, rows)


def _over_seeds(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (T,) over the seeds (S, T) that have come so far; NaN where none has."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = np.divide(filled.sum(axis=0), count, out=np.full(values.shape[1], np.nan), where=count > 0)
    squares = np.where(known, np.square(values - mean), 0.0).sum(axis=0)
    return mean, np.sqrt(np.divide(squares, count - 1, out=np.zeros(values.shape[1]), where=count > 1))


def _rows_of(curve: FineTuneCurve) -> list[list[Cell]]:
    accuracies, losses = curve.accuracies.numpy(), curve.train_losses.numpy()
    return [
        [curve.kind, seed, int(step), float(accuracies[seed, place]), float(losses[seed, place])]
        for seed in range(len(accuracies))
        for place, step in enumerate(curve.steps.numpy().tolist())
        if np.isfinite(accuracies[seed, place])
    ]
