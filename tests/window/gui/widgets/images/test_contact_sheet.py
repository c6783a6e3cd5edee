"""The contact sheet asks for what is visible, shows it in its order, and is moved through by keys and wheel."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.images.sheet_pictures import SheetPictures
from gmstudio.window.gui.widgets.save_forms import forms_of, savable

COUNT = 60_000


def grey(index: int) -> int:
    return (index * 7 + 3) % 256


def images_of(indices: tuple[int, ...]) -> np.ndarray:
    return np.stack([np.full((1, 28, 28), grey(index), np.uint8) for index in indices])


class Answering:
    """Answers what the sheet wants, and keeps what it wanted."""

    def __init__(self, sheet: ContactSheet) -> None:
        self.asked: list[tuple[int, ...]] = []
        self._sheet = sheet
        sheet.wanted.connect(self._answer)

    def _answer(self, indices: tuple[int, ...]) -> None:
        self.asked.append(indices)
        self._sheet.show_images(indices, images_of(indices), 256)


@pytest.fixture
def sheet(qtbot: QtBot) -> ContactSheet:
    sheet = ContactSheet()
    qtbot.addWidget(sheet)
    sheet.resize(640, 400)
    sheet.show()
    qtbot.waitExposed(sheet)
    return sheet


def shown_grey(sheet: ContactSheet, place: int) -> int:
    picture = sheet.viewport().grab().toImage()
    return picture.pixelColor(sheet.image_rect(place).center()).red()


def test_only_visible_images_are_asked_for(qtbot: QtBot, sheet: ContactSheet) -> None:
    answering = Answering(sheet)
    sheet.set_count(COUNT)
    qtbot.waitUntil(lambda: len(answering.asked) == 1)
    assert answering.asked[0][0] == 0 and len(answering.asked[0]) < 200
    assert shown_grey(sheet, 3) == grey(3)


def test_the_order_decides_which_image_is_where(qtbot: QtBot, sheet: ContactSheet) -> None:
    answering = Answering(sheet)
    order = np.random.default_rng(0).permutation(COUNT)
    sheet.set_count(COUNT)
    sheet.set_order(order)
    qtbot.waitUntil(lambda: sheet.pixels(int(order[5])) is not None)
    assert answering.asked[-1][0] == order[0]
    assert shown_grey(sheet, 5) == grey(int(order[5]))
    assert sheet.index_at(sheet.image_rect(5).center()) == order[5]
    with qtbot.waitSignal(sheet.opened) as opened:
        QTest.mouseClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=sheet.image_rect(5).center())
    assert opened.args == [order[5]]


def test_scrolling_fast_asks_for_where_it_rests(qtbot: QtBot, sheet: ContactSheet) -> None:
    answering = Answering(sheet)
    sheet.set_count(COUNT)
    bar = sheet.verticalScrollBar()
    for value in range(0, bar.maximum(), bar.maximum() // 50):
        bar.setValue(value)
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: sheet.pixels(COUNT - 1) is not None)
    assert len(answering.asked) <= 3


def test_keys_reach_every_image(qtbot: QtBot, sheet: ContactSheet) -> None:
    sheet.set_count(COUNT)
    QTest.keyClick(sheet, Qt.Key.Key_End)
    assert sheet.current == COUNT - 1
    assert sheet.viewport().rect().contains(sheet.image_rect(COUNT - 1))
    QTest.keyClick(sheet, Qt.Key.Key_Home)
    assert sheet.current == 0 and sheet.verticalScrollBar().value() == 0
    QTest.keyClick(sheet, Qt.Key.Key_Right)
    QTest.keyClick(sheet, Qt.Key.Key_Down)
    assert sheet.current == sheet.columns + 1
    QTest.keyClick(sheet, Qt.Key.Key_PageDown)
    assert sheet.current > 3 * sheet.columns
    with qtbot.waitSignal(sheet.opened) as opened:
        QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert opened.args == [sheet.current]
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageUp, Qt.Key.Key_Left):
        QTest.keyClick(sheet, key)
    assert sheet.current == 0


def test_another_width_keeps_the_first_visible_image(qtbot: QtBot, sheet: ContactSheet) -> None:
    sheet.set_count(COUNT)
    place = sheet.columns * 100
    sheet.verticalScrollBar().setValue(sheet.image_rect(place).top())
    columns = sheet.columns
    sheet.resize(420, 400)
    assert sheet.columns < columns
    assert sheet.image_rect(place).bottom() >= 0 and sheet.image_rect(place).top() <= sheet.viewport().height()


def test_captions_marks_and_empty_sheet(qtbot: QtBot, sheet: ContactSheet) -> None:
    sheet.set_placeholder("Nothing here.")
    sheet.grab()
    without = sheet.image_rect(0).height()
    sheet.set_count(3)
    sheet.set_captions(lambda index: f"−{index}.5")
    sheet.set_marks(lambda index: QColor("#ff0000") if index == 1 else None)
    assert sheet.image_rect(0).height() == without
    picture = sheet.viewport().grab().toImage()
    assert picture.pixelColor(sheet.image_rect(1).topLeft() - QPoint(-4, 3)).name() == "#ff0000"
    assert picture.pixelColor(sheet.image_rect(2).topLeft() - QPoint(-4, 3)).name() != "#ff0000"
    assert sheet.index_at(sheet.image_rect(2).center() + QPoint(200, 0)) == -1
    sheet.set_count(0)
    assert sheet.index_at(QPoint(20, 20)) == -1
    QTest.keyClick(sheet, Qt.Key.Key_End)
    assert sheet.current == -1


def test_pictures_give_way_at_the_limit() -> None:
    one = 28 * 28 * 4
    pictures = SheetPictures(limit_bytes=3 * one)
    for index in range(3):
        pictures.add((index,), images_of((index,)), 256)
    assert pictures.image(0) is not None
    pictures.add((3,), images_of((3,)), 256)
    assert 0 in pictures and 1 not in pictures and len(pictures) == 3
    colours = np.arange(3 * 28 * 28).reshape(1, 3, 28, 28).astype(np.uint8)
    pictures.add((4,), colours, 256)
    pixels = pictures.pixels(4)
    assert pixels is not None and np.array_equal(pixels, colours[0])


def test_pictures_of_levels_and_bad_shapes(sheet: ContactSheet) -> None:
    sheet.set_count(4)
    sheet.show_images((0,), np.ones((1, 1, 28, 28), np.uint8), 2)
    pixels = sheet.pixels(0)
    assert pixels is not None and pixels.min() == 255
    with pytest.raises(ValueError, match="1 or 3"):
        sheet.show_images((0,), np.ones((1, 2, 28, 28), np.uint8), 2)


def test_one_image_or_the_visible_ones_are_saved(qtbot: QtBot, sheet: ContactSheet, tmp_path: Path) -> None:
    assert forms_of(sheet, QPoint(20, 20)) == []
    answering = Answering(sheet)
    sheet.set_count(40)
    qtbot.waitUntil(lambda: sheet.pixels(0) is not None)
    place = sheet.viewport().mapTo(sheet, sheet.image_rect(2).center())
    assert len(answering.asked) == 1
    elsewhere = QWidget()
    qtbot.addWidget(elsewhere)
    assert savable(sheet.viewport(), elsewhere) is sheet
    forms = {form.title: form for form in forms_of(sheet, place)}
    assert list(forms)[::2] == ["Save this image as PNG…", "Save visible images as PNG…", "Save sheet as shown as PNG…"]
    copy = forms["Copy this image"].copy
    assert copy is not None
    image = copy()
    assert isinstance(image, QImage) and image.pixelColor(9, 9).red() == grey(2)
