"""Resizing by area: each new pixel is the mean of the old ones that it covers, so nothing aliases."""

import numpy as np
from numpy.typing import NDArray

_CHUNK_IMAGES = 2048


def resized_shape(height: int, width: int, new_height: int) -> tuple[int, int]:
    """(height, width) for ``new_height`` rows with the columns in proportion, at least one."""
    return new_height, max(1, round(width * new_height / height))


def resize(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize grey images (N, H, W) to (N, height, width), rounded to whole intensities."""
    rows, columns = _area_weights(images.shape[1], height), _area_weights(images.shape[2], width).T
    resized = np.empty((len(images), height, width), dtype=np.uint8)
    for start in range(0, len(images), _CHUNK_IMAGES):
        part = images[start : start + _CHUNK_IMAGES].astype(np.float32)
        resized[start : start + len(part)] = np.rint(rows @ (part @ columns))
    return resized


def _area_weights(old: int, new: int) -> NDArray[np.float32]:
    """(new, old) weights; row i is the share of each old pixel in [i, i + 1) · old / new. Rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    cells = np.arange(old)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    weights: NDArray[np.float32] = (np.maximum(overlap, 0) * (new / old)).astype(np.float32)
    return weights
