"""Nearest training images by brute force, and the test of memorization on copies and on fresh images."""

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.density.quality.memorization import Nearest, copy_test, nearest_training


def finished(pieces: Any) -> Any:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


def nearest(queries: torch.Tensor, training: torch.Tensor, count: int = 5) -> Nearest:
    found: Nearest = finished(nearest_training(queries, training, count))
    return found


def test_they_are_those_of_brute_force() -> None:
    random = np.random.default_rng(0)
    training = random.integers(0, 256, size=(300, 64)).astype(np.float32)
    queries = random.integers(0, 256, size=(150, 64)).astype(np.float32)
    found = nearest(torch.from_numpy(queries), torch.from_numpy(training))
    for row in (0, 77, 149):
        distances = np.sqrt(np.square(training.astype(np.float64) - queries[row]).sum(1))
        order = np.argsort(distances, kind="stable")[:5]
        assert found.indices[row].tolist() == order.tolist()
        assert found.distances[row] == pytest.approx(distances[order], rel=1e-6)


def test_a_copy_is_at_distance_zero() -> None:
    training = torch.rand((500, 784), generator=torch.Generator().manual_seed(0)) * 255
    found = nearest(training[[7, 400]], training)
    assert found.indices[:, 0].tolist() == [7, 400] and found.distances[:, 0].tolist() == [0.0, 0.0]
    assert nearest(training[:1], training[:3]).indices.shape == (1, 3), "no more neighbours than images"


def test_copies_are_found_and_fresh_images_are_not() -> None:
    random = np.random.default_rng(1)
    training, held_out, fresh = (torch.from_numpy(random.normal(size=(400, 6))) for _ in range(3))
    copies = training[:300] + 0.01 * torch.from_numpy(random.normal(size=(300, 6)))
    to_training = nearest(held_out, training, 1).distances[:, 0]
    memorized = copy_test(nearest(copies, training, 1).distances[:, 0], to_training)
    honest = copy_test(nearest(fresh, training, 1).distances[:, 0], to_training)
    assert memorized.p_value < 1e-20 and memorized.z < -10 and memorized.percentiles.max() < 5
    assert honest.p_value > 0.01 and 40 < honest.percentiles.mean() < 60


def test_statistic_and_percentiles_with_ties() -> None:
    samples, held_out = np.array([1.0, 2.0, 2.0, 5.0]), np.array([2.0, 3.0, 3.0, 6.0, 7.0])
    found = copy_test(samples, held_out)
    expected = importlib.import_module("scipy.stats").mannwhitneyu(
        samples, held_out, alternative="less", method="asymptotic"
    )
    assert found.p_value == pytest.approx(expected.pvalue)
    # scipy's p has a correction of ½ for continuity, the z here has none
    below = sum((s > h) + 0.5 * (s == h) for s in samples for h in held_out)
    deviation = np.sqrt(4 * 5 / 12 * (10 - ((3**3 - 3) + (2**3 - 2)) / (9 * 8)))
    assert found.z == pytest.approx((below - 10) / deviation)
    assert found.percentiles.tolist() == [0.0, 20.0, 20.0, 60.0]


def test_without_held_out_images_nothing_is_claimed() -> None:
    found = copy_test(np.ones(3), np.zeros(0))
    assert np.isnan(found.p_value) and np.isnan(found.percentiles).all()
    same = copy_test(np.ones(3), np.ones(4))
    assert same.z == 0.0 and same.p_value == 1.0, "all distances tie"
