"""Contour lines lie where the map has their level."""

import numpy as np
import pytest

from gmstudio.window.gui.widgets.plane.contours import contour_levels, contour_segments


def test_the_contours_of_a_cone_are_circles() -> None:
    x, y = np.meshgrid(np.arange(41.0), np.arange(61.0))
    segments = contour_segments(np.hypot(x - 20, y - 30), 12.0)
    assert np.abs(np.hypot(segments[..., 0] - 20, segments[..., 1] - 30) - 12.0).max() < 0.05
    lengths = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    assert lengths.sum() == pytest.approx(2 * np.pi * 12, rel=0.01)


def test_the_ends_of_segments_meet() -> None:
    values = np.random.default_rng(0).normal(size=(12, 12))
    values[[0, -1]] = values[:, [0, -1]] = -9.0  # closed lines
    ends = contour_segments(values, 0.1).reshape(-1, 2).round(9)
    _, counts = np.unique(ends, axis=0, return_counts=True)
    assert (counts == 2).all()


def test_cells_without_a_value_have_no_line() -> None:
    values = np.tile(np.arange(6.0), (6, 1))
    values[2:4] = np.nan
    segments = contour_segments(values, 2.5)
    assert len(segments) == 2
    assert np.isfinite(segments).all()


def test_levels_of_a_density_halve_and_those_of_both_signs_are_equally_spaced() -> None:
    np.testing.assert_allclose(contour_levels(np.array([0.0, 8.0, np.nan]), 3), [1.5, 3.0, 6.0])
    np.testing.assert_allclose(contour_levels(np.array([-2.0, 2.0]), 3), [-1.0, 0.0, 1.0])
    assert contour_levels(np.ones(4), 3).size == 0
