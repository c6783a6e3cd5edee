"""A row of images that are clicked or dragged."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.image_source import ImageSource


@pytest.fixture
def source(qtbot: QtBot) -> ImageSource:
    source = ImageSource(5)
    qtbot.addWidget(source)
    source.resize(400, source.sizeHint().height())
    source.set_images(np.full((5, 1, 8, 8), 128, np.uint8))
    source.show()
    return source


def middle(source: ImageSource, index: int) -> QPoint:
    return source.image_rect(index).center().toPoint()


def test_a_click_counts_when_the_button_is_let_go(qtbot: QtBot, source: ImageSource) -> None:
    with qtbot.assertNotEmitted(source.clicked):
        qtbot.mousePress(source, Qt.MouseButton.LeftButton, pos=middle(source, 2))
    with qtbot.waitSignal(source.clicked) as clicked:
        qtbot.mouseRelease(source, Qt.MouseButton.LeftButton, pos=middle(source, 2))
    assert clicked.args == [2]


def test_a_drag_takes_the_image_along_and_is_no_click(qtbot: QtBot, source: ImageSource) -> None:
    clicks: list[int] = []
    source.clicked.connect(clicks.append)
    qtbot.mousePress(source, Qt.MouseButton.LeftButton, pos=middle(source, 3))
    with qtbot.assertNotEmitted(source.dragged):
        qtbot.mouseMove(source, middle(source, 3) + QPoint(2, 0))
    with qtbot.waitSignal(source.dragged) as dragged:
        qtbot.mouseMove(source, middle(source, 3) + QPoint(0, -30))
    assert dragged.args == [3]
    qtbot.mouseMove(source, middle(source, 1))
    qtbot.mouseRelease(source, Qt.MouseButton.LeftButton, pos=middle(source, 1))
    assert clicks == []
