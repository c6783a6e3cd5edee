r"""Distances of a surface from the true distribution, and its likelihood of points, in nats.

    H(p*) = -Σ p* log p*,   H(p*, p) = -Σ p* log p = H(p*) + KL(p* ‖ p),   KL(p ‖ p*) = Σ p log p / p*.

Far from the data p* is so small that it is rounded to 0, where KL(p ‖ p*) would be infinite for almost any model; p* is
taken as at least 1e-12 in each cell there. A histogram has empty cells by chance; a hundredth of its mass is spread
evenly first.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.counting import smoothed
from gmstudio.engine.plane.grid import Grid, PlaneGrid
from gmstudio.engine.plane.surface import Surface
from gmstudio.protocol.plane import SurfaceMetrics

TRUTH_FLOOR = 1e-12
UNKNOWN = SurfaceMetrics(
    entropy=math.nan,
    cross_entropy=math.nan,
    forward_kl=math.nan,
    reverse_kl=math.nan,
    train_nll=math.nan,
    valid_nll=math.nan,
    mass=math.nan,
)


@dataclass(frozen=True, eq=False)
class Reference:
    """What surfaces of models of one data set are compared with.

    Args:
        truth: p*, (R, L); None: it is unknown.
        train_share: share of the training points in each cell, (M,); None: there are none.
        valid_share: the same of validation points.
    """

    truth: Grid | None
    train_share: NDArray[np.float64] | None
    valid_share: NDArray[np.float64] | None

    @classmethod
    def of(cls, grid: PlaneGrid, dataset: Dataset) -> "Reference":
        """Reference of a data set of points."""
        return cls(dataset.truth, _shares(grid, dataset, "train"), _shares(grid, dataset, "valid"))

    def measure(self, surface: Surface) -> SurfaceMetrics:
        """Measure a surface."""
        mass = float(surface.values.sum())
        p = smoothed(surface.values) if surface.method == "histogram" else surface.values
        with np.errstate(divide="ignore"):
            log_p = np.log(p)
        nll = {"train_nll": _cross(self.train_share, log_p), "valid_nll": _cross(self.valid_share, log_p)}
        if self.truth is None:
            unknown = dict.fromkeys(("entropy", "cross_entropy", "forward_kl", "reverse_kl"), math.nan)
            return SurfaceMetrics(**unknown, **nll, mass=mass)
        with np.errstate(divide="ignore"):
            log_truth = np.log(self.truth)
            log_floor = np.log(np.maximum(self.truth, TRUTH_FLOOR))
        entropy, cross = _cross(self.truth, log_truth), _cross(self.truth, log_p)
        share = p / p.sum() if mass > 0 else p
        reverse = _cross(share, log_floor) - _cross(share, log_p) - math.log(p.sum()) if mass > 0 else math.nan
        return SurfaceMetrics(
            entropy=entropy, cross_entropy=cross, forward_kl=cross - entropy, reverse_kl=reverse, mass=mass, **nll
        )


def _cross(weights: NDArray[np.float64] | None, log_p: Grid) -> float:
    """Return −Σ w log p over the cells that have a weight; NaN without weights."""
    if weights is None:
        return math.nan
    flat, log_flat = weights.reshape(-1), log_p.reshape(-1)
    there = flat > 0
    return float(-(flat[there] * log_flat[there]).sum())


def _shares(grid: PlaneGrid, dataset: Dataset, split: str) -> NDArray[np.float64] | None:
    images = dataset.split(split).images
    if not len(images):
        return None
    return np.bincount(grid.cells(images), minlength=grid.num_cells) / len(images)
