"""A row of images with a mark between them."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip


@pytest.fixture
def strip(qtbot: QtBot) -> TraversalStrip:
    strip = TraversalStrip(5)
    qtbot.addWidget(strip)
    strip.resize(400, strip.sizeHint().height())
    strip.set_images(np.full((5, 1, 8, 8), 128, np.uint8))
    strip.show()
    return strip


def picture(strip: TraversalStrip) -> QImage:
    return strip.grab().toImage()


def middle(strip: TraversalStrip, index: int) -> QPoint:
    return strip.image_rect(index).center().toPoint()


def test_images_are_in_one_row(strip: TraversalStrip) -> None:
    assert len({strip.image_rect(index).top() for index in range(5)}) == 1


def test_the_nearest_image_is_outlined_and_the_mark_is_between(strip: TraversalStrip) -> None:
    plain = picture(strip)
    strip.set_position(1.4)
    assert strip.position == 1.4
    between = picture(strip)
    assert between != plain
    strip.set_position(1.3)
    assert picture(strip) != between  # same outline, another mark
    strip.set_position(None)
    assert picture(strip) == plain


def test_far_outside_no_image_is_outlined(strip: TraversalStrip) -> None:
    strip.set_position(9.0)
    assert strip._selected == -1


def test_a_click_chooses_an_image(qtbot: QtBot, strip: TraversalStrip) -> None:
    with qtbot.waitSignal(strip.clicked) as clicked:
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=middle(strip, 3))
    assert clicked.args == [3]


def test_a_drag_goes_between_the_images(qtbot: QtBot, strip: TraversalStrip) -> None:
    places: list[float] = []
    strip.scrubbed.connect(places.append)
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=middle(strip, 1))
    half_way = (middle(strip, 1) + middle(strip, 2)) / 2
    drag(strip, half_way)
    assert places[-1] == pytest.approx(1.5, abs=0.05)
    drag(strip, QPoint(5_000, 0))
    assert places[-1] == 4.0
    qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton)
    count = len(places)
    drag(strip, middle(strip, 0), button=Qt.MouseButton.NoButton)
    assert len(places) == count


def drag(strip: TraversalStrip, to: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    from PySide6.QtCore import QEvent, QPointF
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    place = QPointF(to)
    none = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, place, strip.mapToGlobal(place), Qt.MouseButton.NoButton, button, none)
    QApplication.sendEvent(strip, event)


def test_pixels_need_not_be_squares_where_whole_ones_would_be_half_as_large(strip: TraversalStrip) -> None:
    strip.set_images(np.zeros((5, 1, 28, 28), np.uint8))  # room for 1.9 screen pixels each
    assert strip.image_rect(0).width() > 1.7 * 28
    strip.resize(400, 200)
    assert strip.image_rect(0).width() == 2 * 28  # of 2.6
