"""Rows that fold where they are too narrow."""

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of


def test_groups_go_below_each_other_without_room_and_back(qtbot: QtBot) -> None:
    buttons = [QPushButton(f"button {index}") for index in range(4)]
    for button in buttons:
        button.setMinimumWidth(100)
    holder = QWidget()
    qtbot.addWidget(holder)
    row = FoldingRow(group_of(*buttons[:2]), group_of(*buttons[2:], stretch=1))
    column = QVBoxLayout(holder)
    column.addWidget(row)
    column.addStretch(1)
    holder.resize(600, 200)
    holder.show()
    assert not row.folded and buttons[2].y() == buttons[0].y()
    holder.resize(300, 200)
    qtbot.waitUntil(lambda: buttons[2].y() >= buttons[0].geometry().bottom())
    assert row.folded and buttons[3].geometry().right() <= row.width()
    holder.resize(600, 200)
    qtbot.waitUntil(lambda: buttons[2].y() == buttons[0].y())
