"""One image with a signal when it was painted."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.live_image import LiveImage


@pytest.fixture
def view(qtbot: QtBot) -> LiveImage:
    view = LiveImage()
    qtbot.addWidget(view)
    view.resize(200, 100)
    view.show()
    qtbot.waitExposed(view)
    return view


def test_the_number_of_the_painted_image_is_emitted(qtbot: QtBot, view: LiveImage) -> None:
    with qtbot.waitSignal(view.painted, check_params_cb=lambda number: number == 17):
        view.set_image(np.zeros((1, 8, 8), np.uint8), 17)


def test_pixels_are_squares_of_whole_screen_pixels(view: LiveImage) -> None:
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 2, 3] = 255
    view.set_image(image)
    rect = view.image_rect()
    assert rect.width() == rect.height() == 88  # 11 times 8 fits into 100 less the margins
    grabbed = view.grab().toImage()
    left, top = round(rect.left()), round(rect.top())
    for column, value in ((2, 0), (3, 255), (4, 0)):
        for offset in (0, 10):
            assert grabbed.pixelColor(left + 11 * column + offset, top + 11 * 2 + 5).red() == value


def test_large_images_are_made_smaller(view: LiveImage) -> None:
    view.set_image(np.zeros((3, 256, 256), np.uint8))
    assert view.image_rect().height() <= 100


def test_without_an_image_the_placeholder_is_shown(view: LiveImage) -> None:
    empty = view.grab().toImage()
    view.set_placeholder("No model has been trained yet.")
    assert view.grab().toImage() != empty
    view.set_image(np.zeros((1, 4, 4), np.uint8), 3)
    view.set_image(None)
    assert view.image is None


def test_other_shapes_are_refused(view: LiveImage) -> None:
    with pytest.raises(ValueError, match=r"\(2, 4, 4\)"):
        view.set_image(np.zeros((2, 4, 4), np.uint8))


def test_its_height_follows_the_width(view: LiveImage) -> None:
    assert view.height_at(100) == 0
    view.set_image(np.zeros((1, 16, 8), np.uint8))
    assert view.height_at(100) == 11 * 16 + 8  # 11 times 8 fits into 100 less the margins
    view.set_image(np.zeros((1, 100, 200), np.uint8))
    assert view.height_at(108) == 58
