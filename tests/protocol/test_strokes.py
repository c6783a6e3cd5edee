"""Drawings as text."""

import numpy as np
import pytest

from gmstudio.protocol.strokes import Stroke, parse_strokes, stroke_text, with_strokes


def test_strokes_are_written_and_read_again() -> None:
    text = with_strokes("40 200,500 800,500", [Stroke(0.02, np.array([[0.5, 0.5]]), erases=True)])
    assert text == "40 200,500 800,500; -20 500,500"
    line, hole = parse_strokes(text)
    assert (line.radius, hole.radius, line.erases, hole.erases) == (0.04, 0.02, False, True)
    np.testing.assert_allclose(line.points, [[0.2, 0.5], [0.8, 0.5]])
    assert with_strokes("", [line, hole]) == text and parse_strokes("") == []


def test_points_on_a_line_are_left_out_and_corners_stay() -> None:
    straight = np.linspace([0.1, 0.1], [0.9, 0.5], 200)
    assert stroke_text(Stroke(0.01, straight)) == "10 100,100 900,500"
    corner = np.concatenate([straight, np.linspace([0.9, 0.5], [0.9, 0.9], 50)])
    assert stroke_text(Stroke(0.01, corner)) == "10 100,100 900,500 900,900"
    angle = np.linspace(0, 2 * np.pi, 500)
    circle = 0.5 + 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    (kept,) = parse_strokes(stroke_text(Stroke(0.01, circle)))
    assert len(kept.points) < 60
    assert np.abs(np.linalg.norm(kept.points - 0.5, axis=1) - 0.3).max() < 0.002


@pytest.mark.parametrize(("radius", "written"), [(0.0001, "4"), (0.9, "200")])
def test_a_radius_stays_within_its_limits_and_places_within_the_window(radius: float, written: str) -> None:
    assert stroke_text(Stroke(radius, np.array([[-0.2, 1.3]]))) == f"{written} 0,1000"
