"""Arrays as they lie in files: shape and type are known and checked before values are read."""

import math
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError

T = TypeVar("T")
Reading = Generator[float, None, T]
"""Work in small pieces: yields the share that is done, 0 to 1, and returns its result."""

Values = NDArray[Any]
PIECE_BYTES = 1 << 20
MAX_BYTES = 8 << 30
MEMORY_BYTES = 256 << 20
BOMB_FACTOR = 100
MAX_IMAGES = 10_000_000
_PHRASE_LETTERS = 120


class StoredArray(ABC):
    """An array in a file.

    Attributes:
        name: of the array within its file, or of the file.
        origin: file and array, for messages.
        shape: of the array.
        dtype: of its values.
        column_major: a flattened image has its columns one after the other, as MATLAB writes them.
    """

    def __init__(
        self, name: str, origin: str, shape: tuple[int, ...], dtype: np.dtype[Any], column_major: bool = False
    ) -> None:
        self.name = name
        self.origin = origin
        self.shape = shape
        self.dtype = dtype
        self.column_major = column_major

    @property
    def values(self) -> Values | None:
        """All values, mapped from the file or in memory; None where they can only be read in order."""
        return None

    def prepare(self) -> Reading[None]:
        """Do what must be done before values can be had, in small pieces; mostly nothing.

        Raises:
            DataError: when the file is damaged.
        """
        yield from ()

    @abstractmethod
    def pieces(self) -> Iterator[Values]:
        """Parts of about ``PIECE_BYTES`` along the first axis, in order.

        Raises:
            DataError: when the file is damaged.
        """

    @property
    def num_bytes(self) -> int:
        """Size of the values in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def load(self) -> Values:
        """Return all values; meant for labels.

        Raises:
            DataError: when they take more than ``MEMORY_BYTES``, or the file is damaged.
        """
        if self.values is not None:
            return self.values
        if self.num_bytes > MEMORY_BYTES:
            raise DataError(f"{self.origin} has {self.num_bytes:,} bytes; at most {MEMORY_BYTES:,} are read as labels.")
        return np.concatenate([piece.copy() for piece in self.pieces()])


class HeldArray(StoredArray):
    """An array in memory, or mapped from a file."""

    def __init__(self, name: str, origin: str, values: Values, column_major: bool = False) -> None:
        super().__init__(name, origin, values.shape, values.dtype, column_major)
        self._values = values

    @property
    def values(self) -> Values:
        """The array; see ``StoredArray.values``."""
        return self._values

    def pieces(self) -> Iterator[Values]:
        """Slices of the array; see ``StoredArray.pieces``."""
        yield from slices(self._values)


class JoinedArray(StoredArray):
    """Arrays of one kind, one after the other."""

    def __init__(self, name: str, origin: str, arrays: Sequence[StoredArray]) -> None:
        count = sum(array.shape[0] for array in arrays)
        super().__init__(name, origin, (count, *arrays[0].shape[1:]), arrays[0].dtype)
        self._arrays = tuple(arrays)

    def pieces(self) -> Iterator[Values]:
        """Parts of each array in turn; see ``StoredArray.pieces``."""
        for array in self._arrays:
            yield from array.pieces()


def slices(values: Values) -> Iterator[Values]:
    """Slices of an array along its first axis, of about ``PIECE_BYTES`` each."""
    row_bytes = max(1, values.nbytes // max(1, len(values)))
    at_once = max(1, PIECE_BYTES // row_bytes)
    for start in range(0, len(values), at_once):
        yield values[start : start + at_once]


def empty_images(shape: tuple[int, ...], origin: str) -> NDArray[np.uint8]:
    """Return room for images, in memory or, where they are many, in a temporary file without a name.

    Raises:
        DataError: when they take more than ``MAX_BYTES``.
    """
    size = math.prod(shape)
    if size > MAX_BYTES:
        raise DataError(
            f"{origin} holds {size / 2**30:.1f} GiB of pixels; at most {MAX_BYTES // 2**30} GiB are read. "
            "Split it, or save smaller images."
        )
    if size <= MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the mapping keeps it open; nothing is left when it goes
    return np.memmap(file, np.uint8, "w+", shape=shape)


def check_expansion(origin: str, packed: int, unpacked: int) -> None:
    """Refuse a decompression bomb.

    Args:
        origin: file and entry, for messages.
        packed: bytes that the file spends on it.
        unpacked: bytes that its header promises.

    Raises:
        DataError: when it would become large from very little.
    """
    if unpacked > MEMORY_BYTES and unpacked > BOMB_FACTOR * packed:
        raise DataError(
            f"{origin} would expand from {packed:,} to {unpacked:,} bytes, more than {BOMB_FACTOR} times: a "
            "decompression bomb. Save the array uncompressed if it is real."
        )


def finish(reading: Reading[T]) -> T:
    """Run a reading to its end and return its result."""
    while True:
        try:
            next(reading)
        except StopIteration as end:
            result: T = end.value
            return result


def shares(reading: Reading[T], start: float, share: float) -> Reading[T]:
    """Run a reading as one share of a longer one."""
    while True:
        try:
            done = next(reading)
        except StopIteration as end:
            result: T = end.value
            return result
        yield start + share * done


def phrase(error: Exception) -> str:
    """Text of a library's error for a sentence: its first line, short, without a point at the end."""
    text = str(error).splitlines()[0].strip() if str(error).strip() else type(error).__name__
    return (text if len(text) <= _PHRASE_LETTERS else f"{text[:_PHRASE_LETTERS]}…").rstrip(".")


def stem(path: Path) -> str:
    """Name of a file without its endings: ``train`` of ``train.csv.gz``."""
    name = path.name.removesuffix(".gz").removesuffix(".GZ")
    return Path(name).stem or path.name
