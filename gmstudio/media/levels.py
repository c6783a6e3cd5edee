"""Conversions between levels and intensities: quantization, display values 0 … 255, stochastic binarization."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
_DRAW_SEED = 20160119
_CHUNK_BYTES = 16 * 1024 * 1024


def quantize(intensities: Images, max_value: int, levels: int) -> Images:
    """Cut ``0 … max_value`` into ``levels`` bins of equal width: level = ⌊v · levels / (max_value + 1)⌋.

    Args:
        intensities: any shape, uint8, at most ``max_value``.
        max_value: largest possible intensity, 1 to 255.
        levels: 2 to ``max_value + 1``; 2 is a threshold at one half.
    """
    assert 1 <= max_value <= 255 and 2 <= levels <= max_value + 1
    table = np.minimum(np.arange(256) * levels // (max_value + 1), levels - 1).astype(np.uint8)
    return table[intensities]


def grey_values(levels: int) -> Images:
    """(levels,) grey value of each level: ``0 … levels-1`` spread evenly over 0 … 255, halves rounded up."""
    assert 2 <= levels <= 256
    values: Images = ((np.arange(levels) * 255 + (levels - 1) // 2) // (levels - 1)).astype(np.uint8)
    return values


def to_display(images: NDArray[np.integer[Any]], levels: int) -> Images:
    """Spread levels ``0 … levels-1``, of any shape, evenly over the grey values 0 … 255."""
    shown: Images = grey_values(levels)[images]
    return shown


def to_intensities(values: Images, max_value: int) -> Images:
    """Stretch ``0 … max_value`` to 0 … 255, rounded."""
    return to_display(values, max_value + 1)


def draw_binary(intensities: Images, seed: int = _DRAW_SEED) -> Images:
    """Stochastic binarization: 1 with probability intensity / 255, always the same for one seed.

    Args:
        intensities: any shape, uint8.
        seed: 0 to 2³² − 1.
    """
    drawn: Images = np.array(intensities, order="C")
    for _ in drawing(drawn, seed):
        pass
    return drawn


def drawing(intensities: Images, seed: int = _DRAW_SEED) -> Iterator[int]:
    """Replace intensities by what ``draw_binary`` makes of them, a piece at a time; yields how many are done.

    Args:
        intensities: any shape, uint8, contiguous.
        seed: see ``draw_binary``.
    """
    random = np.random.RandomState(seed)
    flat = intensities.reshape(-1)
    assert np.shares_memory(flat, intensities) or not flat.size
    for start in range(0, flat.size, _CHUNK_BYTES):
        part = flat[start : start + _CHUNK_BYTES]
        part[:] = random.randint(0, 255, part.size, dtype=np.uint8) < part
        yield start + part.size


def opaque(pixels: Images) -> Images:
    """Turn (rows, columns, 1, 3 or 4) into (1 or 3, rows, columns), what is transparent over white."""
    if pixels.shape[2] == 4:
        share = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * share + 255 * (1 - share)).round().astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
