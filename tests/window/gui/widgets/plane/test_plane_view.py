"""The view of a plane: zoom, limits, and places on the screen."""

import pytest
from PySide6.QtCore import QPointF, QRectF

from gmstudio.window.gui.widgets.plane.plane_view import NARROWEST, WIDEST, Mapping, PlaneView

HOME = PlaneView(-4.0, 4.0, -2.0, 2.0)


def test_zooming_keeps_the_point_under_the_pointer() -> None:
    area = QRectF(10, 20, 400, 300)
    place = QPointF(100, 250)
    at = Mapping(HOME, area).at(place)
    after = Mapping(HOME.zoomed(1.7, *at), area).at(place)
    assert after == pytest.approx(at)


def test_the_view_stays_within_limits() -> None:
    wide = HOME.zoomed(1e-6, 0, 0).limited(HOME)
    assert wide.width == pytest.approx(WIDEST * HOME.width)
    narrow = HOME.zoomed(1e9, 1, 1).limited(HOME)
    assert narrow.height == pytest.approx(NARROWEST * HOME.height)
    away = HOME.panned(1e6, -1e6).limited(HOME)
    assert ((away.left + away.right) / 2, (away.bottom + away.top) / 2) == (4.0, -2.0)


def test_a_unit_is_as_long_on_both_axes_of_a_squared_view() -> None:
    for aspect in (0.5, 3.0):
        view = HOME.squared(aspect)
        assert view.width / view.height == pytest.approx(aspect)
        assert view.contains(HOME)


def test_points_are_found_where_they_are_drawn() -> None:
    mapping = Mapping(HOME, QRectF(10, 20, 400, 300))
    assert mapping.point(-4.0, 2.0) == QPointF(10, 20)
    assert mapping.point(4.0, -2.0) == QPointF(410, 320)
    assert mapping.at(mapping.point(1.25, -0.5)) == pytest.approx((1.25, -0.5))
