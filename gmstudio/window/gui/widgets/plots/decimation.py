"""Decimation of long curves for drawing, and smoothing of noisy ones."""

import math
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.gui.widgets.plots.extremes import BLOCK as SMALLEST_SIZE
from gmstudio.window.gui.widgets.plots.extremes import Extremes

Floats = NDArray[np.float64]
BLOCK = 32
"""Values that one row of a product of matrices smooths."""
PIECE = 1 << 14
"""Values that are smoothed at a time: they stay in the processor's cache, and are too few to start threads for."""
SETTLED = 1e-12
"""Relative distance of the weights' sum from that of an endless curve at which it is taken for that."""
DECAY = 3
"""η of the polynomial-decay average of the first values."""


def decimate(
    x: NDArray[Any], y: NDArray[Any], low: float, high: float, max_points: int, extremes: Extremes | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Reduce a curve to its visible points: the smallest and the largest value of each bucket, in their order.

    Args:
        x: (n,) rising.
        y: (n,); NaN marks gaps.
        low: left end of the view; one point beyond it is kept.
        high: right end of the view.
        max_points: approximate limit of the number of points, at least 4.
        extremes: of ``y``; with them, the cost does not depend on how many points are in view.

    Returns:
        x and y of the remaining points.
    """
    start = max(_place(x, low, "left") - 1, 0)
    stop = min(_place(x, high, "right") + 1, len(x))
    size = -(-2 * (stop - start) // max_points)
    if extremes is not None and size >= SMALLEST_SIZE:
        kept = extremes.places(y, start, stop, size)
        return x[kept], y[kept]
    x, y = x[start:stop], y[start:stop]
    if len(x) <= max_points:
        return x, y
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
        found = np.empty(len(values), np.float64)
        self.extend_into(values, found)
        return found

    def extend_into(self, values: Floats, found: Floats) -> None:
        """Smooth the next values into an array.

        Args:
            values: (n,), the continuation of those smoothed before.
            found: (n,), becomes their averages.
        """
        if self.weight == 0 or not len(values):
            found[:] = values
            return
        first = min(len(values), max(0, self._growing - self._count))
        found[:first] = self._grow(values[:first])
        for start in range(first, len(values), PIECE):
            piece = slice(start, min(start + PIECE, len(values)))
            self._continue(values[piece], found[piece])

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

    def _continue(self, values: Floats, found: Floats) -> None:
        """Average exponentially: sums of weight^(i-j) v_j, divided by those of the weights of finite values.

        Args:
            values: (n,).
            found: (n,), becomes the averages.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            finite = None if math.isfinite(values.sum()) else np.isfinite(values)
        settled = finite is None and abs(self._norm * (1 - self.weight) - 1) < SETTLED
        _unroll(values if finite is None else np.where(finite, values, 0.0), self.weight, self._sum, found)
        self._sum = float(found[-1])
        if settled:
            found *= 1 - self.weight
            return
        norms = np.ones(len(values)) if finite is None else finite.astype(np.float64)
        _unroll(norms.copy(), self.weight, self._norm, norms)
        self._norm = float(norms[-1])
        with np.errstate(invalid="ignore", divide="ignore"):
            found /= norms


def _unroll(values: Floats, weight: float, before: float, sums: Floats) -> None:
    """Compute s_i = weight s_{i-1} + v_i: within blocks as a product with a matrix of powers, between blocks likewise.

    A loop takes a hundred times as long, and a cumulative sum of v_j / weight^j as well.

    Args:
        values: (n,) finite.
        weight: from 0 to below 1.
        before: sum before the first value.
        sums: (n,), becomes the sums.
    """
    whole = len(values) // BLOCK * BLOCK
    if whole:
        blocks = sums[:whole].reshape(-1, BLOCK)
        np.matmul(values[:whole].reshape(-1, BLOCK), _powers_between(weight), out=blocks)
        ends = np.empty(len(blocks) + 1)
        ends[0] = before
        _unroll(blocks[:, -1].copy(), weight**BLOCK, before, ends[1:])
        blocks += np.multiply.outer(ends[:-1], weight ** np.arange(1, BLOCK + 1))
        before = float(ends[-1])
    for place, value in enumerate(values[whole:].tolist(), whole):
        before = weight * before + value
        sums[place] = before


@lru_cache(maxsize=16)
def _powers_between(weight: float) -> Floats:
    """(BLOCK, BLOCK) weight^(column - row), 0 below the diagonal."""
    places = np.arange(BLOCK)
    return np.triu(weight ** np.maximum(places[None] - places[:, None], 0))
