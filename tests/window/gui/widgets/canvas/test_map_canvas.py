"""The map widget: geometry, dragging the point, clicking and hovering over data."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.map_canvas import MapCanvas
from gmstudio.window.gui.widgets.canvas.map_points import (
    MAX_ROWS,
    Points,
    legend_entries,
    legend_lines,
    legend_rows,
    point_px,
)


@pytest.fixture
def canvas(qtbot: QtBot) -> MapCanvas:
    canvas = MapCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(400, 400)
    canvas.set_frame(-3.0, 3.0, 5, "z₀", "slant (z₁)")
    canvas.set_images(np.arange(25, dtype=np.uint8).repeat(64).reshape(25, 1, 8, 8) * 10)
    canvas.set_position((0.0, 0.0))
    canvas.show()
    return canvas


def pixel(canvas: MapCanvas, x: float, y: float) -> QPoint:
    return canvas.to_pixel(x, y).toPoint()


def test_an_image_lies_around_its_coordinate(canvas: MapCanvas) -> None:
    canvas.set_position((-3.0, -3.0))
    picture = canvas.grab().toImage()
    for index, (x, y) in ((0, (-3.0, 3.0)), (12, (0.0, 0.0)), (9, (3.0, 1.5))):
        at = pixel(canvas, x, y)
        assert picture.pixelColor(at + QPoint(12, 12)).red() == 10 * index


def test_the_point_is_brought_and_dragged(qtbot: QtBot, canvas: MapCanvas) -> None:
    with qtbot.waitSignal(canvas.moved) as moved:
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixel(canvas, 1.5, -1.5))
    assert moved.args == pytest.approx([1.5, -1.5], abs=0.05)
    with qtbot.waitSignal(canvas.moved) as moved:
        qtbot.mouseMove(canvas, pixel(canvas, 2.0, 1.0))
    assert canvas.position == pytest.approx((2.0, 1.0), abs=0.05)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton)
    with qtbot.assertNotEmitted(canvas.moved):
        qtbot.mouseMove(canvas, pixel(canvas, 0.0, 0.0))


def test_arrow_keys_move_the_point(qtbot: QtBot, canvas: MapCanvas) -> None:
    with qtbot.waitSignal(canvas.moved) as moved:
        qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert moved.args == pytest.approx([0.0, 0.3])
    with qtbot.waitSignal(canvas.moved) as moved:
        qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert moved.args == pytest.approx([0.06, 0.3])


def test_data_are_hovered_and_clicked_but_dragging_across_them_moves_the_point(qtbot: QtBot, canvas: MapCanvas) -> None:
    places = np.array([[2.0, 2.0], [-2.0, 1.0]], np.float32)
    canvas.set_points(Points(places, np.array([0, 9]), tuple("0123456789")))
    at = pixel(canvas, -2.0, 1.0)
    with qtbot.waitSignal(canvas.hovered) as hovered:
        qtbot.mouseMove(canvas, at)
    assert hovered.args == [1]
    with qtbot.assertNotEmitted(canvas.moved), qtbot.waitSignal(canvas.picked) as picked:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    assert picked.args == [1]
    with qtbot.assertNotEmitted(canvas.picked), qtbot.waitSignal(canvas.moved):
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseMove(canvas, at + QPoint(20, 0))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at + QPoint(20, 0))


def test_many_points_and_those_of_a_small_map_are_smaller() -> None:
    assert point_px(300, 240) > point_px(301, 240) == point_px(300, 239)


def test_images_are_told_apart_by_gaps(canvas: MapCanvas) -> None:
    canvas.set_images(np.full((25, 1, 8, 8), 200, np.uint8))  # all alike
    picture = canvas.grab().toImage()
    rect, cell = canvas.map_rect(), canvas.map_rect().width() / 5
    row = int(rect.top() + cell / 2)
    shades = [picture.pixelColor(x, row).red() for x in range(int(rect.left()) + 2, int(rect.right()) - 2)]
    assert sum(a == 200 and b != 200 for a, b in pairwise(shades)) >= 4


def test_ten_marks_are_told_apart_without_their_colours(canvas: MapCanvas) -> None:
    def shape(label: int) -> bytes:
        canvas.set_images(None)
        canvas.set_points(Points(np.full((1, 2), 1.0, np.float32), np.array([label]), tuple("0123456789")))
        corner = pixel(canvas, 1.0, 1.0) - QPoint(8, 8)
        painted = canvas.grab().toImage().copy(corner.x(), corner.y(), 16, 16)
        base = theme().color("base")
        return bytes(painted.pixelColor(x, y) != base for x in range(16) for y in range(16))

    shapes = [np.frombuffer(shape(label), np.bool_) for label in range(10)]
    for first in range(10):
        for second in range(first):
            assert (shapes[first] ^ shapes[second]).sum() >= 10, (first, second)


def test_the_legend_filters(qtbot: QtBot, canvas: MapCanvas) -> None:
    places = np.array([[2.0, 2.0], [-2.0, 1.0]], np.float32)
    canvas.set_points(Points(places, np.array([0, 9]), tuple("0123456789")))
    ((_, first), (label, second)) = legend_entries(canvas._points, canvas.fontMetrics(), canvas._legend_area())
    with qtbot.assertNotEmitted(canvas.moved), qtbot.waitSignal(canvas.label_clicked) as clicked:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=second.center().toPoint())
    assert label == 9 and clicked.args == [9, False] and not first.intersects(second)
    with qtbot.waitSignal(canvas.label_clicked) as clicked:
        qtbot.mouseClick(
            canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, second.center().toPoint()
        )
    assert clicked.args == [9, True]
    before = canvas.grab().toImage()
    canvas.set_points(Points(places, np.array([0, 9]), tuple("0123456789"), frozenset({9})))
    assert canvas.grab().toImage() != before
    assert canvas.point_at(canvas.to_pixel(-2.0, 1.0)) == -1 and canvas.point_at(canvas.to_pixel(2.0, 2.0)) == 0


def test_a_thumbnail_stands_beside_its_dot(qtbot: QtBot, canvas: MapCanvas) -> None:
    canvas.set_points(Points(np.array([[3.0, 3.0]], np.float32), None, ()))
    qtbot.mouseMove(canvas, pixel(canvas, 3.0, 3.0))
    before = canvas.grab().toImage()
    canvas.set_thumbnail(np.full((1, 8, 8), 77, np.uint8))
    after = canvas.grab().toImage()
    assert after != before
    assert any(after.pixelColor(x, 60).red() == 77 for x in range(canvas.width()))
    canvas.set_thumbnail(None)
    assert canvas.grab().toImage() == before


def test_labels_beyond_the_marks_repeat_them_in_other_colours(canvas: MapCanvas) -> None:
    def painted(label: int) -> object:
        canvas.set_images(None)
        canvas.set_points(Points(np.full((1, 2), 2.0, np.float32), np.array([label]), tuple("0123456789")))
        corner = pixel(canvas, 2.0, 2.0) - QPoint(8, 8)
        return canvas.grab().toImage().copy(corner.x(), corner.y(), 16, 16)

    assert painted(0) != painted(10)
    assert painted(0) != painted(1)


def test_no_label_is_alone_in_the_legends_second_row(canvas: MapCanvas) -> None:
    points = Points(np.zeros((10, 2), np.float32), np.arange(10), tuple("0123456789"))
    metrics = canvas.fontMetrics()
    whole = legend_lines(points, metrics, 10_000)
    assert whole == [list(range(10))]
    width = next(w for w in range(1000, 0, -1) if len(legend_lines(points, metrics, w)) == 2)
    assert [len(line) for line in legend_lines(points, metrics, width)] == [5, 5]
    assert legend_rows(points, metrics, 1.0) == MAX_ROWS
    assert legend_lines(Points(np.zeros((3, 2), np.float32), None, ()), metrics, 100.0) == []
