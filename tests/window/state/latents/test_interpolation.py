"""Paths between two codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.state.latents.interpolation import interpolate

A = np.array([1.0, 0.0, 0.0], np.float32)
B = np.array([0.0, 2.0, 0.0], np.float32)
CODES = st.lists(st.floats(-6, 6, width=32), min_size=4, max_size=4).map(lambda v: np.array(v, np.float32))


def test_linear_goes_straight() -> None:
    assert interpolate(A, B, 0.25, "linear").tolist() == pytest.approx([0.75, 0.5, 0.0])


def test_spherical_turns_in_the_plane_of_the_codes() -> None:
    middle = interpolate(A, 0.5 * B, 0.5, "spherical")
    assert middle.tolist() == pytest.approx([np.sqrt(0.5), np.sqrt(0.5), 0.0])


@pytest.mark.parametrize("other", [2 * A, -A, np.zeros(3, np.float32)])
def test_codes_on_one_line_go_straight_on_the_sphere_too(other: np.ndarray) -> None:
    expected = interpolate(A, other, 0.3, "linear")
    np.testing.assert_allclose(interpolate(A, other, 0.3, "spherical"), expected, atol=1e-6)


@given(a=CODES, b=CODES, position=st.floats(0, 1), path=st.sampled_from(["linear", "spherical"]))
def test_any_path_is_finite_and_ends_at_the_ends(a: np.ndarray, b: np.ndarray, position: float, path: str) -> None:
    assert np.isfinite(interpolate(a, b, position, path)).all()
    np.testing.assert_allclose(interpolate(a, b, 0.0, path), a, atol=1e-4)
    np.testing.assert_allclose(interpolate(a, b, 1.0, path), b, atol=1e-4)


def test_draws_keep_their_length_on_the_sphere_but_not_on_the_line() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 128)).astype(np.float32)
    shortest = min(np.linalg.norm(a), np.linalg.norm(b))
    assert np.linalg.norm(interpolate(a, b, 0.5, "spherical")) > 0.95 * shortest
    assert np.linalg.norm(interpolate(a, b, 0.5, "linear")) < 0.8 * shortest
