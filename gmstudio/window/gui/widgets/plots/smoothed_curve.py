"""A growing curve with its smoothed values and the extremes of both, of which only new points are computed."""

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.gui.widgets.plots.decimation import Floats, Smoother
from gmstudio.window.gui.widgets.plots.extremes import Extremes

MAX_GAPS = 64


class SmoothedCurve:
    """What is computed of a curve's points once, whatever part of it is in view.

    Attributes:
        values: (n,) the points, as they were taken.
        raw: extremes of ``values``.
        smoothed: (n,) averages; (0,) where the curve is not smoothed.
        averages: extremes of ``smoothed``.
    """

    def __init__(self) -> None:
        self.values: Floats = np.zeros(0)
        self._generation = 0
        self._begin()

    def _begin(self) -> None:
        self.raw = Extremes()
        self._begin_averages(0.0)

    def _begin_averages(self, weight: float) -> None:
        self._smoother = Smoother(weight)
        self._averages: Floats = np.zeros(0)
        self.smoothed: Floats = self._averages
        self.averages = Extremes()

    def take(self, values: Floats, generation: int, weight: float) -> None:
        """Take the points of the curve; those that were taken before are the same in the same generation.

        Args:
            values: (n,).
            generation: a changed number marks that points were replaced.
            weight: of the past, for smoothing; 0: the curve is not smoothed.
        """
        if generation != self._generation or len(values) < self.raw.count:
            self._generation = generation
            self._begin()
        self.values = values
        self.raw.extend(values)
        if weight != self._smoother.weight:
            self._begin_averages(weight)
        if weight > 0:
            self._smooth(values)

    def _smooth(self, values: Floats) -> None:
        known, count = len(self.smoothed), len(values)
        if count > len(self._averages):
            grown = np.empty(max(count, 2 * len(self._averages)))
            grown[:known] = self.smoothed
            self._averages = grown
        self._smoother.extend_into(values[known:], self._averages[known:count])
        self.smoothed = self._averages[:count]
        self.averages.extend(self.smoothed)


def gap_of_steps(steps: NDArray[np.int64]) -> int:
    """Median distance of points, so that curves recorded at every tenth step are not smoothed more than others."""
    first = steps[:MAX_GAPS]
    if len(first) < 2 or first[-1] - first[0] == len(first) - 1:  # a point at each step, as most curves have
        return 1
    return max(int(np.median(np.diff(first))), 1)
