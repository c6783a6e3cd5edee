"""Table of thousands of rows that are chosen whole."""

from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

MARGIN_PX = 8
"""Above and below the text of a row, together."""
SIZED_ROWS = 64
"""Rows that the width of a column follows, those on the screen first; of a hidden table Qt would take all of them."""


class RowTable(QTableView):
    """Table whose rows have one height and are chosen whole; it asks the model for those on the screen alone.

    A ``QTreeView`` asks a model in Python several times for each of its rows whenever it is filled, which takes a tenth
    of a second for ten thousand. Keys do what they do in such a list: Home and End go to the first and last row, Left
    and Right scroll.

    Args:
        parent: widget that it belongs to.
        lines: lines of text in a row.
    """

    def __init__(self, parent: QWidget | None = None, *, lines: int = 1) -> None:
        super().__init__(parent)
        self._lines = lines
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names differ at both ends
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.header().setHighlightSections(False)
        self.header().setResizeContentsPrecision(SIZED_ROWS)
        self.header().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("rows", True)
        self._fit_rows()

    def header(self) -> QHeaderView:
        """Titles of the columns."""
        return self.horizontalHeader()

    def changeEvent(self, event: QEvent) -> None:
        """Fit the rows to another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_rows()

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._lines * self.fontMetrics().lineSpacing() + MARGIN_PX)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Find the row that a key goes to, in the current column."""
        actions, rows = QAbstractItemView.CursorAction, self.model().rowCount()
        column = max(self.currentIndex().column(), 0)
        if action in (actions.MoveHome, actions.MoveEnd) and rows:
            return self.model().index(0 if action == actions.MoveHome else rows - 1, column)
        if action in (actions.MoveLeft, actions.MoveRight):
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() + (1 if action == actions.MoveRight else -1) * bar.singleStep())
            return self.currentIndex()
        return super().moveCursor(action, modifiers)
