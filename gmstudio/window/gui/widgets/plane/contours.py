"""Contour lines of a map by marching squares, as separate segments."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NONE = (-1, -1)
# Edges that segments join, by the case of a cell. Edges: 0 lower, 1 right, 2 upper, 3 left. Case: the sum over corners
# above the level of 1 lower left, 2 lower right, 4 upper right, 8 upper left. Saddles (5, 10) have a second segment.
_LOWER_HALF = (_NONE, (3, 0), (0, 1), (3, 1), (1, 2), (3, 0), (0, 2), (3, 2))
_UPPER_HALF = ((2, 3), (0, 2), (0, 1), (1, 2), (1, 3), (0, 1), (3, 0), _NONE)
_FIRST = np.array((*_LOWER_HALF, *_UPPER_HALF))
_SECOND = {5: (1, 2), 10: (2, 3)}


def contour_levels(values: NDArray[np.floating], count: int) -> Floats:
    """Levels of contour lines.

    A map of one sign has them at equal ratios, each half of the one above and the highest at three quarters of the
    largest value, so that a narrow peak leaves lines for what is low; a map of both signs has them at equal distances.

    Args:
        values: array of any shape; NaN is ignored.
        count: number of levels.

    Returns:
        (count,) rising; none when all values are equal.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    if count < 1 or not known.size or known.max() <= known.min():
        return np.zeros(0)
    low, high = float(known.min()), float(known.max())
    if low >= 0:
        return np.array([0.75 * high * 0.5**step for step in range(count - 1, -1, -1)])
    return np.linspace(low, high, count + 2)[1:-1].astype(np.float64)


def contour_segments(values: NDArray[np.floating], level: float) -> Floats:
    """Segments of one contour line.

    Args:
        values: (R, C) at the points of a grid; cells with a NaN are left out.
        level: of the line.

    Returns:
        (S, 2, 2): two ends of each segment, column and row in the units of the grid.
    """
    above = (values >= level).view(np.int8)
    cases = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    rows, columns = np.nonzero((cases > 0) & (cases < 15))
    cases = cases[rows, columns]
    corners = [values[rows + down, columns + right].astype(np.float64) for down in (0, 1) for right in (0, 1)]
    crossings = _crossings(corners, level, rows, columns)
    cells = np.arange(len(cases))
    parts = [crossings[cells[:, None], _FIRST[cases]]]
    parts += [crossings[cells[cases == case]][:, list(edges)] for case, edges in _SECOND.items()]
    found = np.concatenate(parts)
    known: Floats = found[np.isfinite(found).all((1, 2))]
    return known


def _crossings(corners: list[Floats], level: float, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Places (S, 4, 2) where the line crosses the four edges of cells; without a meaning where it does not."""
    low_left, low_right, high_left, high_right = corners
    places = np.empty((len(rows), 4, 2))
    places[:, 0] = np.stack([columns + _share(low_left, low_right, level), rows], axis=1)
    places[:, 1] = np.stack([columns + 1, rows + _share(low_right, high_right, level)], axis=1)
    places[:, 2] = np.stack([columns + _share(high_left, high_right, level), rows + 1], axis=1)
    places[:, 3] = np.stack([columns, rows + _share(low_left, high_left, level)], axis=1)
    return places


def _share(a: Floats, b: Floats, level: float) -> Floats:
    shares: Floats = (level - a) / np.where(b == a, 1.0, b - a)
    return shares
