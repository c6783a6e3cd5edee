"""Library page: all runs in a table that is searched and sorted."""

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSplitter, QStackedWidget, QVBoxLayout

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.export_row import ExportRow
from gmstudio.window.gui.panels.runs.library_actions import LibraryActions
from gmstudio.window.gui.panels.runs.library_details import LibraryDetails
from gmstudio.window.gui.panels.runs.library_filters import LibraryFilters
from gmstudio.window.gui.panels.runs.library_table import LibraryTable
from gmstudio.window.gui.panels.runs.library_trash import TrashView
from gmstudio.window.gui.panels.runs.library_view import LibraryView
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.state.runs.listed import ListedRuns
from gmstudio.window.state.runs.state import RunsState

NO_RUNS = "No runs yet. Runs that you train are listed here."
READING = "Reading the library …"
NONE_FOUND = "No run fulfils the search."
NARROW = 1000
"""Width below which the table stands alone."""
LEAST = QSize(60 * GRID, 30 * GRID)


class LibraryPage(ActiveWidget):
    """All runs, searched, sorted and chosen.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(ListedRuns)
        self.table = LibraryTable(self._state)
        self.view = LibraryView(self.table, self._state)
        panel.name_widget(self.view, "library", "Runs", "")
        self.filters = LibraryFilters(panel, self._state, self.view)
        self.actions_row = LibraryActions(panel, self._state, self.view)
        self.exports = ExportRow(panel, state)
        self.details, self.trash = LibraryDetails(panel, state), TrashView(panel, state)
        self.view.addActions(self.details.actions_of_run)
        self._lay_out()
        self.filters.trash.toggled.connect(self._show_trash)
        self._state.changed.connect(self._fill)
        self._state.chosen_changed.connect(self._select)
        self.view.selectionModel().selectionChanged.connect(self._on_selected)
        self.view.selectionModel().currentChanged.connect(self._on_selected)
        self.view.sorted.connect(self._select)
        theme().changed.connect(self.table.redraw)
        self._fill()

    def minimumSizeHint(self) -> QSize:
        """Least size in which the table is legible; below it the panel scrolls."""
        return super().minimumSizeHint().expandedTo(LEAST)

    def _lay_out(self) -> None:
        self._empty = QLabel(READING)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self._stack)
        self._splitter.addWidget(self.details)
        self._splitter.setStretchFactor(0, 1)
        self._panel.name_widget(self._splitter, "library_split", "Table and details", "")
        self._panel.remember(self._splitter)
        self._content = QStackedWidget()
        self._content.addWidget(self._splitter)
        self._content.addWidget(self.trash)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addWidget(self.filters)
        page.addWidget(self._content, 1)
        page.addWidget(self.actions_row)
        page.addWidget(self.exports)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the details out where the table has no room beside them."""
        super().resizeEvent(event)
        self.details.setVisible(self.width() >= NARROW)

    def _show_trash(self, shown: bool) -> None:
        """Show the trash in place of the table."""
        self._content.setCurrentWidget(self.trash if shown else self._splitter)
        self.actions_row.setVisible(not shown)
        self.exports.setVisible(not shown)

    def _fill(self) -> None:
        """Show the runs of the state."""
        with QSignalBlocker(self.view.selectionModel()):
            others = self.table.fill()
        if others:
            self._select()
        shown, everything = len(self.table.runs), len(self._owner.library.runs)
        listed, left = bool(self._owner.library.home), self._owner.library.left
        self._empty.setText(NONE_FOUND if everything else NO_RUNS if listed else READING)
        self.filters.set_count("" if not (listed or everything) else _count(shown, everything, left))
        self._stack.setCurrentWidget(self.view if shown else self._empty)

    def _on_selected(self, _now: QItemSelection | QModelIndex, _before: QItemSelection | QModelIndex) -> None:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        runs = tuple(self.table.runs[row].run for row in rows)
        current = self.table.info(self.view.currentIndex())
        shown = current.run if current is not None and (not runs or current.run in runs) else (*runs, "")[0]
        self._state.choose(runs, shown)

    def _select(self) -> None:
        """Select the rows of the chosen runs."""
        model = self.view.selectionModel()
        selection = QItemSelection()
        for row in filter(lambda row: row >= 0, map(self.table.row_of, self._state.chosen)):
            index = self.table.index(row, 0)
            selection.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        current = self.table.row_of(self._owner.run)
        with QSignalBlocker(model):
            if current >= 0:
                model.setCurrentIndex(self.table.index(current, 0), flags.NoUpdate)
            model.select(selection, flags.ClearAndSelect | flags.Rows)
        self.view.viewport().update()


def _count(shown: int, everything: int, left: int) -> str:
    """Number of runs that are listed, in words, or how much of the library the engine has read."""
    if left:
        return f"{100 * everything // (everything + left)} % read"
    return f"{shown:,} of {everything:,} runs" if shown != everything else f"{shown:,} runs"
