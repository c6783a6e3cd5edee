"""Precision, recall, density and coverage against brute force, and on sets whose values are known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.quality.neighbours import Supports, compare_supports, supports_in_blocks

Floats = NDArray[np.float64]


def distance(a: Floats, b: Floats) -> float:
    return math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))


def radius(points: Floats, own: int, k: int) -> float:
    others = sorted(distance(points[own], other) for number, other in enumerate(points) if number != own)
    return others[k - 1]


def by_brute_force(real: Floats, fake: Floats, k: int, coverage_k: int) -> tuple[float, float, float, float]:
    """The four numbers by their definitions, one distance at a time."""
    real_balls = [radius(real, number, k) for number in range(len(real))]
    fake_balls = [radius(fake, number, k) for number in range(len(fake))]
    cover_balls = [radius(real, number, coverage_k) for number in range(len(real))]
    precise = [any(distance(y, x) <= r for x, r in zip(real, real_balls, strict=True)) for y in fake]
    recalled = [any(distance(x, y) <= r for y, r in zip(fake, fake_balls, strict=True)) for x in real]
    inside = [sum(distance(y, x) <= r for x, r in zip(real, cover_balls, strict=True)) for y in fake]
    covered = [any(distance(y, x) <= r for y in fake) for x, r in zip(real, cover_balls, strict=True)]
    return (
        sum(precise) / len(fake),
        sum(recalled) / len(real),
        sum(inside) / (coverage_k * len(fake)),
        sum(covered) / len(real),
    )


def values(found: Supports) -> tuple[float, ...]:
    return tuple(share.value for share in (found.precision, found.recall, found.density, found.coverage))


def finished(pieces: Any) -> Any:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize(("k", "coverage_k"), [(1, 1), (3, 5), (5, 2)])
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_they_are_those_of_brute_force(k: int, coverage_k: int, shift: float) -> None:
    random = np.random.default_rng(3)
    real = random.normal(size=(40, 3))
    fake = np.concatenate((random.normal(shift, 0.7, size=(29, 3)), real[:2]))  # two exact copies
    expected = by_brute_force(real, fake, k, coverage_k)
    found = compare_supports(torch.from_numpy(real), torch.from_numpy(fake), k, coverage_k)
    assert values(found) == pytest.approx(expected, abs=1e-12)
    assert found == finished(supports_in_blocks(torch.from_numpy(real), torch.from_numpy(fake), k, coverage_k))
    precision = expected[0]
    assert found.precision.error == pytest.approx(math.sqrt(precision * (1 - precision) / 31))


def test_points_on_a_line() -> None:
    real = torch.arange(10.0)[:, None]
    fake = torch.tensor([[0.5], [4.5], [100.0], [101.0], [102.0]])
    found = compare_supports(real, fake, 1, 1)
    assert found.precision.value == pytest.approx(2 / 5)
    assert found.recall.value == pytest.approx(9 / 10)  # the ball around 4.5 reaches to 0.5, the one around 0.5 to 4.5


def test_density_and_coverage_of_points_on_a_line() -> None:
    real = torch.tensor([[0.0], [1.0], [3.0], [6.0]])  # balls of k = 1: radii 1, 1, 2, 3
    fake = torch.tensor([[0.5], [0.5], [1.5], [100.0]])
    found = compare_supports(real, fake, 1, 1)
    assert found.density.value == pytest.approx((2 + 2 + 2 + 0) / 4)
    assert found.coverage.value == pytest.approx(3 / 4), "none lies within 3 of 6"


def test_a_single_image_has_no_neighbour() -> None:
    real = torch.tensor([[0.0]])
    assert values(compare_supports(real, real)) == (1.0, 1.0, 1.0, 1.0)


def test_duplicates_have_balls_of_radius_zero() -> None:
    real = torch.zeros((6, 2))
    near = torch.full((4, 2), 1e-3)
    assert compare_supports(real, near, 3, 3).precision.value == 0.0
    assert compare_supports(real, real, 3, 3).precision.value == 1.0


def test_an_outlier_raises_recall_and_not_coverage() -> None:
    real = torch.randn((60, 2), generator=torch.Generator().manual_seed(0))
    fake = torch.cat((torch.zeros((60, 2)), torch.full((1, 2), 50.0)))
    found = compare_supports(real, fake)
    assert found.coverage.value < found.recall.value
