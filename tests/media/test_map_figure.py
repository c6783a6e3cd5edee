"""Axes and dots of an exported map."""

import numpy as np
import pytest
from PIL import Image

from gmstudio.media.map_figure import COLOURS, MapFigure, draw_figure
from gmstudio.media.marks import MARKS

TILE, GAP, SIDE = 40, 4, 5
WHOLE = SIDE * (TILE + GAP) - GAP
PLACES = np.array([[-3.0, -3.0], [0.0, 0.0], [3.0, 3.0], [9.0, 9.0]], np.float32)
LABELS = np.array([0, 4, 9, 9])


def draw(**fields: object) -> np.ndarray:
    tiles = Image.new("L", (WHOLE, WHOLE), 100)
    return np.asarray(draw_figure(tiles, MapFigure(-3.0, 3.0, SIDE, **fields), TILE, GAP))


def test_tiles_alone_stay_as_they_are() -> None:
    assert (draw() == 100).all() and draw().shape == (WHOLE, WHOLE, 3)


def test_dots_lie_at_the_middles_of_their_tiles_with_a_legend_below() -> None:
    picture = draw(places=PLACES, labels=LABELS, names=tuple("0123456789"))
    assert picture.shape[0] > WHOLE and picture.shape[1] == WHOLE
    for label, tile in ((0, 0), (4, 2), (9, 4)):
        x = tile * (TILE + GAP) + TILE // 2
        y = WHOLE - x
        colour = tuple(int(COLOURS[label][i : i + 2], 16) for i in (1, 3, 5))
        assert tuple(picture[y, x]) == colour
    assert (picture[WHOLE:] != 255).any()  # the legend
    assert draw(places=PLACES).shape[0] == WHOLE  # no labels, no legend


def test_axes_are_written_beside_the_tiles() -> None:
    picture = draw(axes=("z\u2083", "slant"))
    height, width, _ = picture.shape
    assert height > WHOLE and width > WHOLE
    left = width - WHOLE - 12
    assert (picture[:WHOLE, left : left + WHOLE] == 100).all()
    assert (picture[:, :left] != 255).any() and (picture[WHOLE:] != 255).any()


def test_there_are_ten_marks_of_about_one_size() -> None:
    assert len(set(MARKS)) == 10
    for mark in MARKS:
        extent = np.abs(np.array(mark)).max()
        assert extent == pytest.approx(1.1, abs=0.25)
