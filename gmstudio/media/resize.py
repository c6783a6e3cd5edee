"""Area resampling: each new pixel is the mean of the area that it covers, weighted by overlap.

Shapes: N images, R rows and S columns before, H rows and W columns after.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_CHUNK_PIXELS = 1 << 21
"""Pixels that are resized at a time, so that large images take no more memory than small ones."""


def resized_shape(height: int, width: int, new_height: int) -> tuple[int, int]:
    """(height, width) for ``new_height`` rows with the columns in proportion, at least one."""
    return new_height, max(1, round(width * new_height / height))


def resize(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize grey images (N, R, S) to (N, height, width), rounded to whole intensities."""
    _, rows, columns = images.shape
    weights_HR = area_weights(rows, height, Fraction(height, rows))
    weights_WS = area_weights(columns, width, Fraction(width, columns))
    resized = np.empty((len(images), height, width), dtype=np.uint8)
    chunk = max(1, _CHUNK_PIXELS // (rows * columns))
    for start in range(0, len(images), chunk):
        part = images[start : start + chunk].astype(np.float32)
        resized[start : start + len(part)] = np.rint(resample(part, weights_HR, weights_WS))
    return resized


def area_weights(old: int, new: int, scale: Fraction) -> Floats:
    """Share of each new pixel that each old pixel covers, along one axis, after scaling about the centre.

    Args:
        old: pixels before.
        new: pixels after.
        scale: new pixels per old pixel. Below ``new / old``, the outer new pixels are covered in part or not at all;
            above it, the outer old pixels are cut off.

    Returns:
        (new, old); a row sums to 1 where the new pixel is fully covered.
    """
    start = float((old - new / scale) / 2)
    edges = start + np.arange(new + 1) * float(1 / scale)
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: Floats = (np.maximum(overlap, 0) * float(scale)).astype(np.float32)
    return weights


def resample(images: Floats, weights_HR: Floats, weights_WS: Floats) -> Floats:
    """(N, R, S) → (N, H, W): weighted sums along the rows and the columns.

    Args:
        images: (N, R, S).
        weights_HR: of the rows, see ``area_weights``.
        weights_WS: of the columns.
    """
    resampled: Floats = weights_HR @ (images @ weights_WS.T)
    return resampled
