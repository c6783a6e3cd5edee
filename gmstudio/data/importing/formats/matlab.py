"""MATLAB's ``.mat`` of version 5: its numeric arrays, read without building any other object.

Cells, structures, objects and function handles are skipped by their size and never built. Version 7.3 (HDF5) and 4 are
refused with the remedy.

Source: The MathWorks, MAT-File Format, version 5 (chapter 1, "Level 5 MAT-File Format").
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.assembling import assemble
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.formats.layout import is_image_size
from gmstudio.data.importing.formats.naming import role_of
from gmstudio.data.importing.formats.stored import (
    PIECE_BYTES,
    HeldArray,
    Reading,
    StoredArray,
    Values,
    check_expansion,
    phrase,
    stem,
)
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

HEADER_BYTES = 128
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAX_ARRAYS = 1000
_MAX_TOTAL = 2 << 30
_COMPRESSED, _MATRIX = 15, 14
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_OTHER = {
    1: "a cell array",
    2: "a structure",
    3: "an object",
    4: "text",
    5: "a sparse matrix",
    16: "a function handle",
    17: "an object",
}
_COMPLEX, _LOGICAL = 0x08, 0x02


def read_mat(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read a file's arrays.

    Flattened images are taken to have their columns one after the other, since MATLAB flattens so.

    Raises:
        DataError: when it is of another version, damaged, or holds no images.
    """
    arrays, others = yield from _weighted_open(path)
    if not arrays:
        held = f"only {', '.join(others[:3])}" if others else "no arrays"
        raise DataError(f"{path} holds {held}; numeric arrays are read. Save the images as one array.")
    arranged, guesses = _images_first(arrays)
    raw = yield from assemble(arranged, stem(path), str(path), settings)
    raw.guesses = (*guesses, *raw.guesses)
    if others:
        raw.remarks = (*raw.remarks, f"Left out, since only arrays of numbers are read: {', '.join(others[:10])}.")
    return raw


def _weighted_open(path: Path) -> Reading[tuple[list[StoredArray], list[str]]]:
    try:
        size = regular_size(path)
        with open_regular(path) as file:
            return (yield from _Walk(path, file, size).arrays())
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    except zlib.error as error:
        raise DataError(f"{path} is damaged: {phrase(error)}. Get it again.") from error


def check_version(path: Path, header: bytes) -> str:
    """Return the byte order (``<`` or ``>``) that the header of a file says.

    Raises:
        DataError: when it is no version 5.
    """
    if header[:8] == HDF5_MAGIC or b"MATLAB 7.3" in header[:116]:
        raise DataError(f"{path} has version 7.3 (HDF5), which is not read. Save it in MATLAB with save(…, '-v7').")
    if len(header) < HEADER_BYTES:
        raise DataError(f"{path} is cut short within its header. Get it again.")
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if order is None or not header.startswith(b"MATLAB"):
        raise DataError(f"{path} is no MATLAB file of version 5. Save it in MATLAB with save(…, '-v7').")
    return order


class _Source:
    """Bytes of the file or of a compressed element, in order, at most as many as were promised."""

    def __init__(self, path: Path, file: BufferedReader, left: int, packed: bool = False) -> None:
        self.path = path
        self.left = _MAX_TOTAL if packed else left
        self._file = file
        self._packed_left = left
        self._unpack = zlib.decompressobj() if packed else None

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        if size > self.left:
            raise DataError(f"{self.path} promises {size:,} bytes where {self.left:,} are left. Get it again.")
        content = self._file.read(size) if self._unpack is None else self._unpacked(size)
        if len(content) < size:
            raise DataError(f"{self.path} is cut short: {size - len(content):,} bytes are missing. Get it again.")
        self.left -= size
        return content

    def _unpacked(self, size: int) -> bytes:
        assert self._unpack is not None
        parts: list[bytes] = []
        wanted = size
        while wanted:
            pending = self._unpack.unconsumed_tail
            if not pending:
                pending = self._file.read(min(1 << 16, self._packed_left))
                self._packed_left -= len(pending)
            part = self._unpack.decompress(pending, wanted)
            if not part and (self._unpack.eof or not (pending or self._packed_left)):
                break
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


@dataclass(frozen=True)
class _Walk:
    """Elements of a file, one after the other."""

    path: Path
    file: BufferedReader
    size: int

    def arrays(self) -> Reading[tuple[list[StoredArray], list[str]]]:
        """Numeric arrays, and what else there is."""
        order = check_version(self.path, self.file.read(HEADER_BYTES))
        found: list[StoredArray] = []
        others: list[str] = []
        position, total = HEADER_BYTES, 0
        while position + 8 <= self.size:
            self.file.seek(position)
            kind, length = struct.unpack(order + "II", self.file.read(8))
            end = position + 8 + length
            if end > self.size:
                raise DataError(
                    f"{self.path} is cut short: an array of {length:,} bytes begins {self.size - position:,} bytes "
                    "before its end. Get it again."
                )
            if kind in (_MATRIX, _COMPRESSED):
                array = yield from self._element(order, kind, length, others)
                if array is not None:
                    found.append(array)
                    total += array.num_bytes
            if len(found) + len(others) > _MAX_ARRAYS or total > _MAX_TOTAL:
                raise DataError(
                    f"{self.path} holds more than {_MAX_ARRAYS} arrays or {_MAX_TOTAL // 2**30} GiB. Save fewer."
                )
            position = end
            yield min(1.0, position / self.size)
        return found, others

    def _element(self, order: str, kind: int, length: int, others: list[str]) -> Reading[StoredArray | None]:
        source = _Source(self.path, self.file, length, packed=kind == _COMPRESSED)
        if kind == _COMPRESSED:
            kind, inner = struct.unpack(order + "II", source.read(8))
            if kind != _MATRIX:
                return None
            source.left = min(source.left, inner)
        return (yield from _Matrix(self.path, source, order, length).read(others))


