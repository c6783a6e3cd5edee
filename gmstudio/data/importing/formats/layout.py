"""Axis order of image arrays: how one row of an array becomes an image (H, W, C)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.idx_file import MAX_SOURCE_SIDE
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError

_CHANNELS = (1, 2, 3, 4)
_PLANES = (1, 3, 4)
_MIN_GREY, _MIN_RGB = 4, 8
_KNOWN_SIZES = {560: (28, 20)}  # the Frey faces


@dataclass(frozen=True)
class Layout:
    """Order in which an image's values are stored.

    Args:
        rows: rows as stored.
        columns: columns as stored.
        channels: 1 to 4.
        planes: the channels come one after the other, not side by side.
        transposed: rows and columns are exchanged.
    """

    rows: int
    columns: int
    channels: int = 1
    planes: bool = False
    transposed: bool = False

    @property
    def height(self) -> int:
        """Rows of the upright image."""
        return self.columns if self.transposed else self.rows

    @property
    def width(self) -> int:
        """Columns of the upright image."""
        return self.rows if self.transposed else self.columns

    def images(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn (n, …) as stored into (n, H, W, C)."""
        n = len(values)
        if self.planes:
            shaped = values.reshape(n, self.channels, self.rows, self.columns).transpose(0, 2, 3, 1)
        else:
            shaped = values.reshape(n, self.rows, self.columns, self.channels)
        return shaped.transpose(0, 2, 1, 3) if self.transposed else shaped


def find_layout(
    shape: tuple[int, ...], settings: ReadSettings, origin: str, column_major: bool = False
) -> tuple[Layout, tuple[Guess, ...]]:
    """Find how images of an array (N, …) are stored.

    Args:
        shape: of the array.
        settings: ``axes`` and ``orientation`` decide where they are not ``auto``.
        origin: file and array, for messages.
        column_major: flattened images have their columns one after the other.

    Raises:
        DataError: when the shape is not one of images.
        ConfigError: when it does not fit the axis order that is set.
    """
    if len(shape) == 2:
        layout, guesses = _flattened(shape[1], settings, origin, column_major)
    elif len(shape) == 3:
        layout, guesses = Layout(shape[1], shape[2]), ()
    elif len(shape) == 4:
        layout, guesses = _with_channels(shape, settings.axes, origin)
    else:
        raise DataError(f"{origin} has the shape {shape}; save it as (images, height, width) or with a channel axis.")
    if settings.orientation == "transpose":
        layout = Layout(layout.rows, layout.columns, layout.channels, layout.planes, transposed=True)
    if not all(1 <= side <= MAX_SOURCE_SIDE for side in (layout.rows, layout.columns)):
        raise DataError(
            f"{origin} has images of {layout.height}×{layout.width} pixels; 1 to {MAX_SOURCE_SIDE} a side are read. "
            "Check its axis order, or save smaller images."
        )
    return layout, guesses


def is_image_size(size: int) -> bool:
    """Test whether rows of ``size`` values may be flattened images: square, of at least 4×4 grey or 8×8 RGB pixels."""
    found = square_side(size)
    return size in _KNOWN_SIZES or (found is not None and found[0] >= (_MIN_GREY if found[1] == 1 else _MIN_RGB))


def square_side(size: int) -> tuple[int, int] | None:
    """(side, channels) of square images of ``size`` values, grey or RGB; None when there are none."""
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if side and side * side * channels == size:
            return side, channels
    return None


def _flattened(size: int, settings: ReadSettings, origin: str, column_major: bool) -> tuple[Layout, tuple[Guess, ...]]:
    found = square_side(size)
    if found is None and size not in _KNOWN_SIZES:
        raise DataError(
            f"{origin} has rows of {size} values, which make no square image. Save it as (images, height, width), or "
            "choose sequences as its content."
        )
    rows, columns = _KNOWN_SIZES[size] if found is None else (found[0], found[0])
    channels = 1 if found is None else found[1]
    planes = channels > 1 and settings.axes != "channels_last"
    transposed = column_major and found is not None and settings.orientation == "auto"
    guesses = [
        Guess(
            "axes",
            f"Rows of {size} values are taken as {'RGB' if channels > 1 else 'grey'} images of "
            f"{rows}×{columns} pixels{', one colour after the other' if planes else ''}.",
        )
    ]
    if transposed:
        guesses.append(Guess("orientation", "Rows and columns were exchanged, since MATLAB flattens by columns."))
    return Layout(rows, columns, channels, planes, transposed), tuple(guesses)


def _with_channels(shape: tuple[int, ...], axes: str, origin: str) -> tuple[Layout, tuple[Guess, ...]]:
    _, first, middle, last = shape
    can_last, can_first = last in _CHANNELS, first in _PLANES
    if axes == "none" or (axes == "channels_last" and not can_last) or (axes == "channels_first" and not can_first):
        text = f"{origin} has the shape {shape}, which does not fit the axis order {axes.replace('_', ' ')}."
        raise ConfigError({"axes": f"{text} Choose another axis order."})
    if not (can_last or can_first):
        raise DataError(f"{origin} has the shape {shape} without an axis of 1, 3 or 4 channels. Save such an array.")
    planes = axes == "channels_first" or (axes == "auto" and not can_last)
    layout = Layout(middle, last, first, planes=True) if planes else Layout(first, middle, last)
    if axes != "auto":
        return layout, ()
    where = "first" if planes else "last"
    return layout, (Guess("axes", f"Shape {shape}: channels are taken as the {where} axis of an image."),)
