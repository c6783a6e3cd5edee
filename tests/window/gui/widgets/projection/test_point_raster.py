"""Points drawn by numpy: where they are, what covers what, what is found; cameras, shapes and cells of images."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage

from gmstudio.window.gui.widgets.projection.map_camera import FIT_SHARE, MAX_ZOOM, MapCamera, fitted
from gmstudio.window.gui.widgets.projection.map_selection import DrawnShape
from gmstudio.window.gui.widgets.projection.map_sprites import placed_sprites
from gmstudio.window.gui.widgets.projection.point_raster import (
    LARGEST_STAMP,
    PointRaster,
    nearest_point,
    stamp_offsets,
    visible_points,
)


def pixels_of(picture: QImage) -> np.ndarray:
    rows = np.frombuffer(
        picture.constBits(), np.uint8, picture.bytesPerLine() * (picture.height() - 1) + picture.width()
    )
    padded = np.zeros(picture.bytesPerLine() * picture.height(), np.uint8)
    padded[: len(rows)] = rows
    return padded.reshape(picture.height(), picture.bytesPerLine())[:, : picture.width()]


@pytest.mark.parametrize("diameter", range(1, LARGEST_STAMP + 1))
def test_stamps_are_discs(diameter: int) -> None:
    offsets = stamp_offsets(diameter)
    assert np.ptp(offsets, axis=0).tolist() == [diameter - 1, diameter - 1]
    assert {tuple(o) for o in offsets.tolist()} == {tuple(o[::-1]) for o in offsets.tolist()}
    assert abs(len(offsets) - np.pi * diameter**2 / 4) <= max(2.0, 0.65 * diameter)


def test_each_pixel_has_the_colour_of_a_point_that_covers_it() -> None:
    random = np.random.default_rng(0)
    places = random.uniform(-20, 120, (300, 2)).astype(np.float32)
    codes = random.integers(0, 5, 300).astype(np.uint8)
    drawn = pixels_of(PointRaster().draw(places, codes, 101, 77, 4))
    covering = np.zeros((77, 101, 5), bool)
    for (x, y), code in zip(np.floor(places).astype(int).tolist(), codes.tolist(), strict=True):
        for row, column in stamp_offsets(4).tolist():
            if code and 0 <= y + row < 77 and 0 <= x + column < 101:
                covering[y + row, x + column, code] = True
    np.testing.assert_array_equal(drawn > 0, covering.any(2))
    rows, columns = np.nonzero(drawn)
    assert covering[rows, columns, drawn[rows, columns]].all()


def test_selected_points_cover_the_others_and_are_larger() -> None:
    places = np.array([[20, 20], [21, 20], [60, 20]], np.float32)
    raster, codes = PointRaster(), np.array([1, 2, 3], np.uint8)
    drawn = pixels_of(raster.draw(places, codes, 80, 40, 3, np.array([True, False, False])))
    assert drawn[20, 20] == drawn[20, 21] == 1
    assert (drawn == 1).sum() == len(stamp_offsets(5)) and (drawn == 3).sum() == len(stamp_offsets(3))
    assert not pixels_of(raster.draw(places, np.zeros(3, np.uint8), 80, 40, 3)).any()  # nothing is left of before


def test_visible_and_nearest_points() -> None:
    places = np.array([[5, 5], [9, 5], [200, 5], [-2, 5]], np.float32)
    codes = np.array([1, 1, 1, 1], np.uint8)
    assert visible_points(places, codes, 100, 50).tolist() == [0, 1]
    assert visible_points(places, codes, 100, 50, 3).tolist() == [0, 1, 3]
    assert nearest_point(places, codes, 7.5, 5, 8) == 1
    assert nearest_point(places, np.array([1, 0, 1, 1], np.uint8), 7.5, 5, 8) == 0
    assert nearest_point(places, codes, 50, 5, 8) == -1


def test_a_camera_fits_pans_and_zooms_about_the_pointer() -> None:
    places = np.array([[-3, 10], [5, 30], [np.nan, 0]], np.float32)
    camera = fitted(places, 400, 200)
    pixels = camera.to_pixels(places[:2], 400, 200)
    assert np.ptp(pixels[:, 1]) == pytest.approx(FIT_SHARE * 200)
    assert pixels[0, 1] > pixels[1, 1]  # upwards is up
    assert camera.to_place(float(pixels[1, 0]), float(pixels[1, 1]), 400, 200) == pytest.approx((5, 30))
    zoomed = camera.zoomed(3.0, 50, 60, 400, 200)
    assert zoomed.to_place(50, 60, 400, 200) == pytest.approx(camera.to_place(50, 60, 400, 200))
    np.testing.assert_allclose(
        camera.panned(7, -4).to_pixels(places[:2], 400, 200), pixels + np.array([7, -4]), atol=1e-3
    )
    assert camera.zoomed(1e9, 0, 0, 400, 200).limited(camera).scale == pytest.approx(camera.scale * MAX_ZOOM)
    assert camera.zoomed(1e-9, 0, 0, 400, 200).limited(camera).scale == pytest.approx(camera.scale / 4)


def test_equal_points_and_no_points_have_a_view() -> None:
    assert fitted(np.ones((4, 2), np.float32), 100, 100).x == 1.0
    assert fitted(np.zeros((0, 2), np.float32), 100, 100) == MapCamera()


def test_a_lasso_selects_by_the_even_odd_rule() -> None:
    corners = [(10, 10), (90, 15), (80, 90), (50, 40), (20, 80)]
    shape = DrawnShape("lasso", QPointF(*corners[0]), adds=False)
    for corner in corners[1:]:
        shape.extend(QPointF(*corner))
    places = np.random.default_rng(1).uniform(-10, 110, (2000, 2)).astype(np.float32)
    found = np.isin(np.arange(2000), shape.inside(places, 100, 100))
    expected = np.zeros(2000, bool)
    edge = np.full(2000, np.inf)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        crosses = (y1 > places[:, 1]) != (y2 > places[:, 1])
        expected ^= crosses & (places[:, 0] < (x2 - x1) * (places[:, 1] - y1) / (y2 - y1) + x1)
        along = np.clip(((places - [x1, y1]) @ np.array([x2 - x1, y2 - y1])) / ((x2 - x1) ** 2 + (y2 - y1) ** 2), 0, 1)
        edge = np.minimum(edge, np.hypot(*(places - [x1, y1] - along[:, None] * [x2 - x1, y2 - y1]).T))
    clear = edge > 1.5  # the mask has the resolution of the map
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert expected[clear].sum() > 100


def test_a_rectangle_is_drawn_in_any_direction() -> None:
    shape = DrawnShape("rectangle", QPointF(50, 60), adds=False)
    shape.extend(QPointF(70, 80))
    shape.extend(QPointF(10, 20))
    places = np.array([[30, 40], [10, 20], [51, 40], [9, 20]], np.float32)
    assert shape.inside(places, 100, 100).tolist() == [0, 1]


def test_one_image_is_drawn_for_each_cell_and_stays_while_the_view_moves() -> None:
    places = np.random.default_rng(2).uniform(0, 10, (500, 2)).astype(np.float32)
    chosen = placed_sprites(places, np.arange(500), 30.0, 28.0)
    cells = np.floor(places[chosen]).astype(int)  # 28 pixels at 30 a unit: cells of one unit
    assert len(np.unique(cells, axis=0)) == len(chosen) == len(np.unique(np.floor(places), axis=0))
    part = np.flatnonzero(places[:, 0] >= 3)  # as after panning by whole cells
    assert np.array_equal(placed_sprites(places, part, 30.0, 28.0), chosen[places[chosen, 0] >= 3])
    assert not len(placed_sprites(places, part[:0], 30.0, 28.0))
