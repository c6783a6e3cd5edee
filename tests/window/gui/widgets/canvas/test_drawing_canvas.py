"""Drawing a small image with the mouse and with the keyboard."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas


@pytest.fixture
def canvas(qtbot: QtBot) -> DrawingCanvas:
    canvas = DrawingCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(162, 162)
    canvas.set_blank((1, 8, 8), 2)
    canvas.brush = 1.0
    canvas.show()
    return canvas


def place(canvas: DrawingCanvas, row: int, column: int) -> QPoint:
    rect = canvas.image_rect()
    scale = rect.width() / canvas.image.shape[2]
    return QPoint(round(rect.left() + (column + 0.5) * scale), round(rect.top() + (row + 0.5) * scale))


def test_a_stroke_paints_and_the_right_button_erases(qtbot: QtBot, canvas: DrawingCanvas) -> None:
    with qtbot.waitSignal(canvas.changed):
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 2, 1))
        qtbot.mouseMove(canvas, place(canvas, 2, 1))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 2, 1))
    assert canvas.image[0, 2, 1] == 1 and canvas.image.sum() == 1
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=place(canvas, 2, 1))
    assert canvas.image.sum() == 0


def test_the_keyboard_draws_too(qtbot: QtBot, canvas: DrawingCanvas) -> None:
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert canvas.image[0, 4, 3] == 1 and canvas.image.sum() == 1
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    assert canvas.image.sum() == 0


def test_levels_between_are_used_at_the_brush_s_rim(canvas: DrawingCanvas) -> None:
    canvas.set_blank((3, 9, 9), 16)
    canvas.brush = 3.0
    canvas.colour = np.array([1.0, 0.0, 0.5])
    canvas.paint_at(4.5, 4.5)
    assert canvas.image[0, 4, 4] == 15 and canvas.image[1].sum() == 0 and canvas.image[2, 4, 4] == 8
    assert len(np.unique(canvas.image[0])) > 2


def test_each_edit_is_announced_before_it_changes_the_image(qtbot: QtBot, canvas: DrawingCanvas) -> None:
    begun: list[tuple[str, int]] = []
    canvas.begun.connect(lambda name: begun.append((name, int(canvas.image.sum()))))
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 2, 1))
    painted = int(canvas.image.sum())
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert painted > 0 and canvas.image.sum() > painted
    canvas.clear()
    assert [name for name, _ in begun] == ["Draw", "Draw", "Clear"]
    assert [before for _, before in begun][:2] == [0, painted] and canvas.image.sum() == 0


def test_the_cursor_is_shown_to_those_who_draw_with_keys(qtbot: QtBot, canvas: DrawingCanvas) -> None:
    canvas.activateWindow()
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=place(canvas, 2, 1))
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    plain = canvas.grab().toImage()
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert canvas.grab().toImage() != plain
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=place(canvas, 2, 1))
    assert canvas.grab().toImage() == plain
