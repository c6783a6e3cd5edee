"""Pictures of data that are no pictures: sequences (1×T) as curves, points (1×2) as dots.

Shapes: N images, C channels, H rows, W columns, T values of a sequence.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.levels import to_display
from gmstudio.protocol.images import ImageSpec

Kind = Literal["images", "curves", "dots"]
CURVE_SIZE = (56, 112)
"""(rows, columns) of the picture of a curve."""
DOTS_SIDE = 256
BARS = 64
DOT = 1
"""Pixels by which a dot extends to each side."""
INK, FAINT = 255, 90


def kind_of(image: ImageSpec) -> Kind:
    """Choose how data of this shape are drawn."""
    if image.height > 1 or image.width < 2:
        return "images"
    return "dots" if image.width == 2 else "curves"


def pictures_of(images: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Draw images of levels, curves, or one picture of all points.

    Args:
        images: (N, C, H, W) levels.
        image: their shape and levels.

    Returns:
        (N, C, H, W), or (1, 1, side, side) of points, 0 … 255.
    """
    kind = kind_of(image)
    if kind == "images" or not len(images):
        return to_display(images, image.levels)
    return draw_curves(images, image.levels) if kind == "curves" else draw_dots(images, image.levels)


def picture_size(image: ImageSpec) -> tuple[int, int]:
    """(rows, columns) of a picture."""
    return {"images": (image.height, image.width), "curves": CURVE_SIZE, "dots": (DOTS_SIDE, DOTS_SIDE)}[kind_of(image)]


def draw_curves(images: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Draw sequences (N, C, 1, T) as curves on black, large values up; the first channel only.

    Returns:
        (N, 1, rows, columns), 0 … 255.
    """
    rows, columns = CURVE_SIZE
    values = images[:, 0, 0].astype(np.float64) / max(levels - 1, 1)
    at = np.linspace(0, values.shape[1] - 1, columns)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, values.shape[1] - 1)
    heights = (values[:, low] * (1 - (at - low)) + values[:, high] * (at - low)) * (rows - 1)
    y = (rows - 1) - np.rint(heights).astype(int)
    before = np.concatenate([y[:, :1], y[:, :-1]], axis=1)
    top, bottom = np.minimum(y, before), np.maximum(y, before)
    row = np.arange(rows)[None, :, None]
    drawn = (row >= top[:, None]) & (row <= bottom[:, None])
    return np.where(drawn, INK, 0).astype(np.uint8)[:, None]


def are_points(shape: Sequence[int]) -> bool:
    """Whether images of this shape, (…, C, H, W), are points of a line or the plane."""
    return tuple(shape[-3:]) in ((1, 1, 1), (1, 1, 2))


def draw_points(images: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Draw points of the plane as dots, those of a line (N, 1, 1, 1) as bars of their numbers.

    Returns:
        (1, 1, side, side), 0 … 255.
    """
    if images.shape[-1] == 2:
        return draw_dots(images, levels)
    columns = images.reshape(-1).astype(int) * BARS // levels
    counts = np.bincount(columns, minlength=BARS)
    heights = np.repeat(counts / max(1, counts.max()), DOTS_SIDE // BARS) * (DOTS_SIDE - 1)
    shown = np.where(np.arange(DOTS_SIDE)[::-1, None] < heights, INK, 0)
    return shown.astype(np.uint8)[None, None]


def draw_dots(images: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Draw points (N, 1, 1, 2) as dots on black: the first coordinate to the right, the second up.

    Returns:
        (1, 1, side, side), 0 … 255; brighter where several points lie.
    """
    scaled = images.reshape(len(images), -1)[:, :2].astype(np.float64) / max(levels - 1, 1)
    places = np.rint(DOT + scaled * (DOTS_SIDE - 1 - 2 * DOT)).astype(int)
    counts: NDArray[Any] = np.zeros((DOTS_SIDE, DOTS_SIDE), np.int64)
    for down in range(-DOT, DOT + 1):
        for across in range(-DOT, DOT + 1):
            np.add.at(counts, (DOTS_SIDE - 1 - places[:, 1] + down, places[:, 0] + across), 1)
    shown = np.where(counts > 0, np.minimum(FAINT + 55 * counts, INK), 0)
    return shown.astype(np.uint8)[None, None]
