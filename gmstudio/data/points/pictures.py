"""A picture as a density: the darker (or brighter) a pixel, the likelier are points in it."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.decoding import decode
from gmstudio.data.importing.raw import BadImageError
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular
from gmstudio.system.typed_path import typed_path

Floats = NDArray[np.float64]

MAX_FILE_BYTES = 64 << 20
_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""Of red, green and blue, ITU-R BT.601."""


def picture_density(path: str, likely: Literal["dark", "bright"], levels: int) -> tuple[Floats, float]:
    """Mass of each cell, (L, L) with row x₂ (upwards) and column x₁, not normalized; and height by width.

    What is transparent is taken as white.

    Raises:
        DataError: when the file is no picture, or no pixel of it is likely.
    """
    place = typed_path(path)
    try:
        with open_regular(place) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{place} has more than {MAX_FILE_BYTES >> 20} MiB. Choose a smaller picture.")
    try:
        pixels = decode(content, place.name, least=(2 * levels, 2 * levels))
    except BadImageError as error:
        raise DataError(str(error)) from error
    shades = _shades(pixels)
    ink = 1 - shades if likely == "dark" else shades
    if not ink.sum() > 0:
        what, other = ("white", "bright ones") if likely == "dark" else ("black", "dark ones")
        raise DataError(
            f"{place.name} is all {what}: no pixel is likely. Choose {other} as likely pixels, or another picture."
        )
    return _fitted(ink, levels)[::-1].copy(), shades.shape[0] / shades.shape[1]


def _shades(pixels: NDArray[np.uint8]) -> Floats:
    """(R, S) shades, 0 black to 1 white, of (R, S, C) pixels with 1 to 4 channels."""
    values = pixels.astype(np.float64) / 255
    channels = values.shape[2]
    colours = values[..., :3] if channels >= 3 else values[..., :1]
    shade: Floats = colours @ _LUMINANCE if channels >= 3 else colours[..., 0]
    if channels in (2, 4):
        opacity = values[..., -1]
        shade = shade * opacity + (1 - opacity)
    return np.clip(shade, 0.0, 1.0)


def _fitted(ink: Floats, levels: int) -> Floats:
    """(L, L) means over areas."""
    down, across = _weights(ink.shape[0], levels), _weights(ink.shape[1], levels)
    result: Floats = np.maximum(down @ ink @ across.T, 0.0)
    return result


def _weights(pixels: int, levels: int) -> Floats:
    """(L, N) share of each pixel in each of L equal parts of a side."""
    edges = np.linspace(0, pixels, levels + 1)
    starts = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    result: Floats = np.maximum(overlap, 0.0) * (levels / pixels)
    return result
