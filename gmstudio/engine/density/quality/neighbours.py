"""Precision, recall, density and coverage: shares by balls that reach to the k-th nearest neighbour.

Around each point of a set lies a ball that reaches to its k-th nearest neighbour in the set; their union is the set's
support. Precision is the share of samples within the support of the images, recall the share of images within the
support of the samples. Both grow with a single outlier, whose ball is large; density and coverage avoid that. Density
is the mean number of the images' balls that a sample lies in, divided by k: 1 where samples are distributed as the
images are, more where they crowd. Coverage is the share of images whose ball holds a sample.

Distances are computed in double precision. A standard error is that of the counted points, the balls being fixed.

Source: Kynkäänniemi et al. 2019, Improved Precision and Recall Metric for Assessing Generative Models,
arXiv:1904.06991, section 2; Naeem et al. 2020, Reliable Fidelity and Diversity Metrics for Generative Models,
arXiv:2002.09797, section 3.2.

Shapes: N generated images, M real images, F features.
"""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gmstudio.engine.runtime.beside import in_blocks

NEIGHBOUR = 3
"""k of precision and recall, as in their paper."""
COVERAGE_NEIGHBOUR = 5
"""k of density and coverage, as in their paper."""
BLOCK = 512


@dataclass(frozen=True)
class Share:
    """Share, or mean, with its standard error.

    Args:
        value: the share.
        error: standard error; NaN: unknown.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Supports:
    """Comparison of samples with images by their supports.

    Args:
        precision: share of samples within the support of the images.
        recall: share of images within the support of the samples.
        density: mean number of the images' balls around a sample, over k.
        coverage: share of images whose ball holds a sample.
    """

    precision: Share
    recall: Share
    density: Share
    coverage: Share


def compare_supports(
    real_MF: Tensor, fake_NF: Tensor, neighbour: int = NEIGHBOUR, coverage_neighbour: int = COVERAGE_NEIGHBOUR
) -> Supports:
    """Compute precision, recall, density and coverage at once, see ``supports_in_blocks``."""
    comparison = _Comparison(real_MF, fake_NF, neighbour, coverage_neighbour)
    for total, work in comparison.stages():
        work(slice(0, total))
    return comparison.result()


def supports_in_blocks(
    real_MF: Tensor, fake_NF: Tensor, neighbour: int = NEIGHBOUR, coverage_neighbour: int = COVERAGE_NEIGHBOUR
) -> Generator[None, None, Supports]:
    """Compute precision, recall, density and coverage in threads; yields while they run.

    Args:
        real_MF: features of real images.
        fake_NF: features of generated images.
        neighbour: k of precision and recall; at most the number of images but one is used.
        coverage_neighbour: k of density and coverage.
    """
    comparison = _Comparison(real_MF, fake_NF, neighbour, coverage_neighbour)
    for total, work in comparison.stages():
        yield from in_blocks(total, BLOCK, work)
    return comparison.result()


def squared_distances(a_NF: Tensor, b_MF: Tensor) -> Tensor:
    """Squared Euclidean distances of all pairs, (N, M), as ‖a‖² − 2 a·b + ‖b‖², 0 or more."""
    products = a_NF @ b_MF.T
    squares = a_NF.square().sum(1)[:, None] + b_MF.square().sum(1)[None, :]
    return (squares - 2 * products).clamp_(min=0.0)


class _Comparison:
    """Comparison in two stages: radii of all balls, then which points lie in which."""

    def __init__(self, real_MF: Tensor, fake_NF: Tensor, neighbour: int, coverage_neighbour: int) -> None:
        centre = real_MF.double().mean(0)  # near the origin, products lose fewer digits
        self._real, self._fake = real_MF.double() - centre, fake_NF.double() - centre
        self._k = min(neighbour, len(real_MF) - 1)
        self._k_fake = min(neighbour, len(fake_NF) - 1)
        self._k_cover = min(coverage_neighbour, len(real_MF) - 1)
        self._real_radii, self._cover_radii = self._real.new_zeros(len(real_MF)), self._real.new_zeros(len(real_MF))
        self._fake_radii, self._balls_N = self._fake.new_zeros(len(fake_NF)), self._fake.new_zeros(len(fake_NF))
        self._precise_N = torch.zeros_like(self._balls_N, dtype=torch.bool)
        self._recalled_M = torch.zeros_like(self._real_radii, dtype=torch.bool)
        self._covered_M = torch.zeros_like(self._recalled_M)

    def stages(self) -> Iterator[tuple[int, Callable[[slice], None]]]:
        """Stages: number of items and what processes a slice of them."""
        yield len(self._real), self._measure_real
        yield len(self._fake), self._measure_fake
        yield len(self._fake), self._count

    def _measure_real(self, rows: slice) -> None:
        nearest = _nearest_others(self._real, rows, max(self._k, self._k_cover))
        self._real_radii[rows] = nearest[:, self._k]
        self._cover_radii[rows] = nearest[:, self._k_cover]

    def _measure_fake(self, rows: slice) -> None:
        self._fake_radii[rows] = _nearest_others(self._fake, rows, self._k_fake)[:, self._k_fake]

    def _count(self, rows: slice) -> None:
        distances_NM = squared_distances(self._fake[rows], self._real)
        self._precise_N[rows] = (distances_NM <= self._real_radii).any(1)
        inside_NM = distances_NM <= self._cover_radii
        self._balls_N[rows] = inside_NM.sum(1).double()
        self._covered_M |= inside_NM.any(0)
        self._recalled_M |= (distances_NM <= self._fake_radii[rows][:, None]).any(0)

    def result(self) -> Supports:
        balls, k = self._balls_N, max(self._k_cover, 1)
        spread = float(balls.std()) if len(balls) > 1 else math.nan
        return Supports(
            _share(self._precise_N),
            _share(self._recalled_M),
            Share(float(balls.mean()) / k, spread / k / math.sqrt(len(balls))),
            _share(self._covered_M),
        )


def _share(found: Tensor) -> Share:
    """Share of true values with its binomial standard error."""
    value = float(found.double().mean())
    return Share(value, math.sqrt(value * (1 - value) / len(found)))


def _nearest_others(points_NF: Tensor, rows: slice, count: int) -> Tensor:
    """Squared distances of some points to themselves (0) and their nearest others, rising: (n, count + 1)."""
    distances = squared_distances(points_NF[rows], points_NF)
    own = torch.arange(rows.start, rows.stop, device=points_NF.device)
    distances[own - rows.start, own] = -1.0  # the point itself comes first, before its duplicates
    nearest = distances.topk(count + 1, dim=1, largest=False, sorted=True).values
    nearest[:, 0] = 0.0
    return nearest
