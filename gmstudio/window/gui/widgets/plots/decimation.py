"""Decimation of long curves for drawing, and smoothing of noisy ones."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK = 256
DECAY = 3
"""η of the polynomial-decay average of the first values."""
SMALLEST_POWER = 1e-100
"""Lower bound of the weight of a block's first value, so that division by it stays exact."""


def decimate(
    x: NDArray[Any], y: NDArray[Any], low: float, high: float, max_points: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Reduce a curve to its visible points: the smallest and the largest value of each bucket, in their order.

    Args:
        x: (n,) rising.
        y: (n,); NaN marks gaps.
        low: left end of the view; one point beyond it is kept.
        high: right end of the view.
        max_points: approximate limit of the number of points, at least 4.

    Returns:
        x and y of the remaining points.
    """
    start = max(_place(x, low, "left") - 1, 0)
    stop = min(_place(x, high, "right") + 1, len(x))
    x, y = x[start:stop], y[start:stop]
    if len(x) <= max_points:
        return x, y
    size = -(-2 * len(x) // max_points)
    whole = len(x) // size * size
    blocks = y[:whole].reshape(-1, size)
    gaps = np.isnan(blocks)
    if gaps.any():  # a gap counts as neither smallest nor largest; a block of gaps keeps its first one
        lowest = np.where(gaps, np.inf, blocks).argmin(1)
        highest = np.where(gaps, -np.inf, blocks).argmax(1)
    else:
        lowest, highest = blocks.argmin(1), blocks.argmax(1)
    offsets = np.arange(len(blocks)) * size
    pairs = np.stack([np.minimum(lowest, highest), np.maximum(lowest, highest)], 1) + offsets[:, None]
    kept = np.append(pairs.ravel(), len(x) - 1)
    return x[kept], y[kept]


def _place(x: NDArray[Any], value: float, side: Literal["left", "right"]) -> int:
    """Insertion index of a value; numpy would convert a whole integer array to float to search for a float."""
    if np.issubdtype(x.dtype, np.integer):
        limits = np.iinfo(x.dtype)
        value = int(min(max(math.ceil(value) if side == "left" else math.floor(value), limits.min), limits.max))
    return int(np.searchsorted(x, x.dtype.type(value), side=side))


def smooth(values: Floats, weight: float) -> Floats:
    """Exponential moving average whose window grows with the number of values, as ``Smoother`` computes it.

    Args:
        values: (n,).
        weight: of the past, from 0 (no smoothing) to below 1.

    Returns:
        The averages, (n,).

    Raises:
        ValueError: for a weight outside [0, 1).
    """
    return Smoother(weight).extend(values)


class Smoother:
    """Incremental moving average: the cost is proportional to the number of new points.

    s_t = s_{t-1} + a_t (v_t - s_{t-1}) with a_t = max(1 - weight, 4 / (t + 3)), t = 1, 2, …

    A constant a_t with Adam's bias correction, which weights the first 1 / (1 - weight) values alike, would lag far
    behind a loss that falls from a high first value. While a_t = 4 / (t + 3), value k has the weight
    k (k + 1) (k + 2): the average forgets the first values as soon as there are others (polynomial-decay averaging,
    Shamir and Zhang 2013, with η = 3). It then continues as an exponential average.

    Args:
        weight: of the past, from 0 to below 1.

    Raises:
        ValueError: for a weight outside [0, 1).
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"The smoothing weight is {weight:g}; it must be at least 0 and below 1.")
        self.weight = weight
        self._growing = int((DECAY + 1) / (1 - weight)) - DECAY
        """Number of values over which the window grows."""
        self._count = 0
        self._sum = 0.0
        self._norm = 0.0

    def extend(self, values: Floats) -> Floats:
        """Smooth the next values; a value that is not finite is replaced by the average so far.

        Args:
            values: (n,), the continuation of those smoothed before.

        Returns:
            The averages, (n,).
        """
        if self.weight == 0 or not len(values):
            return np.array(values, np.float64)
        first = min(len(values), max(0, self._growing - self._count))
        growing, values = values[:first], values[first:]
        size = BLOCK
        while self.weight**size < SMALLEST_POWER:
            size //= 2
        whole = len(values) // size * size
        parts = [
            self._grow(growing),
            self._blocks(values[:whole].reshape(-1, size)),
            self._blocks(values[None, whole:]),
        ]
        return np.concatenate([part.ravel() for part in parts])

    def _grow(self, values: Floats) -> Floats:
        """Average with the weights k (k + 1) (k + 2); what follows continues with the norm 1 / (1 - weight).

        Args:
            values: (n,), of the first ``_growing`` ones.
        """
        if not len(values):
            return values
        k = np.arange(self._count + 1, self._count + len(values) + 1, dtype=np.float64)
        weights = k * (k + 1) * (k + 2)
        finite = np.isfinite(values)
        sums = self._sum + np.cumsum(np.where(finite, values, 0.0) * weights)
        norms = self._norm + np.cumsum(finite * weights)
        self._count += len(values)
        self._sum, self._norm = float(sums[-1]), float(norms[-1])
        if self._count == self._growing and self._norm:
            unit = self._norm * (1 - self.weight)
            self._sum, self._norm = self._sum / unit, self._norm / unit
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums / norms, np.float64)

    def _blocks(self, blocks: Floats) -> Floats:
        """Unroll the recursion within blocks: s_i = w^(i+1) s_before + Σ_j w^(i-j) v_j, a cumulative sum of v_j / w^j.

        Args:
            blocks: (number of blocks, size), one after the other in time.
        """
        if not blocks.size:
            return blocks
        finite = np.isfinite(blocks)
        powers = self.weight ** np.arange(1, blocks.shape[1] + 1)
        sums = powers * np.cumsum(np.where(finite, blocks, 0.0) / powers, axis=1)
        norms = powers * np.cumsum(finite / powers, axis=1)
        before = np.empty((2, len(blocks)))
        last_power = float(powers[-1])
        for index, (total, norm) in enumerate(zip(sums[:, -1].tolist(), norms[:, -1].tolist(), strict=True)):
            before[0, index], before[1, index] = self._sum, self._norm
            self._sum, self._norm = last_power * self._sum + total, last_power * self._norm + norm
        sums += powers * before[0][:, None]
        norms += powers * before[1][:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums / norms, np.float64)
