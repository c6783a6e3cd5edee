"""Fréchet distance of two sets of features, how it depends on the number of samples, and its limit.

The distance between Gaussians with the means and covariances of the sets is

    d² = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½

The product is symmetric, so that its eigenvalues are real and its square root is exact where Σ is singular, as it is
with no more samples than features. The estimate from n samples is too large by about c/n; it is computed at n, n/2,
n/4 …, each time over disjoint parts of all samples, and a line in 1/n gives its value for n → ∞.

Errors: at less than all samples the spread of one measurement over the parts; with all samples, and of the limit, the
delete-a-group jackknife.

Sources: Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, arXiv:1706.08500, equation 6; Chong & Forsyth
2020, Effectively Unbiased FID and Inception Score, arXiv:1911.07023, section 3; Efron & Tibshirani 1993, An
Introduction to the Bootstrap, chapter 11 (jackknife).

Shapes: N samples, F features.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.quality.progress import Step, count_steps
from gmstudio.engine.runtime.beside import beside

Floats = NDArray[np.float64]

SMALLEST_PART = 125
"""Samples of the smallest parts."""
MAX_PARTS = 16
MANY_FEATURES, VERY_MANY_FEATURES = 256, 1024


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of features.

    Args:
        mean: (F,).
        covariance: (F, F), unbiased.
        count: number of samples.
    """

    mean: Floats
    covariance: Floats
    count: int

    @classmethod
    def of(cls, features_NF: NDArray[np.floating]) -> "Moments":
        """Moments of at least two samples.

        Raises:
            ValueError: for fewer.
        """
        if len(features_NF) < 2:
            raise ValueError(f"A covariance needs 2 images or more; there is {len(features_NF)}.")
        features = np.asarray(features_NF, np.float64)
        mean = features.mean(0)
        offsets = features - mean
        return cls(mean, offsets.T @ offsets / (len(features) - 1), len(features))


class FrechetReference:
    """Fréchet distances to one set of features.

    Args:
        features_MF: the set, for example of training images.
    """

    def __init__(self, features_MF: NDArray[np.floating]) -> None:
        self.moments = Moments.of(features_MF)
        self._trace = float(np.trace(self.moments.covariance))
        self._root = _root(self.moments.covariance)

    def distance(self, other: Moments) -> float:
        """Compute d², 0 or more up to rounding."""
        product = self._root @ other.covariance @ self._root
        values = np.linalg.eigvalsh((product + product.T) / 2)
        roots = float(np.sqrt(values.clip(min=0.0)).sum())
        shift = float(np.square(self.moments.mean - other.mean).sum())
        return shift + self._trace + float(np.trace(other.covariance)) - 2 * roots


@dataclass(frozen=True, eq=False)
class FrechetCurve:
    """Fréchet distance over the number of samples.

    Args:
        counts: (S,) int64, rising; the last is all samples.
        values: (S,) means over the parts.
        errors: (S,) spread of one measurement; the last is the jackknife's standard error.
        limit: for n → ∞; NaN where there are too few samples.
        limit_error: its standard error; NaN: unknown.
        warning: sentence on too few samples; empty: there are enough.
    """

    counts: NDArray[np.int64]
    values: Floats
    errors: Floats
    limit: float
    limit_error: float
    warning: str

    @property
    def value(self) -> float:
        """With all samples."""
        return float(self.values[-1])

    @property
    def error(self) -> float:
        """Standard error of ``value``."""
        return float(self.errors[-1])


def frechet_distance(real_MF: NDArray[np.floating], fake_NF: NDArray[np.floating]) -> float:
    """Compute the Fréchet distance d² of two sets of features."""
    return FrechetReference(real_MF).distance(Moments.of(fake_NF))


