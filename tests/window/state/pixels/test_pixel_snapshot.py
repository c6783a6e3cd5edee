"""Probabilities that go with a generation: tempering, entropy, drawing, totals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import PixelsMoved, PixelsOpened
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats, inverse_cdf, tempered

distributions = st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=16).map(lambda w: np.array(w) / sum(w))


@given(distributions, st.floats(0.05, 5.0))
def test_tempering_keeps_a_distribution_and_its_order(p: np.ndarray, temperature: float) -> None:
    q = tempered(p, temperature)
    assert q.sum() == pytest.approx(1.0)
    assert int(q.argmax()) == int(p.argmax()) or q.max() == pytest.approx(q[p.argmax()])
    flatter = entropy_nats(q) >= entropy_nats(p) - 1e-9
    assert flatter or temperature < 1


def test_temperature_zero_is_certain_and_one_changes_nothing() -> None:
    p = np.array([0.2, 0.5, 0.3])
    np.testing.assert_array_equal(tempered(p, 0.0), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(tempered(p, 1.0), p)
    np.testing.assert_allclose(tempered(p, 0.5), p**2 / (p**2).sum())
    np.testing.assert_allclose(tempered(np.array([0.0, 0.5, 0.5]), 0.5), [0.0, 0.5, 0.5])


def test_entropy_of_certain_and_uniform() -> None:
    assert entropy_nats(np.array([0.0, 1.0])) == 0.0
    assert entropy_nats(np.full(16, 1 / 16)) == pytest.approx(math.log(16))


@pytest.mark.parametrize(("uniform", "value"), [(0.0, 1), (0.19, 1), (0.21, 2), (0.69, 2), (0.71, 3), (0.999999, 3)])
def test_the_uniform_falls_into_a_share(uniform: float, value: int) -> None:
    assert inverse_cdf(np.array([0.0, 0.2, 0.5, 0.3]), uniform) == value


def state(step: int) -> PixelSnapshot:
    spec = ImageSpec(channels=3, height=2, width=2, levels=2)
    order = np.array([(c, r, k) for r in range(2) for k in range(2) for c in range(3)], dtype=np.int64)
    opened = PixelsOpened(session=1, run="run", image=spec, weights_step=5, order=Array.of(order))
    moved = PixelsMoved(
        session=1,
        step=step,
        path=12,
        image=Array.of(np.zeros(spec.shape, np.uint8)),
        nats=Array.of(np.arange(step, dtype=np.float32)),
        conditional=Array.of(np.full(2 if step < 12 else 0, 0.5, np.float32)),
        uniform=0.5,
        context=Array.of(np.zeros(spec.shape, np.bool_)),
    )
    return PixelSnapshot.of(opened, moved)


def test_positions_and_rows() -> None:
    assert state(0).position == (0, 0, 0) and state(5).position == (2, 0, 1) and state(12).position is None
    assert [state(0).row_end(s) for s in (0, 5, 6, 11, 12)] == [6, 6, 12, 12, 12]
    assert [state(0).row_start(s) for s in (0, 1, 6, 7, 12)] == [0, 0, 0, 6, 6]
    assert state(0).steps_of_pixel(1, 0).tolist() == [6, 7, 8]


def test_totals() -> None:
    assert state(0).bits_per_dim == 0.0
    assert state(4).total_nats == 6.0
    assert state(4).bits_per_dim == pytest.approx(6.0 / 4 / math.log(2))
    surprisal = state(4).surprisal()
    np.testing.assert_array_equal(surprisal, [[3.0, 3.0], [np.nan, np.nan]])


def test_what_the_engine_says_of_orders_and_breakpoints_is_kept() -> None:
    bare = state(4)
    assert np.isnan(bare.entropies).all() and len(bare.entropies) == 4
    assert (bare.stopped, bare.num_observed, bare.any_order, bare.label) == ("", 0, False, -1)
    spec, order = bare.spec, bare.order
    opened = PixelsOpened(
        session=2,
        run="run",
        image=spec,
        weights_step=5,
        order=Array.of(order),
        orders=("raster", "painted"),
        order_name="painted",
        num_observed=3,
        any_order=True,
        num_classes=10,
        label=7,
    )
    moved = PixelsMoved(
        session=2,
        step=2,
        path=2,
        image=Array.of(bare.image),
        nats=Array.of(np.ones(2, np.float32)),
        conditional=Array.of(np.full(2, 0.5, np.float32)),
        uniform=0.5,
        context=Array.of(bare.context),
        stopped="entropy",
        entropies=Array.of(np.array([0.1, 0.6], np.float32)),
    )
    full = PixelSnapshot.of(opened, moved)
    assert (full.orders, full.order_name, full.num_observed) == (("raster", "painted"), "painted", 3)
    assert (full.any_order, full.num_classes, full.label, full.stopped) == (True, 10, 7, "entropy")
    np.testing.assert_allclose(full.entropies, [0.1, 0.6], rtol=1e-6)
    assert full.placed().sum() == 2 and full.placed(5).sum() == 5
