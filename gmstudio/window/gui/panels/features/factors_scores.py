"""Scores of disentanglement as a table, with the formula and the meaning of the chosen one."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.features_factors import FactorScore, FactorsMeasured
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.state.features.factors import FactorsState
from gmstudio.window.state.features.state import FeaturesState

ROW_PX = 24
MOST_COLUMNS = 4
TIP = "Scores from 0 to 1, the higher the better: of the chosen features first, then of others that were measured."
FORMULA_PX = 8 * GRID


class FactorScores(QWidget):
    """Table of the scores, formula and text of the chosen one.

    Args:
        panel: that it belongs to.
        owner: state of the panel.
        state: of the page.
    """

    def __init__(self, panel: Panel, owner: FeaturesState, state: FactorsState) -> None:
        super().__init__(panel)
        self._owner, self._state = owner, state
        self._scores: tuple[FactorScore, ...] = ()
        self.table = QTableWidget()
        panel.name_widget(self.table, "factors_scores", "Scores of disentanglement", TIP)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.formula = Formula()
        self.formula.setMinimumHeight(FORMULA_PX)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setProperty("role", "muted")
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.table, 1)
        column.addWidget(self.formula)
        column.addWidget(self.text, 1)
        self.table.currentCellChanged.connect(self._show_text)
        state.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the scores so far."""
        replies = self._state.of_data()[:MOST_COLUMNS]
        self._scores = max((reply.scores for reply in replies), key=len, default=())
        table, current = self.table, max(self.table.currentRow(), 0)
        table.blockSignals(True)
        table.setColumnCount(1 + max(len(replies), 1))
        titles = [space_words(self._owner, reply.space) for reply in replies] or ["Value"]
        table.setHorizontalHeaderLabels(["Score", *titles])
        for column, title in enumerate(titles, 1):
            heading = table.horizontalHeaderItem(column)
            assert heading is not None
            heading.setToolTip(title)  # the heading itself may be elided
        table.setRowCount(len(self._scores))
        for row, score in enumerate(self._scores):
            self._put(row, 0, score.title, score.help)
            for column, reply in enumerate(replies, 1):
                self._put(row, column, *_value(reply, score.name))
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        if self._scores:
            table.setCurrentCell(min(current, len(self._scores) - 1), 0)
        table.blockSignals(False)
        self._show_text()

    def _put(self, row: int, column: int, text: str, tip: str) -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        self.table.setItem(row, column, item)

    def _show_text(self) -> None:
        row = self.table.currentRow()
        score = self._scores[row] if 0 <= row < len(self._scores) else None
        self.formula.set_latex("" if score is None else score.formula)
        self.text.setText("" if score is None else score.help)


def _value(reply: FactorsMeasured, name: str) -> tuple[str, str]:
    """Value of a score, and its parts by factor."""
    score = next((score for score in reply.scores if score.name == name), None)
    if score is None:
        return "", ""
    parts = zip(reply.factors, score.by_factor.numpy().tolist(), strict=False)
    lines = [f"{factor}: {value:.3f}" for factor, value in parts]
    return f"{score.value:.3f}", "\n".join((f"{score.title} by factor", *lines)) if lines else score.title
