"""Autocorrelation of chains, and their convergence to one distribution."""

import math

import numpy as np
import pytest

from gmstudio.window.state.chains.mixing import CONVERGED, autocorrelation, integrated_time, mixing, r_hat


def ar1(coefficient: float, length: int, chains: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = np.zeros((length, chains))
    values[0] = random.standard_normal(chains) / math.sqrt(1 - coefficient**2)
    for t in range(1, length):
        values[t] = coefficient * values[t - 1] + random.standard_normal(chains)
    return values


def test_of_one_chain_it_is_the_sum_of_products() -> None:
    values = np.random.default_rng(1).standard_normal((20, 1))
    centred = values - values.mean()
    direct = [float((centred[: 20 - k] * centred[k:]).sum() / (centred**2).sum()) for k in range(11)]
    np.testing.assert_allclose(autocorrelation(values), direct, atol=1e-12)


def test_of_several_chains_it_is_the_textbooks_sum() -> None:
    values = np.random.default_rng(2).standard_normal((30, 5)) + np.arange(5)
    means = values.mean(axis=0)
    within = np.array([((values[: 30 - k] - means) * (values[k:] - means)).sum() / 30 / 5 for k in range(16)])
    between = means.var(ddof=1)
    np.testing.assert_allclose(autocorrelation(values), 1 - (within[0] - within) / (within[0] + between), atol=1e-12)
    spread = np.var(values, axis=0, ddof=1).mean()
    assert r_hat(values) == pytest.approx(math.sqrt((spread * 29 / 30 + between) / spread))


def test_a_first_order_chain_has_the_time_of_the_textbook() -> None:
    rho = autocorrelation(ar1(0.8, 4000, 8))
    assert rho[0] == 1.0 and rho[1] == pytest.approx(0.8, abs=0.03)
    assert integrated_time(rho) == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.15)
    assert r_hat(ar1(0.8, 4000, 8)) == pytest.approx(1.0, abs=0.01)


def test_noise_is_new_at_once_and_stillness_never() -> None:
    assert integrated_time(autocorrelation(np.random.default_rng(2).standard_normal((2000, 4)))) < 1.3
    assert math.isinf(integrated_time(autocorrelation(np.ones((100, 3)))))
    assert math.isinf(mixing(np.arange(3.0)[None].repeat(100, axis=0)).r_hat)


def test_chains_that_move_freely_in_places_of_their_own_do_not_mix() -> None:
    found = mixing(np.random.default_rng(3).standard_normal((200, 4)) + 10 * np.arange(4))
    assert math.isinf(found.time) and found.r_hat > CONVERGED and found.rho[10] > 0.9


def test_the_way_from_the_start_is_left_out() -> None:
    values = np.random.default_rng(4).standard_normal((500, 4))
    values[:60] += np.linspace(100, 0, 60)[:, None]
    found = mixing(values)
    assert found.time < 1.5 and found.r_hat < CONVERGED
    assert autocorrelation(values)[5] > 0.5


def test_several_numbers_of_a_state_are_taken_together() -> None:
    quick, slow = ar1(0.0, 3000, 4), ar1(0.9, 3000, 4, seed=1)
    both = mixing(np.stack([quick, slow], axis=2))
    assert mixing(quick).time < 1.5 < both.time < mixing(slow).time * 1.1
    shares = np.array([quick.var(), slow.var()])
    assert both.rho[1] == pytest.approx(0.9 * shares[1] / shares.sum(), abs=0.05)
    pixels = np.zeros((3000, 4, 6), np.uint8)
    pixels[:, :, 0] = 100 + 10 * slow
    assert mixing(pixels).time == pytest.approx(mixing(slow).time, rel=0.2), "constant pixels are left out"


def test_much_is_thinned_out() -> None:
    slow = ar1(0.9, 2000, 64)
    pixels = np.zeros((2000, 64, 64), np.uint8)
    pixels[:, :, 20] = np.clip(100 + 10 * slow, 0, 255)
    assert mixing(pixels).time == pytest.approx(19, rel=0.3), "by a pixel that varies, wherever it is"
    assert mixing(slow).time == pytest.approx(19, rel=0.3)
    assert mixing(np.ones((10, 70_000))).rho.tolist() == [1.0] * 5


def test_too_little_says_nothing() -> None:
    assert len(autocorrelation(np.zeros((7, 2)))) == 0
    assert math.isnan(integrated_time(np.zeros(0)))
    assert not len(mixing(np.zeros((8, 2))).rho)
    assert not len(mixing(np.full((100, 2), np.nan)).rho)
    assert math.isnan(mixing(ar1(0.5, 100, 1)).r_hat), "one chain has nothing to agree with"
