"""Header of a NumPy file, checked before memory is asked for.

Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"; versions 1.0 to 3.0.
"""

import math
import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

import numpy as np

from gmstudio.data.dataset import DataError

MAGIC = b"\x93NUMPY"
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_MAX_HEADER = 1 << 16
_MAX_AXES = 32


class Readable(Protocol):
    """What ``read`` is asked of."""

    def read(self, size: int, /) -> bytes:
        """Read at most ``size`` bytes."""


@dataclass(frozen=True)
class NpyHeader:
    """Header of a file.

    Args:
        shape: of the array.
        dtype: of its values.
        fortran_order: the first axis varies fastest.
        offset: bytes before the values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int

    @property
    def num_bytes(self) -> int:
        """Bytes that the values take."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(file: Readable, origin: str) -> NpyHeader:
    """Read the header, and no more than ``_MAX_HEADER`` bytes; the file then stands at the values.

    Args:
        file: at its start.
        origin: file and entry, for messages.

    Raises:
        DataError: when it is no NumPy file, damaged, or holds Python objects, whose pickles are not read.
    """
    start = file.read(8)
    if not start:
        raise DataError(f"{origin} is empty. Save the array again.")
    if start[:6] != MAGIC or len(start) < 8:
        raise DataError(f"{origin} is no NumPy file: it begins with {start[:6]!r}. Save it with numpy.save.")
    version = (start[6], start[7])
    if version not in _VERSIONS:
        raise DataError(
            f"{origin} is no NumPy file that is read: its format has version {version[0]}.{version[1]}, and 1.0 to "
            "3.0 are known. Save it again."
        )
    width = 2 if version == (1, 0) else 4
    size = file.read(width)
    (length,) = struct.unpack("<H" if width == 2 else "<I", size) if len(size) == width else (0,)
    if length > _MAX_HEADER:
        raise DataError(
            f"{origin} has a header of {length:,} bytes; at most {_MAX_HEADER:,} are read. Save a plain array."
        )
    text = file.read(length)
    if not length or len(text) < length:
        raise DataError(f"{origin} is cut short within its header. Save it again.")
    return _parse(size + text, version, origin, 8 + width + length)


def _parse(content: bytes, version: tuple[int, int], origin: str, offset: int) -> NpyHeader:
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran_order, dtype = read(BytesIO(content))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, OverflowError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{origin} has a damaged header: {reason}. Save it again.") from error
    if dtype.hasobject:
        raise DataError(
            f"{origin} holds Python objects, which are pickled and not read. Save a plain array of numbers."
        )
    if len(shape) > _MAX_AXES or min(shape, default=0) < 0 or any(isinstance(size, bool) for size in shape):
        raise DataError(f"{origin} is damaged: its header promises the shape {shape}. Save it again.")
    return NpyHeader(shape, dtype, fortran_order, offset)
