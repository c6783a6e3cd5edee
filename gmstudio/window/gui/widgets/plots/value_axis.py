"""Axes of a discrete distribution: the range of values in view, and the heights of probabilities."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MIN_SPAN = 8.0
"""Values in view at the largest zoom."""
FITTED_MASS = 0.999
_SNAP = 4
_TICK_STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
_TOPS = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
_LOWEST_DECADE, _HIGHEST_DECADE = -6, -2
_MAX_TICKS = 5
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ValueAxis:
    """Range of the values 0 … L−1; value v fills [v, v + 1).

    Args:
        levels: L.
        low: left end of the view, 0 ≤ low.
        high: right end, at most L.
    """

    levels: int
    low: float
    high: float

    @classmethod
    def whole(cls, levels: int) -> "ValueAxis":
        """Range of all values."""
        return cls(levels, 0.0, float(levels))

    @property
    def span(self) -> float:
        """Number of values in view."""
        return self.high - self.low

    @property
    def is_whole(self) -> bool:
        """All values are in view."""
        return self.span >= self.levels

    def share(self, value: float) -> float:
        """Position of a point of the axis: 0 at the left end of the view, 1 at the right."""
        return (value - self.low) / self.span

    def value_at(self, share: float) -> int:
        """Value at a position of the view."""
        return max(0, min(self.levels - 1, math.floor(self.low + share * self.span)))

    def visible(self) -> range:
        """Values of which at least a part is in view."""
        return range(max(0, math.floor(self.low)), min(self.levels, math.ceil(self.high)))

    def zoomed(self, factor: float, at: float) -> "ValueAxis":
        """Zoom to ``span / factor`` values; the point ``at`` of the axis keeps its position."""
        span = min(float(self.levels), max(min(MIN_SPAN, self.levels), self.span / factor))
        return self._placed(at - self.share(at) * span, span)

    def panned(self, by: float) -> "ValueAxis":
        """Move the view by a number of values, as far as there are values."""
        return self._placed(self.low + by, self.span)

    def showing(self, value: int) -> "ValueAxis":
        """Move the view by the smallest distance that brings a value into it."""
        if value < self.low:
            return self.panned(value - self.low)
        return self.panned(max(0.0, value + 1 - self.high))

    def fitted(self, *distributions: NDArray[np.floating]) -> "ValueAxis":
        """Range that holds nearly all of the probability of each distribution (L,), with a margin."""
        tail = (1.0 - FITTED_MASS) / 2.0
        ends = np.array([quantiles(p, (tail, 1.0 - tail)) for p in distributions])
        low, high = float(ends[:, 0].min()), float(ends[:, 1].max()) + 1.0
        room = max(2.0, 0.08 * (high - low), (MIN_SPAN - (high - low)) / 2.0)
        low, high = _SNAP * math.floor((low - room) / _SNAP), _SNAP * math.ceil((high + room) / _SNAP)
        low, high = max(0.0, low), min(float(self.levels), high)
        return replace(self, low=low, high=high)

    def ticks(self, most: int) -> list[int]:
        """Round values to label, about ``most`` at the most; the first and last value are included if in view."""
        step = next((s for s in _TICK_STEPS if self.span / s <= max(1, most)), _TICK_STEPS[-1])
        visible = self.visible()
        ticks = [value for value in range(0, self.levels, step) if value in visible]
        if self.levels - 1 in visible and self.levels - 1 not in ticks:
            last = self.levels - 1
            ticks = [value for value in ticks if last - value > step // 2] + [last]
        return ticks

    def _placed(self, low: float, span: float) -> "ValueAxis":
        low = max(0.0, min(low, self.levels - span))
        return replace(self, low=low, high=low + span)


@dataclass(frozen=True)
class ProbabilityAxis:
    """Axis of the probabilities.

    Args:
        top: probability at the upper end.
        floor: probability at the lower end of a logarithmic axis; 0: the axis is linear.
    """

    top: float
    floor: float = 0.0

    @classmethod
    def linear(cls, highest: float) -> "ProbabilityAxis":
        """Linear axis from 0 to a round number not below the highest probability."""
        return cls(next((top for top in _TOPS if highest <= top), 1.0))

    @classmethod
    def logarithmic(cls, lowest: float) -> "ProbabilityAxis":
        """Logarithmic axis from a power of ten not above the lowest probability, within limits, to 1."""
        decade = math.floor(math.log10(lowest)) if lowest > 0 else _LOWEST_DECADE
        return cls(1.0, 10.0 ** min(_HIGHEST_DECADE, max(_LOWEST_DECADE, decade)))

    def heights(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Heights of probabilities (n,), 0 … 1; those beyond an end are clipped to it."""
        exact = probabilities.astype(np.float64)
        if self.floor:
            exact = np.log(np.maximum(exact, self.floor) / self.floor)
            return np.clip(exact / math.log(self.top / self.floor), 0.0, 1.0)
        return np.clip(exact / self.top, 0.0, 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Labels: their heights, 0 … 1, and texts."""
        if not self.floor:
            return [(share, f"{share * self.top:g}") for share in (0.0, 0.5, 1.0)]
        lowest = round(math.log10(self.floor))
        every = math.ceil(-lowest / (_MAX_TICKS - 1))
        decades = range(0, lowest - 1, -every)
        return [(1.0 - decade / lowest, _power_of_ten(decade)) for decade in decades]


def quantiles(probabilities: NDArray[np.floating], shares: tuple[float, ...]) -> list[int]:
    """Quantiles: the first value at which the cumulative probability reaches each share (0 … 1).

    Args:
        probabilities: (L,), summing to about one.
        shares: of the probability.
    """
    cumulative = probabilities.astype(np.float64).cumsum()
    found = np.searchsorted(cumulative, np.array(shares) * cumulative[-1])
    return np.minimum(found, probabilities.size - 1).tolist()  # type: ignore[no-any-return]


def _power_of_ten(decade: int) -> str:
    return {0: "1", -1: "0.1", -2: "0.01"}.get(decade, "10" + str(decade).translate(_SUPERSCRIPTS))
