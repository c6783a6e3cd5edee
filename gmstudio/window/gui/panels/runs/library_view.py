"""View of the table of runs: columns that are chosen, moved, resized and sorted, and kept over restarts."""

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QStyle

from gmstudio.window.gui.panels.runs.library_columns import BY_NAME, COLUMNS, NAME, Column
from gmstudio.window.gui.panels.runs.library_table import LibraryTable
from gmstudio.window.gui.widgets.row_table import RowTable
from gmstudio.window.state.runs.listed import ListedRuns

PADDING = 8
"""Pixels beside the text of a cell."""
MAX_WIDTH = 4000
"""Pixels of a column."""
NUMBER_OF = {column.name: number for number, column in enumerate(COLUMNS)}


class LibraryView(RowTable):
    """Table of runs.

    Args:
        table: model of the rows.
        state: of the page, which keeps the columns.

    Signals:
        sorted: the rows have another order.
    """

    sorted = Signal()

    def __init__(self, table: LibraryTable, state: ListedRuns) -> None:
        super().__init__()
        self._table, self._state = table, state
        self._widths: dict[str, int] = {}
        self.setModel(table)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionsMovable(True)
        header.setFirstSectionMovable(True)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open_column_menu)
        self._restore(state.layout)
        header.sectionClicked.connect(self._on_clicked)
        header.sectionMoved.connect(self._keep)
        header.sectionResized.connect(self._keep)

    def column_menu(self) -> QMenu:
        """Create the menu in which columns are chosen."""
        menu = QMenu(self)
        menu.setObjectName("runs.columns_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for number, column in enumerate(COLUMNS):
            action = QAction(column.title, menu, checkable=True, checked=not self.isColumnHidden(number))
            action.setToolTip(column.tip)
            action.setEnabled(column.name != NAME)
            action.toggled.connect(lambda shown, number=number: self.show_column(number, shown))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction("Columns as at first", lambda: self._restore({}))
        return menu

    def show_column(self, number: int, shown: bool) -> None:
        """Show or hide a column."""
        self.setColumnHidden(number, not shown)
        self._keep()

    def sort_by(self, number: int, descending: bool) -> None:
        """Sort the rows by a column; a negative number: as the library lists them."""
        self._table.column, self._table.descending = number, descending
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.header().setSortIndicator(number, order)
        with QSignalBlocker(self.selectionModel()):
            self._table.fill()
        self.sorted.emit()
        self._keep()

    def beside(self, runs: Collection[str]) -> str:
        """Return the run in the row below the last of some runs, else that above the first; "" without others."""
        rows = sorted(row for row in map(self._table.row_of, runs) if row >= 0)
        if not rows:
            return ""
        near = [*range(rows[-1] + 1, len(self._table.runs)), *range(rows[0] - 1, -1, -1)]
        return next((self._table.runs[row].run for row in near if not self._table.runs[row].example), "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Trigger the actions of the table: a list that has the focus gets plain keys before their shortcuts do."""
        pressed = QKeySequence(event.keyCombination())
        action = next((action for action in self.actions() if pressed in action.shortcuts()), None)
        if action is None or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif action.isEnabled():
            action.trigger()

    def _on_clicked(self, number: int) -> None:
        """Sort by a column; the second click turns the order, the third leaves it to the library."""
        first = COLUMNS[number].descending
        if self._table.column != number:
            self.sort_by(number, first)
        elif self._table.descending == first:
            self.sort_by(number, not first)
        else:
            self.sort_by(-1, False)

    def _open_column_menu(self, place: QPoint) -> None:
        self.column_menu().popup(self.header().mapToGlobal(place))

    def _keep(self, *_change: int) -> None:
        """Note the columns for the next start of the window."""
        header = self.header()
        shown = sorted(range(len(COLUMNS)), key=header.visualIndex)
        self._widths |= {
            COLUMNS[number].name: self.columnWidth(number) for number in shown if not self.isColumnHidden(number)
        }
        self._state.layout = {
            "order": [COLUMNS[number].name for number in shown],
            "hidden": [COLUMNS[number].name for number in shown if self.isColumnHidden(number)],
            "widths": dict(self._widths),
            "sort": COLUMNS[self._table.column].name if self._table.column >= 0 else "",
            "descending": self._table.descending,
        }

    def _first_width(self, column: Column) -> int:
        """Width in which the title, with its sort mark, and the usual text are whole."""
        mark = self.style().pixelMetric(QStyle.PixelMetric.PM_HeaderMarkSize)
        titled = self.header().fontMetrics().horizontalAdvance(column.title) + mark
        usual = self.fontMetrics().horizontalAdvance(column.usual)
        return max(titled, usual) + 2 * PADDING

    def _restore(self, layout: dict[str, Any]) -> None:
        """Show the columns as they were kept, perhaps by another version; those that it did not have as at first."""
        header = self.header()
        order, hidden, widths = layout.get("order"), layout.get("hidden"), layout.get("widths")
        names = [name for name in order if name in BY_NAME] if isinstance(order, list) else []
        with QSignalBlocker(header):
            wanted = [*dict.fromkeys(names), *(column.name for column in COLUMNS if column.name not in names)]
            for place, name in enumerate(wanted):
                header.moveSection(header.visualIndex(NUMBER_OF[name]), place)
            for number, column in enumerate(COLUMNS):
                known = isinstance(hidden, list) and column.name in names
                is_hidden = column.name in hidden if known and isinstance(hidden, list) else not column.shown
                self.setColumnHidden(number, is_hidden and column.name != NAME)
                width = widths.get(column.name) if isinstance(widths, dict) else None
                fitting = width if isinstance(width, int) and 0 < width < MAX_WIDTH else self._first_width(column)
                self._widths[column.name] = fitting
                header.resizeSection(number, fitting)
        sort = layout.get("sort")
        self.sort_by(NUMBER_OF.get(sort, -1) if isinstance(sort, str) else -1, layout.get("descending") is True)