def frechet_curve(
    reference: FrechetReference, features_NF: NDArray[np.floating], seed: int, stage: str = ""
) -> Generator[Step | None, None, FrechetCurve]:
    """Measure the distance over n in threads; yields the progress, and None while they run.

    Args:
        reference: of the real images.
        features_NF: of the samples, at least two.
        seed: of the division into parts.
        stage: of the work, for display.
    """
    count, width = features_NF.shape
    features = np.random.default_rng([seed, 3]).permutation(np.asarray(features_NF, np.float64), axis=0)
    parts, groups = _numbers_of_parts(count, width), _groups(count, width)
    progress = count_steps(stage, sum(parts) * (1 + groups))
    found = yield from _distances(reference, features, parts, progress)
    counts = np.array([count // number for number in parts], np.int64)
    values = np.array([distances.mean() for distances in found])
    without: list[Floats] = []
    for group in range(groups):
        rest = np.delete(features, np.s_[group::groups], axis=0)
        without.append(_means((yield from _distances(reference, rest, parts, progress))))
    errors = np.array([distances.std(ddof=1) if len(distances) > 1 else math.nan for distances in found])
    errors[0] = _jackknife([float(means[0]) for means in without])
    fitted = _fitted(counts, width)
    share = 1 - 1 / groups if groups else 1.0
    limit_error = _jackknife([_limit(counts * share, means, fitted) for means in without])
    warning = "" if count > width else too_few(count, width)
    limit = _limit(counts, values, fitted)
    return FrechetCurve(counts[::-1], values[::-1], errors[::-1], limit, limit_error, warning)


def too_few(count: int, width: int) -> str:
    """Sentence on a covariance that is singular."""
    return (
        f"{count:,} images do not determine the covariance of {width:,} features, so the Fréchet distance is mostly "
        f"bias; take more than {width:,}, or a feature space with fewer features."
    )


def _root(covariance: Floats) -> Floats:
    """Symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(values.clip(min=0.0))) @ vectors.T
    return root


def _numbers_of_parts(count: int, width: int) -> list[int]:
    """Numbers of parts: 1, 2, 4 …, as long as the parts are not too small; fewer of them where each takes long."""
    most = MAX_PARTS if width <= MANY_FEATURES else 8 if width <= VERY_MANY_FEATURES else 4
    numbers = [1]
    while 2 * numbers[-1] <= most and count // (2 * numbers[-1]) >= SMALLEST_PART:
        numbers.append(2 * numbers[-1])
    return numbers


def _groups(count: int, width: int) -> int:
    """Groups of the jackknife; 0 where there are too few samples for one."""
    groups = 10 if width <= MANY_FEATURES else 5 if width <= VERY_MANY_FEATURES else 4
    return groups if count >= 4 * groups else 0


def _distances(
    reference: FrechetReference, features: Floats, parts: list[int], progress: Iterator[Step]
) -> Generator[Step | None, None, list[Floats]]:
    """Distances of disjoint parts, for each number of parts."""
    found: list[Floats] = []
    at_once = MAX_PARTS if features.shape[1] <= MANY_FEATURES else 1  # short ones together: threads wait for the loop
    for number in parts:
        size = len(features) // number
        rows = [features[part * size : (part + 1) * size] for part in range(number)]
        distances: list[float] = []
        for start in range(0, number, at_once):
            some = rows[start : start + at_once]
            distances += yield from beside(partial(_distances_of, reference, some))
            yield [next(progress) for _ in some][-1]
        found.append(np.array(distances))
    return found


def _distances_of(reference: FrechetReference, parts: list[Floats]) -> list[float]:
    return [reference.distance(Moments.of(part)) for part in parts]


def _means(distances: list[Floats]) -> Floats:
    return np.array([some.mean() for some in distances])


def _fitted(counts: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Numbers of samples that the line is fitted to: those of at least twice the features, two or more."""
    fitted = counts >= 2 * width
    fitted[:2] = True
    return fitted


def _limit(counts: NDArray[np.floating] | NDArray[np.int64], values: Floats, fitted: NDArray[np.bool_]) -> float:
    """Value of the least-squares line in 1/n at 0; NaN from a single number of samples."""
    if fitted.sum() < 2:
        return math.nan
    inverse = 1.0 / np.asarray(counts, np.float64)[fitted]
    slope, limit = np.polyfit(inverse / inverse.max(), values[fitted], 1)
    del slope
    return float(limit)


def _jackknife(values: list[float]) -> float:
    """Standard error from the values without each of the groups."""
    if len(values) < 2:
        return math.nan
    spread = np.asarray(values)
    groups = len(spread)
    return math.sqrt((groups - 1) / groups * float(np.square(spread - spread.mean()).sum()))
