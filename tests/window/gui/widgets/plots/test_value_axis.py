"""Values in view, ticks, quantiles and heights of probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.gui.widgets.plots.value_axis import MIN_SPAN, ProbabilityAxis, ValueAxis, quantiles


def bell(levels: int, middle: float, width: float) -> np.ndarray:
    p = np.exp(-(((np.arange(levels) - middle) / width) ** 2) / 2)
    return p / p.sum()


@given(
    st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 256)), max_size=8),
    st.lists(st.floats(-300, 300), max_size=4),
)
def test_the_view_stays_among_the_values(zooms: list[tuple[float, float]], moves: list[float]) -> None:
    axis = ValueAxis.whole(256)
    for factor, at in zooms:
        axis = axis.zoomed(factor, at)
    for by in moves:
        axis = axis.panned(by)
    assert axis.low >= -1e-6 and axis.high <= 256 + 1e-6
    assert MIN_SPAN - 1e-6 <= axis.span <= 256 + 1e-6


def test_zooming_keeps_what_is_under_the_pointer() -> None:
    axis = ValueAxis.whole(256)
    closer = axis.zoomed(4, 100.5)
    assert closer.span == 64 and closer.share(100.5) == pytest.approx(axis.share(100.5))
    assert closer.value_at(closer.share(100.5)) == 100
    assert closer.zoomed(1 / 100, 100.5).is_whole


def test_a_value_is_brought_into_view() -> None:
    axis = ValueAxis(256, 100, 120)
    assert axis.showing(110) == axis
    assert 40 in axis.showing(40).visible() and axis.showing(40).low == 40
    assert axis.showing(200).high == 201


def test_fitting_holds_the_mass_of_every_distribution() -> None:
    a, b = bell(256, 60, 3), bell(256, 150, 5)
    axis = ValueAxis.whole(256).fitted(a, b)
    low, high = axis.visible().start, axis.visible().stop
    assert a[low:high].sum() > 0.999 and b[low:high].sum() > 0.999
    assert axis.span < 160
    sharp = ValueAxis.whole(256).fitted(np.eye(256)[255])
    assert sharp.high == 256 and MIN_SPAN <= sharp.span <= 16


@pytest.mark.parametrize(("low", "high"), [(0, 256), (90, 130), (200.5, 208.5), (248, 256)])
def test_ticks_are_round_and_few(low: float, high: float) -> None:
    axis = ValueAxis(256, low, high)
    ticks = axis.ticks(8)
    assert 2 <= len(ticks) <= 9 and all(tick in axis.visible() for tick in ticks)
    assert (255 in ticks) == (high == 256)
    assert len(set(np.diff([tick for tick in ticks if tick != 255]).tolist())) <= 1


def test_all_of_few_values_are_ticks() -> None:
    assert ValueAxis.whole(16).ticks(16) == list(range(16))
    assert ValueAxis.whole(2).ticks(30) == [0, 1]


def test_quantiles() -> None:
    assert quantiles(np.full(100, 0.01), (0.05, 0.25, 0.5, 0.75, 0.95)) == pytest.approx([5, 25, 50, 75, 95], abs=1)
    assert quantiles(np.eye(4)[2], (0.0, 0.5, 1.0))[1] == 2


def test_heights() -> None:
    linear = ProbabilityAxis.linear(0.27)
    assert linear.top == 0.3
    np.testing.assert_allclose(linear.heights(np.array([0.0, 0.15, 0.3, 0.9])), [0, 0.5, 1, 1])
    assert [text for _, text in linear.ticks()] == ["0", "0.15", "0.3"]


def test_logarithmic_heights() -> None:
    axis = ProbabilityAxis.logarithmic(3e-4)
    assert (axis.top, axis.floor) == (1, 1e-4)
    np.testing.assert_allclose(axis.heights(np.array([0.0, 1e-4, 1e-2, 1.0])), [0, 0, 0.5, 1], atol=1e-9)
    assert [text for _, text in axis.ticks()] == ["1", "0.1", "0.01", "10⁻³", "10⁻⁴"]
    assert ProbabilityAxis.logarithmic(0.0).floor == ProbabilityAxis.logarithmic(1e-30).floor == pytest.approx(1e-6)
