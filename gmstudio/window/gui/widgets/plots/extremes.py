"""Smallest and largest values of a growing curve, block by block, so that a view of it costs what its width resolves.

Blocks of ``BLOCK`` points are joined by ``FACTOR`` to larger ones, and so on: whatever part of a curve of a million
points is in view, a few thousand numbers are read. Blocks have the same places in every view, so that a curve that is
moved keeps its shape.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
FACTOR = 8
SAMPLED = 32
"""Values that stand for a curve beside its extreme ones."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Extremes:
    """Places of the smallest and the largest value of each whole block of a curve; a gap (NaN) counts as neither.

    Attributes:
        count: points that were taken.
    """

    def __init__(self) -> None:
        self.count = 0
        self._lowest: list[Places] = []
        self._highest: list[Places] = []

    def extend(self, values: Floats) -> None:
        """Take the points that are new.

        Args:
            values: (n,), all points; those that were taken before are the same.
        """
        self.count = len(values)
        level, size = 0, BLOCK
        while self.count // size:
            if level == len(self._lowest):
                self._lowest.append(np.zeros(0, np.int64))
                self._highest.append(np.zeros(0, np.int64))
            known, whole = len(self._lowest[level]), self.count // size
            if whole > known:
                low, high = self._of_points(values, known, whole) if level == 0 else self._of_blocks(values, level)
                self._lowest[level] = np.concatenate([self._lowest[level], low])
                self._highest[level] = np.concatenate([self._highest[level], high])
            level, size = level + 1, size * FACTOR

    def places(self, values: Floats, start: int, stop: int, size: int) -> Places:
        """Return the places of the smallest and the largest value of each block in a part of the curve, in their order.

        Args:
            values: (n,), all points.
            start: of the part; the block that holds it is whole.
            stop: end of the part; the block that holds its last point is whole, too.
            size: of the blocks, ``BLOCK`` at least.

        Returns:
            Two places for each block, rising, and that of the last point of the part where it comes after them.
        """
        level, block = 0, BLOCK
        while block * FACTOR <= size and level + 1 < len(self._lowest):
            level, block = level + 1, block * FACTOR
        joined = -(-size // block)
        first = start // (joined * block) * joined
        end = min(-(-stop // (joined * block)) * joined, len(self._lowest[level]) if self._lowest else 0)
        whole = max(end - first, 0) // joined * joined
        low = self._joined(self._lowest, values, level, first, whole, joined)
        high = self._joined(self._highest, values, level, first, whole, joined)
        pairs = np.stack([np.minimum(low, high), np.maximum(low, high)], 1).ravel()
        rest = (first + whole) * block
        if rest < stop:
            blocks = slice(first + whole, end)
            tail = [self._lowest[level][blocks], self._highest[level][blocks]] if self._lowest else []
            left = np.concatenate([*tail, np.arange(max(end, first) * block, stop)]).astype(np.int64)
            ends = sorted((int(left[_lowest(values[left][None])[0]]), int(left[_highest(values[left][None])[0]])))
            pairs = np.concatenate([pairs, ends]).astype(np.int64)
        return pairs if pairs[-1] >= stop - 1 else np.append(pairs, stop - 1)

    def sample(self, values: Floats) -> Floats:
        """Return some finite values of the curve: the smallest, the largest, those nearest to zero, and others.

        Args:
            values: (n,), all points.

        Returns:
            (m,) values, m at most ``SAMPLED`` and some; the same ones wherever the curve is looked at.
        """
        if len(values) <= BLOCK or not self._lowest:
            return values[np.isfinite(values)]
        top = max(level for level, places in enumerate(self._lowest) if len(places))
        after = values[len(self._lowest[top]) * BLOCK * FACTOR**top :][-BLOCK * FACTOR :]
        ends = np.concatenate([values[self._lowest[top]], values[self._highest[top]], after])
        spread = values[np.linspace(0, len(values) - 1, SAMPLED).astype(np.int64)]
        ends = ends[np.isfinite(ends)]
        chosen = ends[[ends.argmin(), ends.argmax(), np.abs(ends).argmin()]] if len(ends) else ends
        return np.concatenate([spread[np.isfinite(spread)], chosen])

    def _of_points(self, values: Floats, known: int, whole: int) -> tuple[Places, Places]:
        blocks = values[known * BLOCK : whole * BLOCK].reshape(-1, BLOCK)
        starts = np.arange(known, whole) * BLOCK
        return starts + _lowest(blocks), starts + _highest(blocks)

    def _of_blocks(self, values: Floats, level: int) -> tuple[Places, Places]:
        known, whole = len(self._lowest[level]), len(self._lowest[level - 1]) // FACTOR
        count = (whole - known) * FACTOR
        return (
            self._joined(self._lowest, values, level - 1, known * FACTOR, count, FACTOR),
            self._joined(self._highest, values, level - 1, known * FACTOR, count, FACTOR),
        )

    def _joined(
        self, ends: list[Places], values: Floats, level: int, first: int, count: int, joined: int
    ) -> NDArray[Any]:
        """Join blocks: places of the smallest or the largest values of ``joined`` of them at a time."""
        if not count:
            return np.zeros(0, np.int64)
        places = ends[level][first : first + count].reshape(-1, joined)
        if joined == 1:
            return places[:, 0]
        within = _lowest(values[places]) if ends is self._lowest else _highest(values[places])
        return places[np.arange(len(places)), within]


def _lowest(blocks: Floats) -> Places:
    """Place of the smallest value in each row, gaps left out; the first place in a row of gaps."""
    places: Places = blocks.argmin(1)
    gaps = _found_gaps(blocks, places)
    places[gaps] = np.where(np.isnan(blocks[gaps]), np.inf, blocks[gaps]).argmin(1)
    return places


def _highest(blocks: Floats) -> Places:
    """Place of the largest value in each row, gaps left out; the first place in a row of gaps."""
    places: Places = blocks.argmax(1)
    gaps = _found_gaps(blocks, places)
    places[gaps] = np.where(np.isnan(blocks[gaps]), -np.inf, blocks[gaps]).argmax(1)
    return places


def _found_gaps(blocks: Floats, places: Places) -> Places:
    """Rows in which a gap was found, which numpy takes for both the smallest and the largest value."""
    return np.flatnonzero(np.isnan(blocks[np.arange(len(blocks)), places]))
