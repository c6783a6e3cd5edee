import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.gui.widgets.plots.decimation import Smoother, decimate, smooth


def _plain(values: np.ndarray, weight: float) -> np.ndarray:
    out, average = [], 0.0
    for t, value in enumerate(values, start=1):
        average += max(1 - weight, 4 / (t + 3)) * (value - average)
        out.append(average)
    return np.array(out)


@pytest.mark.parametrize("weight", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_smoothing_equals_the_plain_recursion(weight: float) -> None:
    values = np.random.default_rng(0).normal(100, 5, 3000)
    assert np.allclose(smooth(values, weight), _plain(values, weight), rtol=1e-9)


def test_smoothing_in_pieces_is_smoothing_at_once() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    smoother = Smoother(0.95)
    pieces = [smoother.extend(part) for part in np.split(values, [3, 400, 401, 900])]
    assert np.allclose(np.concatenate(pieces), smooth(values, 0.95))


def test_no_smoothing_changes_nothing_and_constants_stay() -> None:
    values = np.arange(5.0)
    assert np.array_equal(smooth(values, 0.0), values)
    assert np.allclose(smooth(np.full(700, 3.0), 0.99), 3.0)
    with pytest.raises(ValueError, match="below 1"):
        Smoother(1.0)


def test_a_value_that_is_not_finite_spoils_nothing_after_it() -> None:
    values = np.array([1.0, np.nan, 1.0, np.inf, 1.0])
    assert np.allclose(smooth(values, 0.9), 1.0)


@given(st.integers(1, 5000), st.integers(4, 500))
def test_decimation_keeps_extremes_and_order(count: int, max_points: int) -> None:
    x = np.arange(count)
    y = np.random.default_rng(count).normal(size=count)
    kept_x, kept_y = decimate(x, y, 0, count, max_points)
    assert len(kept_x) <= max(max_points, 4) + 3
    assert np.all(np.diff(kept_x) >= 0)
    assert np.array_equal(kept_y, y[kept_x])
    assert kept_x[-1] == count - 1
    size = -(-2 * count // max_points)
    if count % size == 0:
        assert kept_y.min() == y.min() and kept_y.max() == y.max()


def test_decimation_reads_only_visible_points() -> None:
    x = np.arange(0, 1000, 10)
    kept, _ = decimate(x, np.zeros(100), 205, 305, 1000)
    assert kept[0] == 200 and kept[-1] == 310


def test_gaps_do_not_hide_values() -> None:
    y = np.full(1000, np.nan)
    y[::7] = 5.0
    _, kept = decimate(np.arange(1000), y, 0, 1000, 50)
    assert np.nanmax(kept) == 5.0


def test_two_hundred_thousand_points_take_a_few_milliseconds() -> None:
    x, y = np.arange(200_000), np.random.default_rng(0).normal(size=200_000)

    def best(work: object) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work()  # type: ignore[operator]
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(lambda: decimate(x, y, 0, 200_000, 1600)) < 0.016
    assert best(lambda: smooth(y, 0.98)) < 0.050


@pytest.mark.parametrize("weight", [0.9, 0.99])
def test_smoothing_does_not_lag_behind_a_falling_loss(weight: float) -> None:
    """A loss that falls from 550 to 100 nats, as in the first steps of training."""
    steps = np.arange(200)
    values = 100.0 + 450.0 * np.exp(-steps / 8.0)
    smoothed = smooth(values, weight)
    assert smoothed[0] == values[0]
    assert np.all(smoothed[40:] - values[40:] < 0.05 * 450)
    assert np.all(smoothed[70:] - values[70:] < 0.01 * 450)


def test_smoothing_reduces_noise_by_the_length_of_its_window() -> None:
    noise = np.random.default_rng(0).normal(size=100_000)
    # The variance of an exponential average is (1 - w) / (1 + w) of that of its values.
    assert smooth(noise, 0.9)[1000:].std() == pytest.approx((0.1 / 1.9) ** 0.5, rel=0.05)
