"""Plots without a window: what is drawn lies where its values say."""

import numpy as np
import pytest
from PIL import Image

from gmstudio.media.map_figure import COLOURS
from gmstudio.media.plot_pictures import (
    BELOW,
    LEFT,
    RIGHT,
    SQUARE,
    TOP,
    Axis,
    PlotCurve,
    curves_picture,
    density_picture,
    points_picture,
    ticks,
)

AXES = [Axis("x1", 0.0, 4.0), Axis("x2", 0.0, 4.0)]
BLUE = tuple(int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5))


def pixel(picture: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """Colour at a place of a square picture with ends 0 and 4."""
    width, height = SQUARE[0] - LEFT - RIGHT, SQUARE[1] - TOP - BELOW
    found = picture.getpixel((round(LEFT + x / 4 * width), round(TOP + (1 - y / 4) * height)))
    assert isinstance(found, tuple)
    return found


def test_a_map_has_its_lowest_row_below() -> None:
    values = np.zeros((4, 4))
    values[0, 3] = 1.0
    picture = density_picture(values, "p", AXES)
    assert sum(pixel(picture, 3.5, 0.5)) > 600 > 200 > sum(pixel(picture, 0.5, 3.5))


def test_a_density_on_a_line_is_bars() -> None:
    picture = density_picture(np.array([[0.0, 1.0]]), "p", [Axis("x", 0.0, 2.0)])
    colours = {picture.getpixel((x, 300)) for x in range(LEFT + 5, picture.width - RIGHT - 5)}
    assert BLUE in colours
    left = {picture.getpixel((x, 300)) for x in range(LEFT + 5, (LEFT + picture.width - RIGHT) // 2 - 5)}
    assert BLUE not in left


def test_points_lie_at_their_coordinates() -> None:
    picture = points_picture(np.array([[1.0, 3.0]]), "points", AXES)
    assert pixel(picture, 1.0, 3.0) == BLUE and pixel(picture, 3.0, 1.5) != BLUE


@pytest.mark.parametrize("y", [[1.0, 2.0, 3.0], [1.0, np.nan, 2.0, 3.0], [2.0, 2.0], [], [np.nan]])
def test_curves_are_drawn_whatever_they_hold(y: list[float]) -> None:
    values = np.array(y, np.float64)
    picture = curves_picture([PlotCurve("a", np.arange(len(y), dtype=np.float64), values)], "t", "step", "loss")
    assert picture.size == (900, 560)


@pytest.mark.parametrize(
    ("low", "high", "wanted"), [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 3, [-2, 0, 2]), (0.1, 0.2, None)]
)
def test_ticks_are_round_and_within_the_ends(low: float, high: float, wanted: list[float] | None) -> None:
    found = ticks(low, high)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found) and 3 <= len(found) <= 7
    if wanted is not None:
        assert found == wanted
