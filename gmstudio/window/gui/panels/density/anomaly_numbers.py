"""Numbers of the detection of anomalies: the threshold, the rates there, the areas, the statistics tried so far."""

import math

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.tried_table import TriedTable
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.density.anomalies import AnomaliesState

WIDTH = 336
LARGEST = 1e12
REMARK_LINES = 3
PARADOX = (
    "Below 0.5: by this statistic the anomalous images are the more typical ones (Nalisnick et al. 2019). "
    "Try a likelihood ratio, complexity or typicality."
)


class AnomalyNumbers(QWidget):
    """Column of numbers beside the images.

    Args:
        panel: names the controls.
        state: of the page.
    """

    def __init__(self, panel: Panel, state: AnomaliesState) -> None:
        super().__init__()
        self._state = state
        name = panel.name_widget
        self.threshold = NumberField()
        tip = "Anomaly score from which on an image is called anomalous."
        name(self.threshold, "anomaly_threshold", "Threshold", tip)
        self.threshold.setRange(-LARGEST, LARGEST)
        self.threshold.setKeyboardTracking(False)
        self.threshold.setFixedWidth(20 * GRID)
        self.rates, self.summary, self.remark = QLabel(), QLabel(), QLabel()
        for label, control, title, tip in (
            (self.rates, "anomaly_rates", "Rates at the threshold", "Of the detector with this threshold."),
            (self.summary, "anomaly_numbers", "Numbers of the statistic", "AUROC with its 95 % bootstrap interval."),
        ):
            name(label, control, title, tip)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remark.setWordWrap(True)
        self.remark.setTextFormat(Qt.TextFormat.PlainText)
        self.remark.setProperty("role", "warning")
        self.remark.setAlignment(Qt.AlignmentFlag.AlignTop)
        line = self.fontMetrics().lineSpacing()
        self.rates.setFixedHeight(line)
        self.summary.setFixedHeight(2 * line)
        self.remark.setFixedHeight(REMARK_LINES * line)
        self.tried = TriedTable()
        tip = "Statistics that were tried for this model and these sets; click one to see it."
        name(self.tried, "anomaly_tried", "Statistics tried so far", tip)
        self.tried.setToolTip("")  # it would lie over the rows
        self._lay_out()
        self.threshold.valueChanged.connect(state.set_threshold)
        self.tried.chosen.connect(state.show_tried)

    def _lay_out(self) -> None:
        title = QLabel("Threshold")
        title.setBuddy(self.threshold)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(title)
        row.addWidget(self.threshold)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(row)
        for label in (self.rates, self.summary, self.remark):
            column.addWidget(label)
        column.addWidget(self.tried, 1)
        self.setFixedWidth(scaled_px(self, WIDTH))

    def show_result(self) -> None:
        """Show the numbers of the result on display, and the list of results."""
        detection = self._state.detection
        self.tried.show_tried(self._state.tried(), detection)
        self.threshold.setEnabled(detection is not None)
        curves = None if detection is None else detection.event.curves
        remarks = [] if detection is None else [*detection.event.warnings]
        if curves is None:
            self.summary.setText("")
        else:
            self.summary.setText(
                f"AUROC {curves.auroc:.3f} (95 %: {curves.auroc_low:.3f}–{curves.auroc_high:.3f})\n"
                f"AP {curves.average_precision:.3f} · FPR at 95 % TPR {curves.fpr_at_95:.3f}"
            )
            if curves.auroc_high < 0.5:
                remarks.insert(0, PARADOX)
        self.remark.setText(" ".join(remarks))
        self.remark.setToolTip("\n".join(remarks))

    def show_threshold(self) -> None:
        """Show the threshold, and what it does."""
        detection, threshold = self._state.detection, self._state.threshold
        if detection is None or math.isnan(threshold):
            self.rates.setText("")
            return
        with QSignalBlocker(self.threshold):
            self.threshold.setValue(threshold)
        rates = detection.rates(threshold)
        self.rates.setText(f"TPR {rates.found:.3f} · FPR {rates.false:.3f} · precision {rates.precision:.3f}")
