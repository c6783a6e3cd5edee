"""Header of a NumPy file, checked before memory is asked for.

Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"; versions 1.0 to 3.0.
"""

import ast
import math
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.stored import phrase

MAGIC = b"\x93NUMPY"
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_MAX_HEADER = 1 << 16
_MAX_AXES = 32
_MAX_SIZE = 1 << 48
_KEYS = {"descr", "fortran_order", "shape"}
_LONG = re.compile(r"(\d)L\b")  # Python 2 wrote sizes so
_UNREADABLE = (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, KeyError, OverflowError, Warning)


class PickledArrayError(DataError):
    """An array of Python objects, which is pickled."""


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
        DataError: when it is no NumPy file or damaged; ``PickledArrayError`` when it holds Python objects.
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
    return _parse(text, version, origin, 8 + width + length)


def _parse(content: bytes, version: tuple[int, int], origin: str, offset: int) -> NpyHeader:
    try:
        text = content.decode("utf-8" if version == (3, 0) else "latin-1")
        found = ast.literal_eval(_LONG.sub(r"\1", text).strip())
        if type(found) is not dict or found.keys() != _KEYS or type(found["shape"]) is not tuple:
            raise ValueError("it has other entries than a NumPy file")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of odd types, and would read them
            dtype = np.lib.format.descr_to_dtype(found["descr"])
    except _UNREADABLE as error:
        raise DataError(f"{origin} has a damaged header: {phrase(error)}. Save it again.") from error
    shape = found["shape"]
    if dtype.hasobject:
        raise PickledArrayError(
            f"{origin} holds Python objects, which are pickled and not read. Save a plain array of numbers."
        )
    if len(shape) > _MAX_AXES or not all(type(size) is int and 0 <= size <= _MAX_SIZE for size in shape):
        raise DataError(f"{origin} is damaged: its header promises the shape {str(shape)[:200]}. Save it again.")
    return NpyHeader(shape, dtype, found["fortran_order"] is True, offset)
