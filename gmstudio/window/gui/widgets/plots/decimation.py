"""Decimation of long curves for drawing, and smoothing of noisy ones."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK = 256
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
    """Exponential moving average with bias correction (as in Adam).

    s_t = Σ_{k≤t} weight^(t-k) v_k / Σ_{k≤t} weight^(t-k)

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
    """Incremental exponential moving average: the cost is proportional to the number of new points.

    Args:
        weight: of the past, from 0 to below 1.

    Raises:
        ValueError: for a weight outside [0, 1).
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"The smoothing weight is {weight:g}; it must be at least 0 and below 1.")
        self.weight = weight
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
        size = BLOCK
        while self.weight**size < SMALLEST_POWER:
            size //= 2
        whole = len(values) // size * size
        parts = [self._blocks(values[:whole].reshape(-1, size)), self._blocks(values[None, whole:])]
        return np.concatenate([part.ravel() for part in parts])

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
