import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.gui.widgets.plots.decimation import decimate
from gmstudio.window.gui.widgets.plots.extremes import BLOCK, FACTOR, Extremes
from gmstudio.window.gui.widgets.plots.smoothed_curve import SmoothedCurve


def _curve(count: int, gaps: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    values[random.random(count) < gaps] = np.nan
    return values


@given(
    count=st.integers(1, 60_000),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    part=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    size=st.integers(BLOCK, 9000),
    gaps=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_a_part_keeps_its_extremes(
    count: int, cuts: list[float], part: tuple[float, float], size: int, gaps: float
) -> None:
    values = _curve(count, gaps, count)
    extremes = Extremes()
    for cut in [*sorted(cuts), 1.0]:
        extremes.extend(values[: round(cut * count)])
    start, stop = sorted((int(part[0] * count), int(part[1] * count)))
    stop = max(stop, start + 1)
    places = extremes.places(values, start, stop, size)
    assert np.all(np.diff(places) >= 0) and places[-1] >= stop - 1
    assert len(places) <= 2 * ((stop - start) / size + 3) + 1
    finite = values[start:stop][np.isfinite(values[start:stop])]
    if len(finite):
        found = values[places]
        assert np.nanmin(found) <= finite.min() and np.nanmax(found) >= finite.max()


def test_blocks_stay_where_they_are_while_the_view_moves() -> None:
    values = _curve(100_000, 0.0, 0)
    extremes = Extremes()
    extremes.extend(values)
    first, moved = (set(extremes.places(values, start, start + 50_000, 512)) for start in (10_000, 10_700))
    assert len(first & moved) > 0.9 * len(moved)


def test_a_long_curve_is_drawn_with_what_a_short_search_finds() -> None:
    x, y = np.arange(300_000), _curve(300_000, 0.01, 3)
    extremes = Extremes()
    extremes.extend(y)
    _, plain = decimate(x, y, 1000, 290_000, 800)
    kept_x, kept = decimate(x, y, 1000, 290_000, 800, extremes)
    assert np.array_equal(kept, y[kept_x], equal_nan=True)
    assert len(kept) <= 800 + 8
    assert np.nanmax(kept) == np.nanmax(plain) and np.nanmin(kept) == np.nanmin(plain)


@pytest.mark.parametrize("count", [1, 50, BLOCK, BLOCK * FACTOR * 40 + 7])
def test_a_sample_has_the_extremes_and_no_gaps(count: int) -> None:
    values = _curve(count, 0.0, 1)
    values[0] = 1e-7 if count > 1 else values[0]
    extremes = Extremes()
    extremes.extend(values)
    sample = extremes.sample(values)
    assert np.isfinite(sample).all()
    assert sample.min() == values.min() and sample.max() == values.max()
    assert np.abs(sample).min() <= np.abs(values[:BLOCK]).min()


def test_a_curve_of_gaps_has_an_empty_sample() -> None:
    values = np.full(1000, np.nan)
    extremes = Extremes()
    extremes.extend(values)
    assert len(extremes.sample(values)) == 0


def test_points_that_were_replaced_are_computed_anew() -> None:
    curve, values = SmoothedCurve(), _curve(5000, 0.0, 2)
    curve.take(values, 0, 0.9)
    before = curve.smoothed.copy()
    curve.take(values, 0, 0.9)
    assert np.array_equal(curve.smoothed, before)
    curve.take(values + 10, 1, 0.9)
    assert np.allclose(curve.smoothed, before + 10)
    assert values[curve.raw.places(values, 0, 5000, 4096)].max() == values.max()
    curve.take(values[:100] + 20, 1, 0.9)
    assert np.allclose(curve.smoothed, before[:100] + 20)
    curve.take(values[:100] + 20, 1, 0.0)
    assert len(curve.smoothed) == 0
