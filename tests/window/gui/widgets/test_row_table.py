"""Tables of thousands of rows: what they ask of a model, and where keys lead."""

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QHeaderView
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.row_table import RowTable

ROWS = 10_000


class Counted(QAbstractTableModel):
    """Rows of two columns; it counts what is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def rowCount(self, _parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:
        self.asked += 1
        return ROWS

    def columnCount(self, _parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:
        self.asked += 1
        return 2

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        self.asked += 1
        return f"row {index.row()}" if role == Qt.ItemDataRole.DisplayRole else None


def test_only_the_rows_on_the_screen_are_asked_for_and_keys_go_from_row_to_row(qtbot: QtBot) -> None:
    table, model = RowTable(), Counted()
    table.setModel(model)
    qtbot.addWidget(table)
    table.resize(300, 200)
    table.show()
    qtbot.waitExposed(table)
    table.setCurrentIndex(model.index(40, 1))
    table.grab()
    assert 0 < model.asked < ROWS
    for key, row in ((Qt.Key.Key_Down, 41), (Qt.Key.Key_End, ROWS - 1), (Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 0)):
        qtbot.keyClick(table, key)
        assert (table.currentIndex().row(), table.currentIndex().column()) == (row, 1)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]


def test_a_hidden_table_sizes_its_columns_by_its_first_rows(qtbot: QtBot) -> None:
    table, model = RowTable(), Counted()
    qtbot.addWidget(table)
    table.setModel(model)
    table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
    table.setCurrentIndex(model.index(40, 1))
    assert table.columnWidth(0) >= table.fontMetrics().horizontalAdvance("row 40")
    assert model.asked < ROWS
