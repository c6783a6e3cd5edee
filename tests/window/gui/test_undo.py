"""Undo history of a panel: one step per edit, by name, at most a hundred."""

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.undo import record_edits
from gmstudio.window.state.edits import EditRecorder


class Slider(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.value = np.zeros(1)
        self.edits = EditRecorder(self)
        self.edits.add_part("value", lambda: self.value, self._restore)
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(3)
        record_edits(self.stack, self.edits)

    def _restore(self, value: np.ndarray) -> None:
        self.value = value

    def move(self, value: float, key: str = "move") -> None:
        with self.edits.recording(f"Move to {value:g}", key=key):
            self.value = np.array([value])


def test_movements_merge_and_other_edits_do_not(qtbot: QtBot) -> None:
    slider = Slider()
    for value in (1, 2, 3):
        slider.move(value)
    slider.move(9, key="")
    slider.move(8, key="")
    names = [slider.stack.text(index) for index in range(slider.stack.count())]
    assert names == ["Move to 3", "Move to 9", "Move to 8"]
    slider.move(7, key="")
    assert slider.stack.count() == 3  # the limit
    slider.stack.undo()
    seen = []
    while slider.stack.canUndo():
        slider.stack.undo()
        seen.append(float(slider.value[0]))
    assert seen == [9, 3]
    slider.stack.redo()
    assert slider.value == 9 and slider.stack.redoText() == "Move to 8"


def test_a_movement_back_to_the_beginning_leaves_no_step(qtbot: QtBot) -> None:
    slider = Slider()
    slider.move(1)
    slider.move(0)
    assert not slider.stack.canUndo()


def test_another_run_empties_the_history(qtbot: QtBot) -> None:
    slider = Slider()
    slider.move(1)
    slider.edits.clear()
    assert slider.stack.count() == 0
