import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.grid import ImageGrid, to_qimage


def _digits(count: int, channels: int = 1, side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, channels, side, side), dtype=np.uint8)


@pytest.fixture
def grid(qtbot: QtBot) -> ImageGrid:
    grid = ImageGrid()
    qtbot.addWidget(grid)
    grid.resize(400, 400)
    return grid


@pytest.mark.parametrize("channels", [1, 3])
def test_every_pixel_arrives(qtbot: QtBot, channels: int) -> None:
    image = _digits(1, channels)[0]
    shown = to_qimage(image)
    for row, column in ((0, 0), (3, 5), (7, 7)):
        color = shown.pixelColor(column, row)
        expected = image[:, row, column] if channels == 3 else image[[0, 0, 0], row, column]
        assert (color.red(), color.green(), color.blue()) == tuple(expected)


def test_pixels_are_squares_of_whole_screen_pixels(grid: ImageGrid) -> None:
    images = _digits(36)
    grid.set_images(images)
    picture = grid.grab().toImage()
    rect = grid.image_rect(7)
    assert rect.width() == rect.height() and rect.width() % 8 == 0
    size = int(rect.width() // 8)
    for row, column in ((0, 0), (4, 2), (7, 7)):
        x, y = int(rect.x()) + column * size, int(rect.y()) + row * size
        corners = {picture.pixelColor(x + i, y + j).red() for i in (0, size - 1) for j in (0, size - 1)}
        assert corners == {int(images[7, 0, row, column])}


def test_levels_spread_from_black_to_white(grid: ImageGrid) -> None:
    grid.set_levels_images(np.arange(4).reshape(1, 1, 2, 2), levels=4)
    assert grid.images.ravel().tolist() == [0, 85, 170, 255]


@pytest.mark.parametrize("size", [(400, 400), (900, 150), (120, 700)])
@pytest.mark.parametrize("count", [1, 5, 36, 64])
def test_all_images_are_inside(grid: ImageGrid, size: tuple[int, int], count: int) -> None:
    grid.resize(*size)
    grid.set_images(_digits(count))
    grid.set_captions([str(i) for i in range(count)])
    for index in range(count):
        rect = grid.image_rect(index)
        assert grid.rect().contains(rect.toRect())
        assert grid.index_at(rect.center().toPoint()) == index
    assert grid.index_at(QPoint(0, 0)) == -1


def test_fixed_columns(grid: ImageGrid) -> None:
    grid.set_images(_digits(6))
    grid.set_columns(2)
    assert grid.image_rect(2).left() == grid.image_rect(0).left()
    with pytest.raises(ValueError, match="0 columns"):
        grid.set_columns(0)


def test_click_and_keys_emit_the_index(grid: ImageGrid, qtbot: QtBot) -> None:
    clicked: list[int] = []
    hovered: list[int] = []
    grid.clicked.connect(clicked.append)
    grid.hovered.connect(hovered.append)
    grid.set_images(_digits(9))
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.image_rect(4).center().toPoint())
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert clicked == [4, 7]
    assert hovered[-1] == 7


def test_wrong_arrays_are_refused(grid: ImageGrid) -> None:
    with pytest.raises(ValueError, match="uint8"):
        grid.set_images(np.zeros((1, 1, 2, 2)))
    with pytest.raises(ValueError, match=r"\(2, 4, 4\)"):
        to_qimage(np.zeros((2, 4, 4), np.uint8))


def test_no_images_show_the_placeholder(grid: ImageGrid) -> None:
    grid.set_placeholder("Nothing yet")
    grid.set_images(_digits(0))
    assert grid.index_at(QPoint(200, 200)) == -1
    assert not grid.grab().isNull()


def test_a_full_grid_is_preferred_to_slightly_larger_images(grid: ImageGrid) -> None:
    grid.set_images(np.zeros((16, 1, 8, 8), np.uint8))
    grid.resize(416, 300)
    rights = {round(grid.image_rect(i).right()) for i in range(16)}
    assert len(rights) == 4
