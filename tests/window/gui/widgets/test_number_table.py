"""The table of numbers by keys: typing, refusing, copy and paste."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.number_input import NOTE_NAME
from gmstudio.window.gui.widgets.number_table import NumberTable

VALUES = np.array([[0.1, 0.2], [0.3, np.nan]])


@pytest.fixture
def table(qtbot: QtBot) -> NumberTable:
    made = NumberTable()
    qtbot.addWidget(made)
    made.set_numbers(("a", "b"), ("one", "two"), VALUES)
    made.set_editable(True)
    made.resize(300, 150)
    with qtbot.waitExposed(made):
        made.show()
    made.setFocus()
    made.setCurrentIndex(made.numbers.index(0, 1))
    return made


def edits(table: NumberTable) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    table.edited.connect(found.append)
    return found


def test_typing_replaces_a_number(qtbot: QtBot, table: NumberTable) -> None:
    found = edits(table)
    qtbot.keyClick(table, "0")
    editor = table.findChild(QLineEdit)
    assert editor is not None
    qtbot.keyClicks(editor, ",75")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(found) == 1)
    np.testing.assert_array_equal(found[0], [[0.1, 0.75], [0.3, np.nan]])


def test_what_is_no_number_is_refused_in_a_sentence_at_the_table(qtbot: QtBot, table: NumberTable) -> None:
    found = edits(table)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    editor = table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("half")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: table.window().findChild(QLabel, NOTE_NAME) is not None)
    assert found == []
    np.testing.assert_array_equal(table.numbers.values, VALUES)
    note = table.window().findChild(QLabel, NOTE_NAME)
    assert note is not None
    assert "“half” is not a number." in note.text()


def test_several_cells_are_pasted_or_none(qtbot: QtBot, table: NumberTable) -> None:
    found = edits(table)
    clipboard = QGuiApplication.clipboard()
    refused: list[str] = []
    table.numbers.refused.connect(refused.append)
    table.setCurrentIndex(table.numbers.index(0, 0))
    clipboard.setText("1\t2\n3\t4,5\n")
    qtbot.keyClick(table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(found[-1], [[1.0, 2.0], [3.0, 4.5]])
    clipboard.setText("1\t2\n3\tx")
    qtbot.keyClick(table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    clipboard.setText("1\t2\t3")
    qtbot.keyClick(table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert len(found) == 1
    assert refused[0].startswith("“x” is not a number.")
    assert refused[1].startswith("1 × 3 cells were pasted, but only 2 × 2 are there")


def test_cells_are_copied_with_all_their_digits(qtbot: QtBot, table: NumberTable) -> None:
    table.set_numbers(("a", "b"), ("one", "two"), np.array([[1 / 3, 0.2], [0.3, 0.4]]))
    table.selectAll()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "0.3333333333333333\t0.2\n0.3\t0.4"


def test_a_table_that_cannot_be_edited_ignores_typing(qtbot: QtBot, table: NumberTable) -> None:
    table.set_editable(False)
    qtbot.keyClick(table, "7")
    assert table.findChild(QLineEdit) is None


def test_new_numbers_keep_what_is_being_typed(qtbot: QtBot, table: NumberTable) -> None:
    qtbot.keyClick(table, "9")
    table.set_numbers(("a", "b"), ("one", "two"), VALUES + 1)
    editor = table.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "9"
    assert table.numbers.text(0, 0) == "1.1"
    assert table.numbers.text(1, 1) == ""
