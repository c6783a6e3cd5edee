"""Comparison of pictures: differences by their definition, one view of all, boundaries, turns, and what is painted."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.compared_pictures import (
    MAX_ZOOM,
    ComparedPicture,
    View,
    cells_of,
    difference,
    reading,
)
from gmstudio.window.gui.widgets.images.picture_comparison import PictureComparison
from gmstudio.window.gui.widgets.save_forms import forms_of, picture_of

SIZE = (400, 300)
Pixels = NDArray[np.uint8]


def flat(value: int, *, channels: int = 1, height: int = 8, width: int = 8) -> Pixels:
    return np.full((channels, height, width), value, np.uint8)


def picture(pixels: Pixels, title: str = "A", **more: object) -> ComparedPicture:
    return ComparedPicture(title, pixels, QColor("#00ff00"), **more)  # type: ignore[arg-type]


@pytest.fixture
def widget(qtbot: QtBot) -> PictureComparison:
    made = PictureComparison()
    qtbot.addWidget(made)
    made.resize(*SIZE)
    made.set_pictures([picture(flat(value), title) for value, title in ((40, "A"), (90, "B"), (200, "C"))])
    made.show()
    return made


def painted(widget: PictureComparison, x: float, y: float) -> QColor:
    image = QImage(widget.size(), QImage.Format.Format_RGB32)
    widget.render(image)
    return image.pixelColor(int(x), int(y))


def test_a_difference_is_signed_and_its_rms_counts_images_alone() -> None:
    inside = np.ones((8, 8), bool)
    inside[:, 3] = False
    first, second = picture(flat(10), inside=inside), picture(flat(40), "B")
    found = difference(first, second)
    assert found.values is not None and found.rms == 30.0
    assert np.isnan(found.values[:, 3]).all() and set(found.values[inside].tolist()) == {-30.0}
    colours = difference(picture(np.concatenate([flat(10), flat(0), flat(0)])), picture(flat(0, channels=3)))
    assert colours.rms == pytest.approx(math.sqrt(100 / 3))
    assert colours.values is not None and colours.values[0, 0] == pytest.approx(10 / 3)


def test_differences_of_large_pictures_are_computed_elsewhere(widget: PictureComparison, qtbot: QtBot) -> None:
    large = [picture(flat(value, channels=3, height=300, width=300), "A") for value in (10, 60)]
    widget.set_pictures(large)
    with qtbot.waitSignal(widget.maps_wanted) as wanted:
        widget.set_mode("difference")
        assert widget.maps.differences == ()
    maps = wanted.args[0]()
    widget.set_maps(maps)
    assert [one.rms for one in widget.maps.differences] == [0, 50] and maps.top == 50
    widest = [picture(flat(value, channels=3, height=300, width=300), "A") for value in (0, 255)]
    widget.set_pictures(widest)
    with qtbot.waitSignal(widget.maps_wanted) as wanted:
        widget.set_mode("difference")
    assert wanted.args[0]().top == 255, "no difference is larger"
    widget.set_pictures(large)
    widget.set_maps(maps)
    assert painted(widget, SIZE[0] / 2, SIZE[1] / 2) == QColor(103, 25, 4)  # the upper end of the scale
    widget.set_absolute(True)
    assert widget.maps.differences == ()  # others are wanted now


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (picture(flat(0, width=9), "B"), "B and A have no difference: they are 9×8 grey and 8×8 grey"),
        (picture(flat(0, channels=3), "B"), "8×8 RGB and 8×8 grey"),
        (picture(flat(0), "B", levels=2), "they have 2 and 256 levels"),
    ],
)
def test_unlike_pictures_have_no_difference_and_a_sentence(other: ComparedPicture, sentence: str) -> None:
    found = difference(other, picture(flat(0)))
    assert found.values is None and math.isnan(found.rms) and sentence in found.reason


def test_values_at_a_place_are_levels_and_numbers_of_images() -> None:
    pixels = flat(255, height=5, width=5)
    inside = np.ones((5, 5), bool)
    inside[2], inside[:, 2] = False, False
    sheet = picture(pixels, levels=16, inside=inside, cell=(2, 2))
    assert reading(sheet, (0.75, 0.1)) == ("no. 2: 0, 0", "15")
    assert reading(sheet, (0.99, 0.99)) == ("no. 4: 1, 1", "15")
    assert reading(sheet, (0.5, 0.1)) == ("", "")  # on a line
    assert reading(picture(flat(7, channels=3)), (0.5, 0.25)) == ("2, 4", "7, 7, 7")
    for outside in (None, (1.0, 0.5), (-0.01, 0.5)):
        assert reading(sheet, outside) == ("", "")


def test_a_zoom_keeps_the_place_under_the_pointer() -> None:
    cell, size, point = QRectF(0, 0, 200, 200), (8, 8), QPointF(150, 60)
    view = View()
    assert view.rect(size, cell) == QRectF(0, 0, 200, 200)
    before = view.place_at(point, size, cell)
    near = view.zoomed(4, point, size, cell)
    assert near.zoom == 4 and near.place_at(point, size, cell) == pytest.approx(before, abs=0.002)
    moved = near.moved(QPointF(10, -5), size, cell)
    assert moved.place_at(point + QPointF(10, -5), size, cell) == pytest.approx(before, abs=0.002)
    assert near.moved(QPointF(1e6, 1e6), size, cell).rect(size, cell).topLeft() == QPointF(0, 0)
    assert near.zoomed(1e9, point, size, cell).zoom == MAX_ZOOM and near.zoomed(1e-9, point, size, cell).zoom == 1


def test_pictures_of_other_sizes_are_seen_at_the_same_place() -> None:
    cell = QRectF(0, 0, 224, 224)
    view = View().zoomed(2, QPointF(200, 30), (28, 28), cell)
    small, large = view.rect((8, 8), cell), view.rect((28, 28), cell)
    assert small == large == view.rect((56, 56), cell)


@pytest.mark.parametrize(
    ("count", "width", "height", "columns"), [(4, 800, 200, 4), (4, 400, 400, 2), (3, 100, 900, 1)]
)
def test_cells_are_arranged_so_that_pictures_are_large(count: int, width: int, height: int, columns: int) -> None:
    cells = cells_of(count, QRectF(0, 0, width, height), (8, 8), 8, 20)
    assert len({cell.left() for cell in cells}) == columns
    assert {(cell.width(), cell.height()) for cell in cells} == {(cells[0].width(), cells[0].height())}
    assert cells[-1].right() <= width and cells[-1].bottom() <= height


def test_side_by_side_paints_each_picture(widget: PictureComparison) -> None:
    found = [painted(widget, cell.center().x(), cell.center().y() + 8).red() for cell in widget._cells()]
    assert found == [40, 90, 200]


def test_a_boundary_is_dragged_and_stops_at_its_neighbours(widget: PictureComparison) -> None:
    widget.set_mode("swipe")
    y = SIZE[1] // 2
    first, second = (round(widget.boundary_x(number)) for number in range(2))
    assert [painted(widget, x, y).red() for x in (first - 5, first + 5, second + 5)] == [40, 90, 200]
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=QPoint(first, y))
    QTest.mouseMove(widget, QPoint(first + 30, y))
    assert widget.boundary_x(0) == pytest.approx(first + 30, abs=1)
    QTest.mouseMove(widget, QPoint(second + 50, y))
    assert widget.boundary_x(0) == pytest.approx(second, abs=1)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=QPoint(second, y))
    assert widget.view == View()  # a drag of a boundary moves no picture
    before = widget.boundaries[0]
    QTest.keyClick(widget, Qt.Key.Key_Comma)
    assert widget.boundaries[0] == pytest.approx(before - 0.02)


def test_pictures_are_shown_in_turn_while_they_are_on_the_screen(widget: PictureComparison, qtbot: QtBot) -> None:
    widget.set_rate(100)
    assert widget.rate == 8  # no faster, for the eyes
    widget.set_mode("blink")
    qtbot.waitUntil(lambda: widget.shown == 2)
    assert painted(widget, SIZE[0] / 2, SIZE[1] / 2).red() in (200, 40)
    widget.hide()
    assert not widget._timer.isActive()
    widget.show()
    assert widget._timer.isActive()
    widget.set_mode("side")
    assert not widget._timer.isActive()


def test_differences_are_painted_in_colours_and_sentences(widget: PictureComparison) -> None:
    widget.set_pictures(
        [picture(flat(100)), picture(flat(140), "B"), picture(flat(60), "C"), picture(flat(0, width=4))]
    )
    widget.set_mode("difference")
    cells = widget._cells()
    assert len(cells) == 3 and widget.maps.top == 50
    more, less = (painted(widget, cell.center().x(), cell.center().y() + 8) for cell in cells[:2])
    assert more.red() > more.blue() and less.blue() > less.red()
    widget.set_absolute(True)
    assert painted(widget, cells[0].center().x(), cells[0].center().y() + 8) == painted(
        widget, cells[1].center().x(), cells[1].center().y() + 8
    )
    widget.set_against(1)
    assert [one.rms for one in widget.maps.differences][:3] == [40, 0, 80]
    assert "must be equal" in widget.maps.differences[3].reason
    widget.set_pictures([picture(flat(100))])
    assert widget.against == 0 and painted(widget, SIZE[0] / 2, 100).red() == 100  # one alone is shown itself


def test_wheel_keys_and_pointer(widget: PictureComparison, qtbot: QtBot) -> None:
    cell = widget._pictured(widget._cells()[1])
    with qtbot.waitSignal(widget.pointed) as pointed:
        QTest.mouseMove(widget, cell.center().toPoint())
    assert pointed.args[0] == pytest.approx((0.5, 0.5), abs=0.02)
    QTest.keyClick(widget, Qt.Key.Key_Plus)
    assert widget.view.zoom == 1.5
    QTest.keyClick(widget, Qt.Key.Key_Right)
    assert widget.view.centre[0] > 0.5
    QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=cell.center().toPoint())
    assert widget.view == View()
    QTest.mouseMove(widget, QPoint(1, 1))
    assert widget.place is None  # a title is no picture


def test_nothing_to_compare_is_a_sentence_and_nothing_to_save(widget: PictureComparison) -> None:
    assert forms_of(widget, QPoint())
    widget.set_pictures([])
    widget.set_placeholder("Add something.")
    assert forms_of(widget, QPoint()) == [] and widget.maps.differences == ()
    for mode in ("side", "swipe", "blink", "difference"):
        widget.set_mode(mode)  # type: ignore[arg-type]
        assert picture_of(widget).width() == 2 * SIZE[0]
    QTest.keyClick(widget, Qt.Key.Key_Plus)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
