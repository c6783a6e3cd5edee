"""The range of an array's values, and how it becomes 0 … 255."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.stored import Reading, StoredArray, Values, shares
from gmstudio.data.importing.raw import Guess
from gmstudio.protocol.config import ConfigError

_TOLERANCE = 1e-3
_DARK_UNIT = 0.75  # images of [0, 1] whose brightest pixel is below are taken to have another white
_DARK_BYTE = 64


@dataclass(frozen=True)
class ValueRange:
    """Values that become 0 and 255, evenly spread between: byte = 255 (v − low) / (high − low), rounded.

    Args:
        low: the value that becomes 0; one number, or one a column.
        high: the value that becomes 255.
    """

    low: float | NDArray[np.float64]
    high: float | NDArray[np.float64]

    def bytes_of(self, values: Values) -> NDArray[np.uint8]:
        """Convert values of any shape; what lies outside is clipped, and what is not finite becomes 0."""
        if values.dtype == np.uint8 and np.ndim(self.low) == 0 and (self.low, self.high) == (0, 255):
            return values
        if values.dtype == np.bool_:
            return values.astype(np.uint8) * np.uint8(255)
        wide = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        span = np.asarray(self.high) - np.asarray(self.low)
        spread = (wide - self.low) * (255 / np.where(span == 0, 1, span))
        return np.clip(np.rint(spread), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Extent:
    """What was found in arrays.

    Args:
        low: smallest finite value; one number, or one a column.
        high: largest finite value.
        whole: all values are whole numbers.
        bad: for each array, the rows that hold a value that is not finite.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: bool
    bad: tuple[frozenset[int], ...]


def measure(arrays: Iterable[StoredArray], by_column: bool = False) -> Reading[Extent]:
    """Find the extent of arrays, a part at a time.

    Args:
        arrays: arrays of numbers.
        by_column: for each column of (N, D) arrays apart.

    Raises:
        DataError: when no value is finite, or a file is damaged.
    """
    arrays = list(arrays)
    total = sum(array.num_bytes for array in arrays) or 1
    lows, highs, bad, done, whole = [], [], [], 0, True
    for array in arrays:
        yield from shares(array.prepare(), done / total, 0.0)
        rows: set[int] = set()
        start = 0
        for piece in array.pieces():
            finite = None if piece.dtype.kind in "bui" else np.isfinite(piece)
            if finite is not None and not finite.all():
                good = finite.reshape(len(piece), -1).all(axis=1)
                rows.update((start + np.flatnonzero(~good)).tolist())
                piece = piece[good]
            if piece.size:
                axis = 0 if by_column else None
                whole = whole and (finite is None or bool((piece == np.rint(piece)).all()))
                lows.append(np.asarray(piece.min(axis=axis), np.float64))
                highs.append(np.asarray(piece.max(axis=axis), np.float64))
            start += len(piece) if finite is None else len(finite)
            done += piece.nbytes
            yield min(1.0, done / total)
        bad.append(frozenset(rows))
    if not lows:
        raise DataError(f"{arrays[0].origin} holds NaN or infinite values in every image. Save finite values.")
    return Extent(np.min(lows, axis=0), np.max(highs, axis=0), whole, tuple(bad))


def chosen_range(
    extent: Extent, dtype: np.dtype[Any], setting: str, origin: str
) -> tuple[ValueRange, tuple[Guess, ...]]:
    """Return the range by the setting, or by what the values look like.

    Args:
        extent: of all arrays together.
        dtype: of the values.
        setting: ``ReadSettings.value_range``.
        origin: file and array, for messages.

    Raises:
        ConfigError: when values lie outside the range that the setting names.
    """
    low, high = float(extent.low), float(extent.high)
    if setting == "auto":
        return _guessed(low, high, dtype)
    if setting == "stretch" or dtype.kind == "b":
        return ValueRange(low, high), ()
    top = 1.0 if setting == "unit" else 255.0
    if low < -_TOLERANCE * top or high > top * (1 + _TOLERANCE):
        text = f"{origin} has values from {low:g} to {high:g}, outside the value range 0 to {top:g} that is set."
        raise ConfigError({"value_range": f"{text} Choose another value range, or minimum to maximum."})
    return ValueRange(0.0, top), ()


def _guessed(low: float, high: float, dtype: np.dtype[Any]) -> tuple[ValueRange, tuple[Guess, ...]]:
    if dtype.kind == "b":
        return ValueRange(0.0, 1.0), ()
    if low < 0:
        return _guessed_signed(low, high)
    if high <= 1 + _TOLERANCE:
        if high >= _DARK_UNIT or high == 0:
            return ValueRange(0.0, 1.0), (_guess(f"Values lie in {low:g}…{high:g}, taken as 0 (black) to 1 (white)."),)
        return ValueRange(low, high), (_stretched(low, high),)
    if high <= 255 * (1 + _TOLERANCE):
        if high >= _DARK_BYTE:
            shown = _guess(f"Values lie in {low:g}…{high:g}, taken as 0 (black) to 255 (white).")
            return ValueRange(0.0, 255.0), () if dtype == np.uint8 else (shown,)
        return ValueRange(low, high), (_stretched(low, high),)
    if dtype.kind == "u" and dtype.itemsize == 2 and high > 1 << 15:
        return ValueRange(0.0, 65535.0), (_guess("Values of 16 bits, taken as 0 (black) to 65,535 (white)."),)
    return ValueRange(low, high), (_stretched(low, high),)


def _guessed_signed(low: float, high: float) -> tuple[ValueRange, tuple[Guess, ...]]:
    largest = max(-low, high)
    for top in (0.5, 1.0):
        if largest <= top * (1 + _TOLERANCE) and largest >= 0.75 * top:
            return ValueRange(-top, top), (
                _guess(f"Values lie in {low:g}…{high:g}, taken as −{top:g} (black) to {top:g} (white)."),
            )
    return ValueRange(low, high), (_stretched(low, high),)


def _stretched(low: float, high: float) -> Guess:
    return _guess(f"Values lie in {low:g}…{high:g}, spread so that the smallest is black and the largest white.")


def _guess(text: str) -> Guess:
    return Guess("value_range", text)
