"""Curves of a run in the window: growing arrays by split and name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.runs import HistoryAppended

FIRST_CAPACITY = 1024


class Curve:
    """Points of one curve in the order of their steps, in arrays that double when they are full.

    Args:
        generation: at first; higher than that of a curve that this one replaces.

    Attributes:
        generation: rises when points are replaced, which invalidates what was computed from them.
    """

    def __init__(self, generation: int = 0) -> None:
        self._steps = np.empty(0, np.int64)
        self._values = np.empty(0, np.float64)
        self._count = 0
        self.generation = generation
        self._lowest = _Lowest(generation)

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
        if not self._count:  # a long history is not copied before it is drawn
            self._steps, self._values = _kept(steps, np.int64), _kept(values, np.float64)
            self._count = len(steps)
            return
        keep = int(np.searchsorted(self.steps, steps[0]))
        if keep < self._count:
            self.generation += 1
        end = keep + len(steps)
        if end > len(self._steps) or not self._steps.flags.writeable:
            self._grow(end)
        self._steps[keep:end] = steps
        self._values[keep:end] = values
        self._count = end

    def _grow(self, needed: int) -> None:
        """Allocate larger arrays; views of the old ones stay valid."""
        capacity = max(needed, 2 * len(self._steps), FIRST_CAPACITY)
        steps, values = np.empty(capacity, np.int64), np.empty(capacity, np.float64)
        steps[: self._count], values[: self._count] = self.steps, self.values
        self._steps, self._values = steps, values

    def lowest(self) -> tuple[int, float] | None:
        """Return step and value of the first lowest finite value; None without one. Only new points are read."""
        if self._lowest.generation != self.generation:
            self._lowest = _Lowest(self.generation)
        found, first = self._lowest, self._lowest.count
        new = self.values[first:]
        if len(new):
            place = first + int(np.where(np.isfinite(new), new, np.inf).argmin())
            value = float(self._values[place])
            if np.isfinite(value) and (found.place < 0 or value < self._values[found.place]):
                found.place = place
            found.count = self._count
        return (int(self._steps[found.place]), float(self._values[found.place])) if found.place >= 0 else None


@dataclass
class _Lowest:
    """Lowest of the first points of a curve.

    Args:
        generation: of the curve.
        count: points that were read.
        place: of the lowest; −1: none is finite.
    """

    generation: int
    count: int = 0
    place: int = -1


class RunHistory:
    """All curves of a run, by split (``train``, ``valid``) and name."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], Curve] = {}
        self._generation = 0

    def merge(self, event: HistoryAppended) -> None:
        """Add new points; with ``reset`` they replace all earlier points."""
        if event.reset and self._curves:
            self._generation = 1 + max(curve.generation for curve in self._curves.values())
            self._curves = {}
        for series in event.series:
            curve = self._curves.setdefault((series.split, series.name), Curve(self._generation))
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
        return curve.lowest() if curve is not None else None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._curves)


def _kept(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Return a view that is not written to, since others may have the array, too."""
    view: NDArray[Any] = np.asarray(array, dtype).view()
    view.flags.writeable = False
    return view
