"""Fréchet and kernel distance against their formulas, their errors, and the limit of many samples."""

import importlib
import math
from typing import Any

import numpy as np
import pytest

from gmstudio.engine.density.quality.frechet import FrechetReference, Moments, frechet_curve, frechet_distance
from gmstudio.engine.density.quality.kernel import kernel_distance, squared_discrepancy


def finished(pieces: Any) -> Any:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


def skewed(count: int, width: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=width)


@pytest.mark.parametrize("width", [1, 4, 30])
def test_the_distance_is_that_of_the_matrix_square_root(width: int) -> None:
    real, fake = skewed(300, width, 0), skewed(200, width, 1)
    mean, other = real.mean(0), fake.mean(0)
    first = np.atleast_2d(np.cov(real, rowvar=False))
    second = np.atleast_2d(np.cov(fake, rowvar=False))
    root = importlib.import_module("scipy.linalg").sqrtm(first @ second)
    expected = np.square(mean - other).sum() + np.trace(first + second - 2 * root.real)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_a_singular_covariance_is_no_obstacle() -> None:
    real = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0]])
    fake = 2 * real + np.array([0.0, 0.0, 3.0])
    # Σ₂ = 4 Σ₁, so that d² = ‖μ₁ − μ₂‖² + tr Σ₁ (1 + 4 − 2·2)
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(np.cov(real, rowvar=False))
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-6)


def test_the_limit_is_nearer_to_the_truth_than_the_value_at_n() -> None:
    width, random = 20, np.random.default_rng(7)
    real = random.normal(size=(200_000, width))
    curve = finished(frechet_curve(FrechetReference(real), random.normal(size=(1000, width)), 0))
    assert curve.counts.tolist() == [125, 250, 500, 1000] and not curve.warning
    assert (np.diff(curve.values) < 0).all(), "the bias falls with n"
    assert abs(curve.limit) < curve.value / 5, "the true distance is 0"
    assert abs(curve.limit) < 4 * curve.limit_error


def test_errors_cover_the_spread_of_new_samples() -> None:
    width, random = 5, np.random.default_rng(11)
    reference = FrechetReference(random.normal(size=(20_000, width)))
    curves = [finished(frechet_curve(reference, random.normal(0.3, 1.0, size=(400, width)), 0)) for _ in range(40)]
    spread = np.std([curve.value for curve in curves], ddof=1)
    claimed = np.mean([curve.error for curve in curves])
    assert 0.6 < claimed / spread < 1.6
    limits = np.std([curve.limit for curve in curves], ddof=1)
    assert 0.6 < np.mean([curve.limit_error for curve in curves]) / limits < 1.8


def test_too_few_samples_for_the_features_are_named() -> None:
    real, fake = skewed(100, 30, 0), skewed(25, 30, 1)
    curve = finished(frechet_curve(FrechetReference(real), fake, 0))
    assert "25 images" in curve.warning and "30 features" in curve.warning
    assert math.isfinite(curve.value) and math.isnan(curve.limit) and math.isnan(curve.error)
    with pytest.raises(ValueError, match="needs 2 images"):
        Moments.of(real[:1])


def test_a_seed_repeats_the_curve() -> None:
    reference, fake = FrechetReference(skewed(300, 4, 0)), skewed(600, 4, 1)
    first, second = (finished(frechet_curve(reference, fake, 5)) for _ in range(2))
    assert first.values.tolist() == second.values.tolist() and first.limit == second.limit


def test_the_kernel_distance_of_a_block_is_its_double_sum() -> None:
    x, y = skewed(7, 3, 0), skewed(9, 3, 1)

    def kernel(a: Any, b: Any) -> float:
        return float((a @ b / 3 + 1) ** 3)

    own_x = sum(kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    own_y = sum(kernel(y[i], y[j]) for i in range(9) for j in range(9) if i != j) / (9 * 8)
    across = sum(kernel(a, b) for a in x for b in y) / 63
    assert squared_discrepancy(x, y) == pytest.approx(own_x + own_y - 2 * across, rel=1e-12)


def test_the_kernel_distance_has_no_bias_and_an_honest_error() -> None:
    random = np.random.default_rng(2)
    real = random.normal(size=(2000, 4))
    same = [finished(kernel_distance(real, random.normal(size=(400, 4)), seed)) for seed in range(30)]
    mean = np.mean([share.value for share in same])
    spread = np.std([share.value for share in same], ddof=1)
    assert abs(mean) < 4 * spread / math.sqrt(30)
    assert 0.5 < np.mean([share.error for share in same]) / spread < 2.0
    other = finished(kernel_distance(real, random.normal(1.0, 1.0, size=(400, 4)), 0))
    assert other.value > 5 * other.error
    with pytest.raises(ValueError, match="one has 1"):
        finished(kernel_distance(real, real[:1], 0))
