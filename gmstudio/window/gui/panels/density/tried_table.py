"""Table of the statistics that were tried on two sets, with the accuracy of each as a detector."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.state.density.detection import Detection

COLUMNS = (
    ("Tried so far", "Statistic; a click shows its result."),
    ("AUROC", "Area under the ROC curve: the probability that an anomalous image has the higher anomaly score."),
    ("95 % interval", "Percentile bootstrap of the AUROC."),
    ("AP", "Average precision."),
    ("FPR at 95 %", "False-positive rate where 95 % of the anomalous images are found."),
)
LESS_IMPORTANT = (3, 2)
"""Columns that give way to the names of the statistics; the numbers of the shown one stand above the table."""
NAME_LETTERS = 20


class TriedTable(QTableWidget):
    """Statistics in rows.

    Signals:
        chosen: the ``Detection`` whose row was clicked, or reached by a key.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self._detections: list[Detection] = []
        for column, (title, tip) in enumerate(COLUMNS):
            header = QTableWidgetItem(title)
            header.setToolTip(tip)
            header.setTextAlignment(_alignment(column))
            self.setHorizontalHeaderItem(column, header)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + GRID)
        heading = self.horizontalHeader()
        heading.setHighlightSections(False)
        heading.setMinimumSectionSize(4 * GRID)
        advance = self.fontMetrics().horizontalAdvance
        samples = ("", "0.000", "0.000–0.000", "0.000", "0.000")
        titles = [title for title, _ in COLUMNS]
        self._widths = [
            max(advance(sample), advance(title)) + 2 * GRID for sample, title in zip(samples, titles, strict=True)
        ]
        self._widths[0] = NAME_LETTERS * self.fontMetrics().averageCharWidth()
        for column, width in enumerate(self._widths):
            self.setColumnWidth(column, width)
        heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.currentCellChanged.connect(lambda row, *_: self._on_row(row))
        self._tint()
        theme().changed.connect(self._tint)

    def _tint(self) -> None:
        back, text = theme().blend("accent", "base", 0.75).name(), theme().color("text").name()
        self.setStyleSheet(f"QTableView::item:selected {{ background: {back}; color: {text}; }}")

    def sizeHint(self) -> QSize:
        """Size of five rows."""
        return QSize(44 * GRID, 6 * (self.fontMetrics().height() + GRID) + GRID)

    def minimumSizeHint(self) -> QSize:
        """Size of two rows."""
        return QSize(28 * GRID, 3 * (self.fontMetrics().height() + GRID) + GRID)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out columns where the names of the statistics have no room."""
        super().resizeEvent(event)
        needed = sum(self._widths)
        for column in LESS_IMPORTANT:
            hides = needed > self.viewport().width()
            self.setColumnHidden(column, hides)
            needed -= self._widths[column] if hides else 0

    def show_tried(self, detections: list[Detection], shown: Detection | None) -> None:
        """Show results, and mark the one on display."""
        self.blockSignals(True)
        self._detections = detections
        self.setRowCount(len(detections))
        self.setCurrentCell(-1, -1)
        for row, detection in enumerate(detections):
            curves = detection.event.curves
            texts = [detection.title, "–", "–", "–", "–"]
            if curves is not None:
                interval = f"{curves.auroc_low:.3f}–{curves.auroc_high:.3f}"
                numbers = (
                    f"{curves.auroc:.3f}",
                    interval,
                    f"{curves.average_precision:.3f}",
                    f"{curves.fpr_at_95:.3f}",
                )
                texts[1:] = numbers
            for column, text in enumerate(texts):
                item = self.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    item.setTextAlignment(_alignment(column))
                    self.setItem(row, column, item)
                item.setText(text)
                item.setToolTip(f"{texts[0]}: {detection.event.kind_text}" if column == 0 else COLUMNS[column][1])
                low = column == 1 and curves is not None and curves.auroc < 0.5
                item.setForeground(theme().color("error" if low else "text"))
            if detection is shown:
                self.setCurrentCell(row, 0)
        self.blockSignals(False)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._detections):
            self.chosen.emit(self._detections[row])


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
