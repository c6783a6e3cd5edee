"""The laboratory of distributions: laws that sum to one, draws that follow them, errors that fall as they must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, sent, titled
from scipy import stats

from gmstudio.labs import distributions_laws as laws
from gmstudio.labs.distributions import Distributions
from gmstudio.labs.distributions_scene import SIZES, law_of_error, measured_errors
from gmstudio.protocol.scenes import Bars, Curves, Formula, Table

FAMILIES = ("bernoulli", "categorical", "gaussian", "mixture", "logistic")
rng = np.random.default_rng(0)


@given(
    levels=st.integers(2, 256),
    location=st.floats(0, 255, allow_subnormal=False),
    scale=st.floats(0.05, 64, allow_subnormal=False),
)
def test_a_discretized_logistic_sums_to_one(levels: int, location: float, scale: float) -> None:
    law = laws.discretized_logistic(levels, location, scale)
    assert law.probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert (law.probabilities >= 0).all()


def test_a_discretized_logistic_is_a_difference_of_sigmoids() -> None:
    law = laws.discretized_logistic(8, 2.3, 0.7)
    cdf = stats.logistic(2.3, 0.7).cdf
    expected = [cdf(0.5), *(cdf(v + 0.5) - cdf(v - 0.5) for v in range(1, 7)), 1 - cdf(6.5)]
    assert law.probabilities == pytest.approx(expected, abs=1e-12)


def test_entropies_and_moments_agree_with_the_closed_forms() -> None:
    coin = laws.bernoulli(0.2)
    assert (coin.mean, coin.variance) == pytest.approx((0.2, 0.16), abs=1e-12)
    assert coin.entropy == pytest.approx(stats.bernoulli(0.2).entropy(), abs=1e-12)
    die = laws.categorical(np.full(6, 1 / 6))
    assert (die.mean, die.variance, die.entropy) == pytest.approx((3.5, 35 / 12, np.log(6)), abs=1e-12)
    bell = laws.mixture(np.ones(1), np.array([1.0]), np.array([2.0]))
    assert bell.entropy == pytest.approx(stats.norm(1, 2).entropy(), abs=1e-12)
    # Two equal components are one Gaussian, whose entropy is known.
    twice = laws.mixture(np.full(2, 0.5), np.full(2, 1.0), np.full(2, 2.0))
    assert twice.entropy == pytest.approx(bell.entropy, abs=1e-9)
    assert twice.log_prob(np.array([0.3])) == pytest.approx(stats.norm(1, 2).logpdf(0.3), abs=1e-12)
    # Components far apart: the entropy of the choice and the mean one of the components add up.
    apart = laws.mixture(np.array([0.25, 0.75]), np.array([-9.0, 9.0]), np.array([0.5, 1.0]))
    parts = stats.entropy([0.25, 0.75]) + 0.25 * laws.gaussian_entropy(0.5) + 0.75 * laws.gaussian_entropy(1.0)
    assert apart.entropy == pytest.approx(parts, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_follow_the_distribution(family: str) -> None:
    lab = opened(Distributions, {"family": family})
    law = lab.law
    values = law.draw(rng.random((50_000, 2)))
    counts = np.bincount(law.cells(values), minlength=len(law.probabilities))
    some = law.probabilities * len(values) > 5
    expected = law.probabilities[some] / law.probabilities[some].sum() * counts[some].sum()
    assert stats.chisquare(counts[some], expected).pvalue > 1e-4
    assert counts[law.probabilities == 0].sum() == 0
    assert values.mean() == pytest.approx(law.mean, abs=5 * (law.variance / len(values)) ** 0.5)


def test_the_measured_error_obeys_its_law() -> None:
    law = laws.categorical(np.array([0.5, 0.2, 0.2, 0.1]))
    assert law_of_error(law, np.array([100])) == pytest.approx(((1 - 0.34) / 100) ** 0.5, abs=1e-12)
    ratio = measured_errors(law, 0) / law_of_error(law, SIZES)
    assert np.abs(ratio - 1).max() < 0.4
    assert np.abs(ratio - 1).mean() < 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_actions_from_a_seed_give_the_same_scene(family: str) -> None:
    scenes = []
    for seed in (5, 5, 6):
        lab = opened(Distributions, {"family": family}, Bench(seed))
        for action in ("draw_1", "draw_10", "draw_10000"):
            scene = acted(lab, action)
        scenes.append(sent(scene))
    assert scenes[0] == scenes[1] != scenes[2]


def test_draws_are_counted_and_cleared() -> None:
    lab = opened(Distributions)
    start = sent(lab.scene())
    acted(lab, "draw_10")
    scene = acted(lab, "draw_1")
    values = titled(scene, Table, "Mean, variance").values.numpy()
    assert values[:, 2] == pytest.approx(values[:, 1] - values[:, 0], abs=1e-12)
    shares = blocks(scene, Bars)[0].values.numpy()[1]
    assert (shares * 11 == pytest.approx(np.round(shares * 11), abs=1e-5)) and shares.sum() == pytest.approx(
        1, abs=1e-6
    )
    assert "11 draws" in finding(scene)
    assert sent(acted(lab, "clear")) == start


def test_draws_follow_a_moved_mark() -> None:
    lab = opened(Distributions, {"family": "gaussian", "mean": 0.0, "deviation": 1.0})
    before = titled(acted(lab, "draw_10000"), Table, "Mean, variance").values.numpy()
    edited(lab, "mean", [3.0])
    edited(lab, "edge", [5.0])
    assert (lab.config.mean, lab.config.deviation) == (3.0, 2.0)
    after = titled(lab.scene(), Table, "Mean, variance").values.numpy()
    assert after[0, 1] == pytest.approx(2 * before[0, 1] + 3, abs=1e-9)
    assert after[1, 1] == pytest.approx(4 * before[1, 1], abs=1e-9)
    assert [mark.x for mark in blocks(lab.scene(), Curves)[0].marks] == [3.0, 5.0]


def test_typed_probabilities_are_normalized_or_refused() -> None:
    lab = opened(Distributions, {"num_values": 3})
    assert "summed to 4" in edited(lab, "weights", [[2, 1, 1]])
    assert lab.inputs["weights"] == pytest.approx(np.array([[0.5, 0.25, 0.25]]))
    assert edited(lab, "weights", [[0.5, 0.25, 0.25]]) == ""
    with pytest.raises(ValueError, match=r"is -0\.1; type 0 or more"):
        edited(lab, "weights", [[-0.1, 1, 1]])
    with pytest.raises(ValueError, match="above 0"):
        edited(lab, "weights", [[0, 0, 0]])
    assert lab.inputs["weights"] == pytest.approx(np.array([[0.5, 0.25, 0.25]]))


def test_a_value_that_is_certain_has_no_error() -> None:
    lab = opened(Distributions, {"family": "bernoulli", "p": 0.0})
    scene = acted(lab, "draw_10000")
    assert "every draw is the same" in finding(scene)
    assert titled(scene, Table, "Mean, variance").values.numpy()[2].tolist() == [0, 0, 0]


def test_components_are_edited_in_the_table_and_by_marks() -> None:
    lab = opened(Distributions, {"family": "mixture", "num_components": 3})
    assert edited(lab, "components", [[1, -2, 0.5], [1, 0, 1], [2, 4, 1]])
    edited(lab, "mean 3", [5.5])
    assert lab.inputs["components"] == pytest.approx(np.array([[0.25, -2, 0.5], [0.25, 0, 1], [0.5, 5.5, 1]]))
    with pytest.raises(ValueError, match=r"standard deviation is -1; type one from 0\.05"):
        edited(lab, "components", [[1, -2, -1], [1, 0, 1], [2, 4, 1]])
    with pytest.raises(ValueError, match="mean is 40"):
        edited(lab, "components", [[1, 40, 1], [1, 0, 1], [2, 4, 1]])
    x, density = line(blocks(lab.scene(), Curves)[0], "density")
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)
    configured(lab, num_components=2)
    assert list(lab.inputs) == ["components", "mean 1", "mean 2"]


def test_more_draws_than_are_kept_are_refused() -> None:
    lab = opened(Distributions)
    for _ in range(20):
        acted(lab, "draw_10000")
    with pytest.raises(ValueError, match=r"There are 200,000 draws, and at most 200,000 are kept"):
        acted(lab, "draw_1")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_distribution_has_its_formula(family: str) -> None:
    (formula,) = blocks(opened(Distributions, {"family": family}).scene(), Formula)
    assert formula.latex
