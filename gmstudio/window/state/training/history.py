"""Curves of a run in the window: growing arrays by split and name."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.runs import HistoryAppended

FIRST_CAPACITY = 1024


class Curve:
    """Points of one curve in the order of their steps, in arrays that double when they are full."""

    def __init__(self) -> None:
        self._steps = np.empty(FIRST_CAPACITY, np.int64)
        self._values = np.empty(FIRST_CAPACITY, np.float64)
        self._count = 0
        self.generation = 0
        """Number of times that points were replaced, which invalidates what was computed from them."""

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> NDArray[np.int64]:
        """(n,) increasing training steps; a view."""
        return self._steps[: self._count]

    @property
    def values(self) -> NDArray[np.float64]:
        """(n,) values; a view."""
        return self._values[: self._count]

    @property
    def last(self) -> float:
        """Newest value; NaN while there is none."""
        return float(self._values[self._count - 1]) if self._count else float("nan")

    def append(self, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Add points; earlier points at or after their first step are replaced, as after a resume from a checkpoint."""
        if not len(steps):
            return
        keep = int(np.searchsorted(self.steps, steps[0]))
        if keep < self._count:
            self.generation += 1
        end = keep + len(steps)
        if end > len(self._steps):
            self._grow(end)
        self._steps[keep:end] = steps
        self._values[keep:end] = values
        self._count = end

    def _grow(self, needed: int) -> None:
        """Allocate larger arrays; views of the old ones stay valid."""
        capacity = max(needed, 2 * len(self._steps))
        steps, values = np.empty(capacity, np.int64), np.empty(capacity, np.float64)
        steps[: self._count], values[: self._count] = self.steps, self.values
        self._steps, self._values = steps, values


class RunHistory:
    """All curves of a run, by split (``train``, ``valid``) and name."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], Curve] = {}

    def merge(self, event: HistoryAppended) -> None:
        """Add new points; with ``reset`` they replace all earlier points."""
        if event.reset:
            self._curves = {}
        for series in event.series:
            curve = self._curves.setdefault((series.split, series.name), Curve())
            curve.append(series.steps.numpy(), series.values.numpy())

    def curve(self, split: str, name: str) -> Curve | None:
        """Return a curve; None where nothing was recorded."""
        return self._curves.get((split, name))

    def names(self) -> list[str]:
        """Return the names of all curves, in the order of their first points."""
        return list(dict.fromkeys(name for _, name in self._curves))

    def last(self, split: str, name: str) -> float:
        """Return the newest value of a curve; NaN where there is none."""
        curve = self.curve(split, name)
        return curve.last if curve is not None else float("nan")

    def recent(self, split: str, name: str, count: int = 9) -> float:
        """Return the median of a curve's newest values, for noisy measurements; NaN where there are none."""
        curve = self.curve(split, name)
        return float(np.median(curve.values[-count:])) if curve is not None and len(curve) else float("nan")

    def last_step(self) -> int:
        """Return the newest step of all curves; 0 without points."""
        return max((int(curve.steps[-1]) for curve in self._curves.values() if len(curve)), default=0)

    def best(self, name: str) -> tuple[int, float] | None:
        """Return step and value of the lowest finite validation value; None without one."""
        curve = self.curve("valid", name)
        if curve is None or not np.isfinite(curve.values).any():
            return None
        index = int(np.nanargmin(np.where(np.isfinite(curve.values), curve.values, np.nan)))
        return int(curve.steps[index]), float(curve.values[index])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._curves)
