"""Matrix as a heat map: cells by mouse and keyboard, words, and its numbers."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.plots.matrix_view import MatrixView

VALUES = np.array([[1.0, -0.5, 0.0], [0.25, np.nan, -1.0]])


@pytest.fixture
def view(qtbot: QtBot) -> MatrixView:
    view = MatrixView("dimension", "factor")
    qtbot.addWidget(view)
    view.resize(420, 220)
    view.set_matrix(VALUES, ("z0", "z1"), ("kind", "x", "y"), signed=True)
    view.show()
    return view


def centre(view: MatrixView, row: int, column: int) -> QPoint:
    return view.cell_rect(row, column).center().toPoint()


def test_a_click_chooses_the_cell_under_the_pointer(view: MatrixView, qtbot: QtBot) -> None:
    for cell in np.ndindex(VALUES.shape):
        with qtbot.waitSignal(view.chosen) as blocker:
            qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=centre(view, *cell))
        assert blocker.args == list(cell)
    with qtbot.assertNotEmitted(view.chosen):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))


def test_the_pointer_reads_cells(view: MatrixView, qtbot: QtBot) -> None:
    read: list[str] = []
    view.read.connect(read.append)
    qtbot.mouseMove(view, centre(view, 0, 1))
    qtbot.mouseMove(view, centre(view, 1, 1))
    qtbot.mouseMove(view, QPoint(1, 1))
    assert read == ["z0, x: −0.50", "z1, x: no value", ""]


def test_keys_move_and_choose(view: MatrixView, qtbot: QtBot) -> None:
    view.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(view, key)
    with qtbot.waitSignal(view.chosen) as blocker:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert blocker.args == [1, 1]
    assert view.accessibleDescription() == "z1, x: no value"


def test_colours_run_from_one_end_to_the_other(view: MatrixView) -> None:
    picture = view.grab().toImage()
    ratio = picture.width() / view.width()

    def colour(row: int, column: int) -> QColor:
        corner = view.cell_rect(row, column).topLeft().toPoint() + QPoint(5, 5)
        return picture.pixelColor(corner * ratio)

    high, low, zero = colour(0, 0), colour(1, 2), colour(0, 2)
    assert len({high.rgb(), low.rgb(), zero.rgb()}) == 3
    view.set_matrix(np.full((2, 3), 1.0), ("z0", "z1"), ("kind", "x", "y"), signed=True)
    picture = view.grab().toImage()
    assert colour(1, 2).rgb() == high.rgb()


def test_rows_are_not_lower_than_legible(view: MatrixView) -> None:
    few = view.minimumSizeHint().height()
    view.set_matrix(np.zeros((50, 2)), tuple(f"z{k}" for k in range(50)), ("a", "b"))
    assert view.minimumSizeHint().height() >= 50 * 18 > few


def test_another_shape_forgets_the_marked_cell(view: MatrixView) -> None:
    view.set_marked((1, 2))
    view.set_matrix(VALUES, ("z0", "z1"), ("kind", "x", "y"))
    assert view.marked == (1, 2)
    view.set_matrix(VALUES[:1], ("z0",), ("kind", "x", "y"))
    assert view.marked is None
    view.clear()
    assert view.cell_at(QPoint(100, 100)) is None
    view.grab()
