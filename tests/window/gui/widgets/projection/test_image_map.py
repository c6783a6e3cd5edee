"""The map of images by mouse and keys, its colours and its pictures."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.projection.image_map import ImageMap
from gmstudio.window.gui.widgets.projection.map_colours import (
    MOST,
    UNKNOWN,
    class_codes,
    class_colour,
    colour_table,
    dimmed_codes,
    value_codes,
    value_range,
)
from gmstudio.window.gui.widgets.projection.map_sprites import MapSprites

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
PLACES = np.array([[0, 0], [4, 0], [0, 4], [4, 4], [2, 2]], np.float32)


@pytest.fixture
def shown(qtbot: QtBot) -> ImageMap:
    shown = ImageMap()
    qtbot.addWidget(shown)
    shown.resize(400, 400)
    shown.show()
    shown.set_places(PLACES)
    return shown


def at(shown: ImageMap, index: int) -> QPoint:
    return QPoint(*np.round(shown.pixels()[index]).astype(int).tolist())


def drag(shown: ImageMap, *path: QPoint, keys: Qt.KeyboardModifier = NONE) -> None:
    left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = QMouseEvent.Type
    steps = [(kinds.MouseButtonPress, path[0], left, left)]
    steps += [(kinds.MouseMove, place, no, left) for place in path[1:]]
    steps.append((kinds.MouseButtonRelease, path[-1], left, no))
    for kind, place, button, buttons in steps:
        where = shown.mapToGlobal(place).toPointF()
        QApplication.sendEvent(shown, QMouseEvent(kind, place.toPointF(), where, button, buttons, keys))


def collected(signal: object) -> list[object]:
    found: list[object] = []
    signal.connect(found.append)  # type: ignore[attr-defined]
    return found


def test_a_point_under_the_pointer_is_announced_and_picked(shown: ImageMap, qtbot: QtBot) -> None:
    hovered, picked = collected(shown.hovered), collected(shown.picked)
    QTest.mouseMove(shown, at(shown, 3))
    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at(shown, 3))
    QTest.mouseMove(shown, at(shown, 3) + QPoint(-60, 20))
    assert hovered == [3, -1]
    assert picked == [3]


def test_dragging_pans_and_stops_following(shown: ImageMap) -> None:
    before = shown.pixels().copy()
    drag(shown, QPoint(50, 200), QPoint(70, 210), QPoint(90, 230))
    np.testing.assert_allclose(shown.pixels(), before + np.array([40, 30]), atol=0.01)
    assert not shown.follows
    shown.set_places(PLACES * 2)  # newer points of the same images do not move the view
    np.testing.assert_allclose(shown.pixels()[0], before[0] + [40, 30], atol=0.01)


def test_points_that_arrive_are_fitted_until_the_view_is_moved(shown: ImageMap) -> None:
    shown.set_places(PLACES * 100)
    assert np.ptp(shown.pixels()) == pytest.approx(0.92 * 400)


def test_the_wheel_zooms_about_the_pointer(shown: ImageMap) -> None:
    before = at(shown, 1)
    where = shown.mapToGlobal(before).toPointF()
    wheel = QWheelEvent(
        before.toPointF(),
        where,
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    scale = shown.camera.scale
    QApplication.sendEvent(shown, wheel)
    assert shown.camera.scale > 1.3 * scale
    np.testing.assert_allclose(shown.pixels()[1], [before.x(), before.y()], atol=1.5)


def test_keys_pan_zoom_fit_pick_and_clear(shown: ImageMap, qtbot: QtBot) -> None:
    picked, selected = collected(shown.picked), collected(shown.selected)
    fit = shown.camera
    QTest.keyClick(shown, Qt.Key.Key_Right)
    assert shown.camera.x > fit.x
    QTest.keyClick(shown, Qt.Key.Key_Down)
    assert shown.camera.y < fit.y
    QTest.keyClick(shown, Qt.Key.Key_Plus)
    assert shown.camera.scale > fit.scale
    QTest.keyClick(shown, Qt.Key.Key_Minus)
    assert shown.camera.scale == pytest.approx(fit.scale)
    QTest.keyClick(shown, Qt.Key.Key_Home)
    assert shown.camera == fit
    QTest.keyClick(shown, Qt.Key.Key_Return)
    assert picked == [4]
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    assert len(selected) == 1 and len(selected[0]) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("tool", ["pan", "lasso"])
def test_a_lasso_selects_what_it_encloses(shown: ImageMap, tool: str) -> None:
    selected = collected(shown.selected)
    corners = [at(shown, 0) + QPoint(-8, 8), at(shown, 1) + QPoint(10, 8), at(shown, 1) + QPoint(10, -12)]
    shown.set_tool("lasso" if tool == "lasso" else "pan")
    drag(shown, *corners, at(shown, 0) + QPoint(-8, -12), keys=SHIFT if tool == "pan" else NONE)
    assert selected[0].tolist() == [0, 1]  # type: ignore[attr-defined]


def test_a_rectangle_selects_and_shift_adds(shown: ImageMap) -> None:
    selected = collected(shown.selected)
    shown.selected.connect(shown.set_selection)
    drag(shown, at(shown, 4) - QPoint(9, 9), at(shown, 4) + QPoint(9, 9), keys=CONTROL)
    shown.set_tool("rectangle")
    drag(shown, at(shown, 2) - QPoint(9, 9), at(shown, 2) + QPoint(9, 9), keys=SHIFT)
    assert [found.tolist() for found in selected] == [[4], [2, 4]]  # type: ignore[attr-defined]


def test_hidden_points_are_neither_hit_nor_selected(shown: ImageMap) -> None:
    labels = np.array([0, 0, 1, 1, 1])
    shown.set_colours(class_codes(labels, 5, frozenset({1})))
    assert shown.point_at(at(shown, 4).toPointF()) == -1
    assert shown.point_at(at(shown, 0).toPointF()) == 0
    selected = collected(shown.selected)
    shown.set_tool("rectangle")
    drag(shown, QPoint(1, 1), QPoint(398, 398))
    assert selected[0].tolist() == [0, 1]  # type: ignore[attr-defined]


def test_points_have_the_colour_of_their_class(shown: ImageMap) -> None:
    shown.set_with_images(False)
    shown.set_colours(class_codes(np.array([0, 1, 2, 3, 9]), 5))
    picture = shown.grab().toImage()
    for index, label in enumerate((0, 1, 2, 3, 9)):
        assert picture.pixelColor(at(shown, index)).rgb() == class_colour(label).rgb()
    shown.set_selection(np.array([0]))
    picture = shown.grab().toImage()
    assert picture.pixelColor(at(shown, 0)).rgb() == class_colour(0).rgb()
    assert picture.pixelColor(at(shown, 1)).rgb() != class_colour(1).rgb()


def test_images_are_asked_for_and_drawn_where_few_are_visible(shown: ImageMap, qtbot: QtBot) -> None:
    with qtbot.waitSignal(shown.wanted) as asked:
        shown.set_places(PLACES)
    assert sorted(asked.args[0]) == [0, 1, 2, 3, 4]
    images = np.full((5, 1, 8, 8), 3, np.uint8)
    images[4] = 0
    shown.show_images(np.arange(5), images, 4)
    picture = shown.grab().toImage()
    assert picture.pixelColor(at(shown, 4) + QPoint(9, 9)) == QColor("black")
    assert picture.pixelColor(at(shown, 0) + QPoint(9, -9)) == QColor("white")
    assert shown.point_at(QPointF(at(shown, 4) + QPoint(12, 12))) == 4  # the image is hit, not its point only
    shown.set_with_images(False)
    assert shown.grab().toImage().pixelColor(at(shown, 4) + QPoint(9, 9)) != QColor("black")


def test_another_number_of_points_forgets_what_belonged_to_the_former(shown: ImageMap) -> None:
    shown.set_selection(np.array([1]))
    shown.set_neighbours(2, np.array([3, 4]))
    shown.set_places(PLACES[:3])
    shown.grab()  # nothing refers to points that are gone
    assert shown.count == 3 and len(shown.visible()) == 3


def test_classes_of_sixteen_have_different_colours(qtbot: QtBot) -> None:
    assert len({class_colour(label).rgb() for label in range(24)}) == 24
    assert len(colour_table(heat=True)) == len(colour_table(heat=False)) == 256


def test_values_are_coloured_between_quantiles() -> None:
    values = np.array([0.0, 1.0, 2.0, 3.0, np.nan, np.inf, 100.0])
    assert value_range(values, 0, 50) == (0.0, 2.0)
    assert value_range(np.full(3, np.nan), 0, 50) is None
    codes = value_codes(values, 0.0, 2.0).codes
    assert codes.tolist()[:4] == [1, 1 + round(0.5 * (MOST - 1)), MOST, MOST]
    assert codes.tolist()[4:] == [UNKNOWN, UNKNOWN, MOST]
    dimmed = dimmed_codes(codes, np.arange(7) == 0)
    assert dimmed[0] == 1 and dimmed[2] == 2 * MOST and dimmed[4] == UNKNOWN
    assert value_codes(np.ones(3), 1.0, 1.0).codes.tolist() == [1, 1, 1]


def test_the_pictures_shown_last_are_kept(qtbot: QtBot) -> None:
    sprites = MapSprites(limit_bytes=3 * 8 * 8 * 4)
    sprites.add(np.arange(3), np.zeros((3, 1, 8, 8), np.uint8), 2)
    assert sprites.picture(0) is not None
    sprites.add(np.array([7]), np.zeros((1, 1, 8, 8), np.uint8), 2)
    assert (0 in sprites, 1 in sprites, 2 in sprites, 7 in sprites) == (True, False, True, True)
