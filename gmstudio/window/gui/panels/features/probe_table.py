"""Table of the accuracies of probes: spaces by numbers of labels."""

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gmstudio.protocol.array import Array
from gmstudio.protocol.features import FeatureSpace, ProbeResult
from gmstudio.window.gui.panels.features.probe_settings import count_text
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.panels.features.texts import step_words
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.features.probe import LABEL_COUNTS, ProbeState
from gmstudio.window.state.features.state import FeaturesState

ROW_PX = 24
METHODS = (("linear", "Linear probe"), ("neighbours", "k-nearest neighbours"))
HEADINGS = ("Features", "Classifier")
WORDS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
WIDEST, PADDING_PX = "0.000 ± 0.000", 12


class ProbeTable(QTableWidget):
    """Two rows for each space, one of each classifier; the chosen cell is that whose confusions are shown.

    Args:
        owner: state of the panel.
        state: of the page.

    Signals:
        picked: space and number of labels of a cell that the user chose.
    """

    picked = Signal(object, int)

    def __init__(self, owner: FeaturesState, state: ProbeState, parent: QWidget | None = None) -> None:
        super().__init__(0, len(HEADINGS) + len(LABEL_COUNTS), parent)
        self._owner, self._state = owner, state
        self._shown: tuple[FeatureSpace, ...] = ()
        self.setHorizontalHeaderLabels([*HEADINGS, *map(count_text, LABEL_COUNTS)])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(48)
        for column in range(1, self.columnCount()):
            # Of the width of a result from the beginning, so that nothing moves when it arrives.
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            if column >= len(HEADINGS):
                self._aligned(self.horizontalHeaderItem(column), NUMBERS)
        self._fit_columns()
        self.currentCellChanged.connect(self._on_current)
        state.changed.connect(self.refresh)
        owner.library.changed.connect(self.refresh)
        theme().changed.connect(self.refresh)
        self.refresh()

    @property
    def space(self) -> FeatureSpace | None:
        """Space of the current row; None: there is none."""
        row = self.currentRow() // len(METHODS)
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def refresh(self) -> None:
        """Show the accuracies so far; rows and the current cell stay where they are."""
        spaces = self._state.spaces
        self.blockSignals(True)
        if spaces != self._shown:
            self._shown = spaces
            self.clearSpans()
            self.setRowCount(len(METHODS) * len(spaces))
        for number, space in enumerate(spaces):
            for offset, (method, title) in enumerate(METHODS):
                self._fill(len(METHODS) * number + offset, space, method, title)
        self.blockSignals(False)

    def _fill(self, row: int, space: FeatureSpace, method: str, title: str) -> None:
        probed = self._state.results.get(space)
        found = None if probed is None else probed.found
        first = method == METHODS[0][0]
        stale = "" if probed is None else self._state.other_settings(probed.settings)
        name = space_words(self._owner, space)
        problem = "" if probed is None else probed.problem
        about = name if found is None or not found.title else f"{found.title}{step_words(found.weights_step)}"
        self._put(row, 0, name if first else "", problem or about)
        self._put(row, 1, title, problem)
        warnings = "\n".join(found.warnings) if found is not None else ""
        for column, count in enumerate(LABEL_COUNTS, len(HEADINGS)):
            result = self._state.result(space, count)
            if result is None:
                self._put(row, column, "", problem)
                continue
            lines = (f"{result.num_labels:,} labels in all", _seeds(result, method), stale, warnings)
            colour = "muted" if stale else "text"
            self._put(row, column, mean_text(getattr(result, method)), "\n".join(filter(None, lines)), colour)
        if first:
            self._span(row, bool(problem))
        if problem and first:
            self._put(row, len(HEADINGS), problem, problem, "error")
            self._aligned(self.item(row, len(HEADINGS)), WORDS)

    @staticmethod
    def _aligned(item: QTableWidgetItem | None, alignment: Qt.AlignmentFlag) -> None:
        assert item is not None
        item.setTextAlignment(alignment)

    def _span(self, row: int, problem: bool) -> None:
        """Give a sentence the place of the results of a space, or take it back."""
        rows, columns = (len(METHODS), len(LABEL_COUNTS)) if problem else (1, 1)
        if (self.rowSpan(row, len(HEADINGS)), self.columnSpan(row, len(HEADINGS))) != (rows, columns):
            self.setSpan(row, len(HEADINGS), rows, columns)

    def _put(self, row: int, column: int, text: str, tip: str = "", colour: str = "text") -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        item.setText(text)
        item.setToolTip(tip)
        item.setForeground(QBrush(theme().color(colour)))
        if column >= len(HEADINGS):
            item.setTextAlignment(NUMBERS)

    def changeEvent(self, event: QEvent) -> None:
        """Fit the columns to another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit_columns()

    def _fit_columns(self) -> None:
        measure = self.fontMetrics().horizontalAdvance
        self.setColumnWidth(1, max(measure(title) for _method, title in METHODS) + PADDING_PX)
        for column in range(len(HEADINGS), self.columnCount()):
            self.setColumnWidth(column, measure(WIDEST) + PADDING_PX)

    def _on_current(self, _row: int, column: int, _before: int, _before_column: int) -> None:
        space = self.space
        if space is not None and column >= len(HEADINGS):
            self.picked.emit(space, LABEL_COUNTS[column - len(HEADINGS)])


def mean_text(accuracies: Array) -> str:
    """Mean and standard deviation over seeds: ``0.912 ± 0.012``; of one seed the accuracy alone."""
    values = accuracies.numpy()
    if not len(values):
        return ""
    mean = f"{float(np.mean(values)):.3f}"
    return f"{mean} ± {float(np.std(values, ddof=1)):.3f}" if len(values) > 1 else mean


def _seeds(result: ProbeResult, method: str) -> str:
    values = getattr(result, method).numpy().tolist()
    return f"{len(values)} seeds: " + ", ".join(f"{value:.3f}" for value in values) if len(values) > 1 else ""
