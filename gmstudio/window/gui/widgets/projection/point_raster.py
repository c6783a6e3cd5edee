"""Points drawn into an 8-bit picture by numpy, fast enough to pan 60,000 of them without a graphics card.

Each pixel of the picture is a number of a colour table. A point is a *stamp*, the offsets of its pixels; all points are
drawn at once for each offset, so that the cost is that of some tens of indexed assignments.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

GROUND = 0
"""Number of the background's colour."""
LARGEST_STAMP = 15


@cache
def stamp_offsets(diameter: int) -> NDArray[np.int64]:
    """Return the offsets (row, column) of the pixels of a disc, (P, 2)."""
    diameter = max(1, min(diameter, LARGEST_STAMP))
    steps = np.arange(diameter)
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    middle, radius = (diameter - 1) / 2, diameter / 2
    inside = np.square(rows - middle) + np.square(columns - middle) <= radius**2 + 0.1 * (diameter > 2)
    return np.stack([rows[inside], columns[inside]], 1) - (diameter - 1) // 2


class PointRaster:
    """Picture of points, drawn anew for each view into memory that is kept."""

    def __init__(self) -> None:
        self._buffer = np.zeros((0, 0), np.uint8)

    def draw(
        self,
        pixels: NDArray[np.float32],
        codes: NDArray[np.uint8],
        width: int,
        height: int,
        diameter: int,
        large: NDArray[np.bool_] | None = None,
    ) -> QImage:
        """Draw points; where some overlap, each pixel has the colour of one of them.

        Args:
            pixels: (N, 2) columns and rows; points outside the picture are left out.
            codes: (N,) numbers of their colours; ``GROUND``: the point is hidden.
            width: of the picture.
            height: of the picture.
            diameter: of the points, pixels.
            large: (N,) points that are drawn after all others, two pixels larger; None: none.

        Returns:
            The picture, ``Format_Indexed8`` without a colour table; valid until the next call.
        """
        margin = LARGEST_STAMP
        shape = (height + 2 * margin, -(-(width + 2 * margin) // 4) * 4)  # Qt wants rows of whole 4 bytes
        if self._buffer.shape != shape:
            self._buffer = np.zeros(shape, np.uint8)
        else:
            self._buffer.fill(GROUND)
        seen = visible_points(pixels, codes, width, height, diameter)
        if large is None:
            self._stamp(pixels[seen], codes[seen], diameter)
        else:
            small, big = seen[~large[seen]], seen[large[seen]]
            self._stamp(pixels[small], codes[small], diameter)
            self._stamp(pixels[big], codes[big], diameter + 2)
        stride = shape[1]
        first = margin * stride + margin
        return QImage(self._buffer.reshape(-1)[first:].data, width, height, stride, QImage.Format.Format_Indexed8)

    def _stamp(self, pixels: NDArray[np.float32], codes: NDArray[np.uint8], diameter: int) -> None:
        """Draw points within the margin."""
        if not len(pixels):
            return
        stride = self._buffer.shape[1]
        corner = np.floor(pixels).astype(np.int64) + LARGEST_STAMP
        flat = corner[:, 1] * stride + corner[:, 0]
        target = self._buffer.reshape(-1)
        for row, column in stamp_offsets(diameter).tolist():
            target[flat + (row * stride + column)] = codes


def visible_points(
    pixels: NDArray[np.float32], codes: NDArray[np.uint8], width: int, height: int, margin: int = 0
) -> NDArray[np.int64]:
    """Return the numbers of the points that are within the picture, or ``margin`` (at most 7) beyond it, and shown."""
    margin = min(margin, LARGEST_STAMP // 2)
    x, y = pixels[:, 0], pixels[:, 1]
    inside = (x >= -margin) & (x < width + margin) & (y >= -margin) & (y < height + margin) & (codes != GROUND)
    return np.flatnonzero(inside)


def nearest_point(pixels: NDArray[np.float32], codes: NDArray[np.uint8], x: float, y: float, reach: float) -> int:
    """Return the number of the shown point nearest to a pixel, at most ``reach`` away; −1: there is none."""
    near = np.flatnonzero((np.abs(pixels[:, 0] - x) <= reach) & (np.abs(pixels[:, 1] - y) <= reach) & (codes != GROUND))
    if not len(near):
        return -1
    squares = np.square(pixels[near] - np.array([x, y], np.float32)).sum(1)
    best = int(squares.argmin())
    return int(near[best]) if squares[best] <= reach**2 else -1
