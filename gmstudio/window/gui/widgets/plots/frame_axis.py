"""Horizontal axis of a plot over frames."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph  # type: ignore[import-untyped]

LABEL_GAP_LETTERS = 9
"""Smallest distance of two numbers on the axis, in digits of its type."""
STEPS = (1, 2, 5)
EVEN = 2.0
"""Ratio of the largest to the smallest distance of two frames' numbers up to which round numbers are labelled."""


class FrameAxis(pyqtgraph.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Horizontal axis that can write other numbers than the coordinates of frames: rising, falling, or uneven ones."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._positions: tuple[int, ...] | None = None
        self.digit_px = 7.0
        """Width of a digit."""

    def set_positions(self, positions: Sequence[int] | None) -> None:
        """Set the number of each frame 0, 1, …; None: the coordinates."""
        new = None if positions is None else tuple(positions)
        if new != self._positions:
            self._positions = new
            self.picture = None
            self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float | None, list[float]]]:
        """Coordinates to label between two others, on an axis of some pixels; called by pyqtgraph."""
        if self._positions is None or len(self._positions) < 2:
            ticks: list[tuple[float | None, list[float]]] = super().tickValues(low, high, size)
            return ticks
        most = max(2, int(size / (LABEL_GAP_LETTERS * self.digit_px)))
        return [(None, frame_ticks(self._positions, low, high, most))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Write the ticks; one beyond the frames has no number."""
        if self._positions is None:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        last = len(self._positions) - 1
        numbers = np.interp(values, range(last + 1), self._positions) if last >= 0 else np.zeros(len(values))
        return [f"{round(n):,}" if 0 <= v <= last else "" for v, n in zip(values, numbers.tolist(), strict=True)]


def frame_ticks(positions: Sequence[int], low: float, high: float, most: int) -> list[float]:
    """Coordinates of round numbers, where frames are evenly spaced in these; else of every n-th frame.

    Args:
        positions: number of each frame, at the coordinates 0, 1, ….
        low: smallest coordinate in view.
        high: largest coordinate in view.
        most: largest number of ticks, at least 2.
    """
    first, last = max(0, math.ceil(low)), min(len(positions) - 1, math.floor(high))
    if first > last:
        return []
    gaps = np.diff(np.asarray(positions, np.float64))
    even = bool((gaps > 0).all() or (gaps < 0).all()) and np.abs(gaps).max() <= EVEN * np.abs(gaps).min()
    if not even:
        every = math.ceil((last - first + 1) / most)
        return [float(frame) for frame in range(first, last + 1, every)]
    ends = sorted((positions[first], positions[last]))
    step = _round_step((ends[1] - ends[0]) / most)
    numbers = np.arange(math.ceil(ends[0] / step), math.floor(ends[1] / step) + 1) * step
    frames = np.arange(len(positions))
    rising = (positions, frames) if gaps[0] > 0 else (positions[::-1], frames[::-1])
    return sorted(np.interp(numbers, *rising).tolist())


def _round_step(least: float) -> int:
    """Smallest of the whole numbers 1, 2, 5, 10, 20, … that is not below ``least``."""
    power = 10 ** max(0, math.floor(math.log10(least))) if least > 1 else 1
    return next(step * power for step in (*STEPS, 10) if step * power >= least)
