"""The canvas paints each pixel as a square of its own colour, and emits the one under the pointer."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.marks import is_scattered
from gmstudio.window.gui.widgets.canvas.overlays import HeatOverlay, diverging_table, overlay_colours
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, PixelCanvas
from gmstudio.window.gui.widgets.canvas.veil import blind_colour
from gmstudio.window.gui.widgets.images.heat import HeatLegend, heat_colours, heat_table, scale_top


def picture(**fields: Any) -> Picture:
    """4×3 pixels of 2 levels; the first two rows are sampled."""
    image = np.zeros((1, 4, 3), np.uint8)
    image[0, 0] = 1
    placed = np.zeros((1, 4, 3), np.bool_)
    placed[:, :2] = True
    surprisal = np.full((4, 3), np.nan)
    surprisal[:2] = 0.0
    surprisal[1, 2] = 2.0
    values: dict[str, Any] = {
        "image": image,
        "levels": 2,
        "placed": placed,
        "context": np.zeros((1, 4, 3), np.bool_),
        "current": (2, 0),
        "surprisal": surprisal,
        "top": 2.0,
        "observed": np.zeros((4, 3), np.bool_),
    }
    return Picture(**(values | fields))


@pytest.fixture
def canvas(qtbot: QtBot) -> Iterator[PixelCanvas]:
    canvas = PixelCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(200, 200)
    canvas.set_picture(picture())
    yield canvas


def colour(canvas: PixelCanvas, row: int, column: int) -> QColor:
    """In the middle of a pixel."""
    shot = canvas.grab().toImage()
    ratio = canvas.devicePixelRatioF()
    middle = canvas.pixel_rect(row, column).center() * ratio
    return shot.pixelColor(middle.toPoint())


def test_pixels_are_squares_of_a_whole_number_of_screen_pixels(canvas: PixelCanvas) -> None:
    rect = canvas.image_rect()
    assert (rect.width(), rect.height()) == (3 * 49, 4 * 49)
    assert canvas.rect().contains(rect.toRect())


def test_values_are_shown_black_to_white(canvas: PixelCanvas) -> None:
    assert colour(canvas, 0, 1).name() == "#ffffff"
    assert colour(canvas, 1, 1).name() == "#000000"


def test_colours_and_a_pixel_sampled_in_red_only(canvas: PixelCanvas) -> None:
    image = np.zeros((3, 4, 3), np.uint8)
    image[:, 0, 0] = (3, 1, 2)
    image[0, 0, 1] = 3
    placed = np.zeros((3, 4, 3), np.bool_)
    placed[:, 0, 0] = True
    placed[0, 0, 1] = True
    canvas.set_picture(picture(image=image, placed=placed, levels=4, context=placed & False, current=(0, 1)))
    assert colour(canvas, 0, 0).name() == "#ff55aa"
    assert colour(canvas, 0, 1).name() == "#ff0000"


def test_pixels_outside_the_receptive_field_are_dimmed_and_those_inside_keep_their_colour(canvas: PixelCanvas) -> None:
    context = np.zeros((1, 4, 3), np.bool_)
    context[:, 1, 1] = True
    canvas.set_picture(picture(context=context))
    assert colour(canvas, 1, 1).name() == "#000000", "inside"
    dimmed = colour(canvas, 1, 2)
    assert dimmed.red() == dimmed.green() == dimmed.blue() > 60, "a grey stays a grey"
    canvas.set_show_context(False)
    assert colour(canvas, 1, 2).name() == "#000000"


def test_the_blind_spot_has_a_colour_of_its_own(canvas: PixelCanvas) -> None:
    context, blind = np.zeros((1, 4, 3), np.bool_), np.zeros((4, 3), np.bool_)
    context[:, 1, 1] = blind[0, 2] = True
    canvas.set_picture(picture(context=context, blind=blind))
    shown, wanted = colour(canvas, 0, 2), blind_colour()
    assert shown.hslHue() == pytest.approx(wanted.hslHue(), abs=3) and shown.hslSaturation() > 40
    canvas.set_heat(True)
    assert colour(canvas, 0, 2) == QColor(*heat_table()[0].tolist()), "no veil over a scale of colours"


def test_heat_replaces_values(canvas: PixelCanvas) -> None:
    canvas.set_heat(True)
    assert colour(canvas, 1, 2) == QColor(*heat_table()[-1].tolist())
    assert colour(canvas, 0, 1) == QColor(*heat_table()[0].tolist())


def test_clicking_and_hovering_name_the_pixel(qtbot: QtBot, canvas: PixelCanvas) -> None:
    canvas.show()
    at = canvas.pixel_rect(2, 1).center().toPoint()
    with qtbot.waitSignal(canvas.clicked) as clicked:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    assert clicked.args == [2, 1]
    with qtbot.waitSignal(canvas.hovered) as hovered:
        qtbot.mouseMove(canvas, canvas.pixel_rect(3, 2).center().toPoint())
    assert hovered.args == [3, 2]
    with qtbot.assertNotEmitted(canvas.clicked):
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))


def test_without_a_picture_the_placeholder_is_shown(canvas: PixelCanvas) -> None:
    canvas.set_picture(None)
    canvas.set_placeholder("Train a PixelCNN first.")
    assert not canvas.grab().isNull()
    assert canvas.pixel_at(canvas.rect().center().toPointF()) is None


def test_marks_of_choices_and_observed_pixels_paint(canvas: PixelCanvas) -> None:
    observed = np.zeros((4, 3), np.bool_)
    observed[0] = True
    before = canvas.grab().toImage()
    canvas.set_picture(picture(observed=observed, chosen=((1, 0),)))
    assert canvas.grab().toImage() != before


def test_heat_scale() -> None:
    luminance = heat_table() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > -1).all() and luminance[-1] > luminance[0] + 200
    colours = heat_colours(np.array([np.nan, 0.0, 5.0, 99.0]), 5.0)
    np.testing.assert_array_equal(colours, heat_table()[[0, 0, 255, 255]])
    assert [scale_top(np.array([v, np.nan])) for v in (0.2, 1.0, 1.2, 4.0, 5.5, 70.0)] == [1, 1, 2, 5, 10, 100]
    assert scale_top(np.array([np.nan])) == 1


def test_legend(qtbot: QtBot) -> None:
    legend = HeatLegend()
    qtbot.addWidget(legend)
    legend.resize(300, legend.sizeHint().height())
    before = legend.grab().toImage()
    legend.set_top(20.0)
    assert legend.grab().toImage() != before


def test_a_heat_map_is_laid_over_where_it_has_values_with_its_scale_beside(canvas: PixelCanvas) -> None:
    before = canvas.image_rect()
    values = np.full((4, 3), np.nan)
    values[0, 0], values[0, 1] = 0.0, 2.0
    canvas.set_overlay(values, 2.0, legend="nats")
    assert canvas.image_rect() == before, "the image does not move for the scale"
    low, high = (heat_colours(np.array([value]), 2.0)[0] for value in (0.0, 2.0))
    for column, wanted in ((0, low), (1, high)):
        shown = np.array(colour(canvas, 0, column).getRgb()[:3])
        assert np.abs(shown - wanted).max() <= 2, "the image below must not mix with the scale's colours"
    assert colour(canvas, 0, 2).name() == "#ffffff"
    canvas.set_overlay(None)
    assert canvas.image_rect() == before and colour(canvas, 0, 0).name() == "#ffffff"


def test_a_diverging_heat_map_separates_the_signs_and_is_lightest_in_the_middle() -> None:
    overlay = HeatOverlay(np.array([[-1.0, 0.0, 1.0]]), 1.0, True, "nats")
    low, middle, high = overlay_colours(overlay)[0].astype(int)
    assert low[2] > low[0] and high[0] > high[2], "blue below, orange above"
    assert middle.sum() > max(low.sum(), high.sum()) and np.ptp(middle) < 16
    assert (diverging_table().sum(axis=1) > 0).all()


def test_a_heat_map_of_another_size_is_not_shown(canvas: PixelCanvas) -> None:
    canvas.set_overlay(np.zeros((9, 9)), 1.0)
    assert colour(canvas, 0, 1).name() == "#ffffff"


def test_marked_pixels_are_outlined(canvas: PixelCanvas) -> None:
    plain = canvas.grab().toImage()
    mask = np.zeros((4, 3), np.bool_)
    mask[1, 1] = True
    canvas.set_marked(mask)
    edge = canvas.pixel_rect(1, 1).topLeft().toPoint() + QPoint(0, 20)
    assert canvas.grab().toImage().pixelColor(edge).name() == theme().color("mark").name()
    canvas.set_marked(None)
    assert canvas.grab().toImage() == plain


def test_observed_pixels_are_dashed_around_or_marked_each_where_they_are_scattered(canvas: PixelCanvas) -> None:
    shots = [canvas.grab().toImage()]
    together, apart = np.zeros((4, 3), np.bool_), np.zeros((4, 3), np.bool_)
    together[:2] = True
    apart[::2, ::2] = True
    assert is_scattered(apart) and not is_scattered(together)
    for observed in (together, apart):
        canvas.set_picture(picture(observed=observed))
        shots.append(canvas.grab().toImage())
    mark = canvas.pixel_rect(0, 2).topLeft().toPoint() + QPoint(5, 5)
    good = theme().color("good").name()
    assert [shot.pixelColor(mark).name() == good for shot in shots] == [False, False, True]
    assert shots[1] != shots[0]
