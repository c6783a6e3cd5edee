"""How fast a chain forgets where it was."""

import math

import numpy as np
import pytest

from gmstudio.session.autocorrelation import autocorrelation, integrated_time


def ar1(coefficient: float, length: int, chains: int) -> np.ndarray:
    random = np.random.default_rng(0)
    values = np.zeros((length, chains))
    values[0] = random.standard_normal(chains) / math.sqrt(1 - coefficient**2)
    for t in range(1, length):
        values[t] = coefficient * values[t - 1] + random.standard_normal(chains)
    return values


def test_it_is_the_sum_of_products() -> None:
    values = np.random.default_rng(1).standard_normal((20, 1))
    centred = values - values.mean()
    direct = [float((centred[: 20 - k] * centred[k:]).sum() / (centred**2).sum()) for k in range(11)]
    np.testing.assert_allclose(autocorrelation(values), direct, atol=1e-12)


def test_a_first_order_chain_has_the_time_of_the_textbook() -> None:
    rho = autocorrelation(ar1(0.8, 4000, 8))
    assert rho[0] == 1.0 and rho[1] == pytest.approx(0.8, abs=0.03)
    assert integrated_time(rho) == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.15)


def test_noise_is_new_at_once_and_stillness_never() -> None:
    assert integrated_time(autocorrelation(np.random.default_rng(2).standard_normal((2000, 4)))) < 1.3
    assert math.isinf(integrated_time(autocorrelation(np.ones((100, 3)))))


def test_too_little_says_nothing() -> None:
    assert len(autocorrelation(np.zeros((7, 2)))) == 0
    assert math.isnan(integrated_time(np.zeros(0)))
