"""Exact probabilities of the cells of a grid under sums of separable densities.

Shapes: K components, L₁ columns (x₁), L₂ rows (x₂), Y classes.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_DEVIATION = 1e-9
"""In sides of the window; a component without noise is a point of its cell."""
_TABLE_END, _PER_UNIT = 9, 64
_TABLE = np.array([0.5 * math.erfc(-(i / _PER_UNIT - _TABLE_END) / math.sqrt(2)) for i in range(18 * _PER_UNIT + 1)])
"""Φ from −9 to 9."""


@dataclass(frozen=True, eq=False)
class Components:
    """Uniform boxes (or points) with Gaussian noise, independent in x₁ and x₂.

    Args:
        weights: (K,) 0 or more.
        centres: (K, D), D 1 or 2.
        deviations: (K, D) standard deviations of the noise, 0 or more.
        widths: (K, D) sides of the boxes; 0: a point.
        classes: (K,) int64, 0 … Y-1.
    """

    weights: Floats
    centres: Floats
    deviations: Floats
    widths: Floats
    classes: NDArray[np.int64]

    @classmethod
    def gaussians(
        cls, weights: Floats, centres: Floats, deviations: Floats, classes: NDArray[np.int64] | None = None
    ) -> "Components":
        """Gaussians, whose deviations may be one for all, one for each, or (K, D)."""
        spread = np.broadcast_to(
            np.asarray(deviations, float).reshape(len(np.atleast_1d(deviations)), -1), centres.shape
        )
        if classes is None:
            classes = np.zeros(len(weights), np.int64)
        return cls(weights, centres, spread, np.zeros_like(centres), classes)


def cell_probabilities(components: Components, ends: tuple[tuple[float, float], ...], levels: int) -> Floats:
    """Probability of each class and cell, (Y, L₂, L₁), or (Y, 1, L) of one dimension; their sum is 1.

    What lies outside the grid is cut off, and the rest is divided by its sum.

    Args:
        components: K components with D dimensions.
        ends: of the D axes.
        levels: cells of each axis.
    """
    masses = [
        _masses(components.centres[:, d], components.deviations[:, d], components.widths[:, d], *ends[d], levels)
        for d in range(len(ends))
    ]
    along, across = masses[0], masses[1] if len(masses) > 1 else np.ones((len(components.weights), 1))
    num_classes = int(components.classes.max()) + 1
    probabilities = np.empty((num_classes, across.shape[1], levels))
    for label in range(num_classes):
        own = components.classes == label
        probabilities[label] = (across[own] * components.weights[own, None]).T @ along[own]
    return normalized(probabilities)


def normalized(masses: Floats) -> Floats:
    """Divide by the sum, which is not 0."""
    total = masses.sum()
    assert total > 0, total
    result: Floats = masses / total
    return result


def _masses(centres: Floats, deviations: Floats, widths: Floats, low: float, high: float, levels: int) -> Floats:
    """(K, L) mass of each cell: differences of the distribution functions at the edges of the cells."""
    edges = np.linspace(low, high, levels + 1)
    deviations = np.maximum(deviations, LEAST_DEVIATION * (high - low))
    result: Floats = np.maximum(np.diff(_distribution(edges, centres, deviations, widths), axis=1), 0.0)
    return result


def _distribution(edges: Floats, centres: Floats, deviations: Floats, widths: Floats) -> Floats:
    """(K, E) distribution functions at the edges.

    A uniform box of side w with noise σ has, from Φ's integral ∫Φ = uΦ(u) + φ(u) =: I(u),
    F(x) = σ/w · [I((x − c + w/2) / σ) − I((x − c − w/2) / σ)].
    """
    places = edges[None, :] - centres[:, None]
    spread, width = deviations[:, None], widths[:, None]
    if not widths.any():
        return normal_distribution(places / spread)
    box = spread / width * (_integral((places + width / 2) / spread) - _integral((places - width / 2) / spread))
    result: Floats = np.clip(box, 0.0, 1.0)
    return result


def _integral(u: Floats) -> Floats:
    result: Floats = u * normal_distribution(u) + _normal_density(u)
    return result


def normal_distribution(z: Floats) -> Floats:
    """Φ(z), the standard normal distribution function, to 1e-15: its Taylor series of order 6 around a table.

    The derivatives are those of the density φ, Hermite's polynomials times φ.
    """
    near = np.clip(z, -_TABLE_END, _TABLE_END)
    index = np.rint((near + _TABLE_END) * _PER_UNIT).astype(int)
    base = index / _PER_UNIT - _TABLE_END
    step, square = near - base, base * base
    hermite = (
        1.0,
        -base,
        square - 1,
        base * (3 - square),
        square * (square - 6) + 3,
        base * (square * (10 - square) - 15),
    )
    series = np.zeros_like(step)
    for order in range(len(hermite), 0, -1):
        series = (series + hermite[order - 1]) * step / order
    result: Floats = _TABLE[index] + _normal_density(base) * series
    return result


def _normal_density(z: Floats) -> Floats:
    result: Floats = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return result