@dataclass(frozen=True)
class _Matrix:
    """One array: flags, sizes, name, values."""

    path: Path
    source: _Source
    order: str
    packed: int

    def read(self, others: list[str]) -> Reading[StoredArray | None]:
        flags = self._small_part(16)
        if len(flags) != 8:
            raise DataError(f"{self.path} is damaged: an array has no flags. Get it again.")
        (word,) = struct.unpack(self.order + "I", flags[:4])
        mat_class, bits = word & 0xFF, word >> 8 & 0xFF
        if mat_class == 17:
            others.append(_OTHER[17])
            return None
        sizes = self._small_part(64)
        shape = struct.unpack(f"{self.order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4])
        name = self._small_part(256).decode("ascii", "replace")
        origin = f"{self.path}, {name}"
        if mat_class not in _CLASSES:
            others.append(f"{_OTHER.get(mat_class, 'an unknown kind')} ({name})")
            return None
        if bits & _COMPLEX:
            others.append(f"complex numbers ({name})")
            return None
        if len(shape) < 2 or min(shape) < 0:
            raise DataError(f"{origin} is damaged: its header promises the shape {shape}. Get it again.")
        values = yield from self._values(origin, shape, np.dtype(self.order + _CLASSES[mat_class]))
        return HeldArray(name, origin, values.astype(np.bool_) if bits & _LOGICAL else values, column_major=True)

    def _small_part(self, limit: int) -> bytes:
        kind, length, content = self._tag()
        if content is not None:
            return content
        if length > limit:
            raise DataError(
                f"{self.path} is damaged: a part of type {kind} of an array's header has {length:,} bytes; at most "
                f"{limit} are read. Get it again."
            )
        return self._padded(length)

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Type, length and, of a small element, content."""
        tag = self.source.read(8)
        (first,) = struct.unpack(self.order + "I", tag[:4])
        if first >> 16:
            return first & 0xFFFF, first >> 16, tag[4 : 4 + min(4, first >> 16)]
        (length,) = struct.unpack(self.order + "I", tag[4:])
        return first, length, None

    def _padded(self, length: int) -> bytes:
        content = self.source.read(length)
        self.source.read(min(-length % 8, self.source.left))
        return content

    def _values(self, origin: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Reading[Values]:
        kind, length, content = self._tag()
        if kind not in _TYPES:
            raise DataError(f"{origin} is damaged: its values have the unknown type {kind}. Get it again.")
        stored = np.dtype(self.order + _TYPES[kind])
        promised = prod(shape) * stored.itemsize
        if length != promised or (content is not None and promised > 4):
            raise DataError(
                f"{origin} is damaged: {shape} needs {promised:,} bytes, and it has {length:,}. Get it again."
            )
        check_expansion(origin, self.packed, promised)
        if content is not None:
            return np.frombuffer(content[:length], stored).reshape(shape, order="F")
        if promised > _MAX_TOTAL:
            raise DataError(f"{origin} has {promised:,} bytes; at most {_MAX_TOTAL:,} are read. Save fewer images.")
        flat = np.empty(prod(shape), _narrower(stored, dtype))
        at_once = PIECE_BYTES // stored.itemsize
        for start in range(0, len(flat), at_once):
            count = min(at_once, len(flat) - start)
            flat[start : start + count] = np.frombuffer(self.source.read(count * stored.itemsize), stored)
            yield start / len(flat)
        return flat.reshape(shape, order="F")


def _narrower(stored: np.dtype[Any], declared: np.dtype[Any]) -> np.dtype[Any]:
    """MATLAB stores an array of doubles that are whole numbers in fewer bytes; they are kept so."""
    return (stored if stored.itemsize <= declared.itemsize else declared).newbyteorder("=")


def _images_first(arrays: Sequence[StoredArray]) -> tuple[list[StoredArray], tuple[Guess, ...]]:
    """Arrays whose first axis counts the images, where the labels' number shows that another does."""
    counts = {
        max(array.shape) for array in arrays if len(array.shape) == 2 and 1 in array.shape and max(array.shape) > 1
    }
    arranged: list[StoredArray] = []
    guesses: list[Guess] = []
    for array in arrays:
        values = array.values
        assert values is not None
        last = array.shape[-1]
        image_like = len(array.shape) in (3, 4) or (len(array.shape) == 2 and 1 not in array.shape)
        swapped = last in counts and array.shape[0] not in counts
        by_column = not counts and len(array.shape) == 2 and is_image_size(array.shape[0]) and not is_image_size(last)
        colour_stack = not counts and len(array.shape) == 4 and array.shape[2] in (1, 3) and last not in (1, 3)
        if image_like and not role_of(array.name).is_labels and (swapped or colour_stack or by_column):
            guesses.append(Guess("axes", f"The last axis of {array.name} {array.shape} is taken to count the images."))
            moved = np.moveaxis(values, -1, 0)
            arranged.append(HeldArray(array.name, array.origin, moved, column_major=True))
        else:
            arranged.append(array)
    return arranged, tuple(guesses)
