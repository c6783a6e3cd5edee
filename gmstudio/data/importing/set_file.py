"""An imported set on disk: a folder with ``set.json``, and images, labels and splits as NumPy files."""

import math
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.importing.raw import Content
from gmstudio.media.levels import Images
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.plain_text import plain_text
from gmstudio.system.regular_file import open_regular
from gmstudio.system.typed_path import typed_path

SET_NAME = "set.json"
IMAGES_NAME, LABELS_NAME, SPLITS_NAME = "images.npy", "labels.npy", "splits.npy"
VERSION = 1
MAX_JSON_BYTES = 16 << 20
HEADER_BYTES = 128
"""Bytes of ``images.npy`` before the pixels, whatever the number of images."""


class BadFile(msgspec.Struct, frozen=True):
    """A file that was left out, and why."""

    name: str
    reason: str


class AxisRecord(msgspec.Struct, frozen=True):
    """Scale of quantized values; see ``raw.ValueAxis``."""

    name: str
    low: float
    high: float


class GuessRecord(msgspec.Struct, frozen=True):
    """A guess of the import; see ``raw.Guess``."""

    setting: str
    text: str


class DuplicateRecord(msgspec.Struct, frozen=True):
    """Two files with identical images.

    Args:
        name: of the file.
        split: its split; empty where the files name none.
        other: file with the same image.
        other_split: its split.
    """

    name: str
    split: str
    other: str
    other_split: str


class SetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``set.json``.

    Args:
        version: of this layout.
        name: given by the user, or that of the files.
        sha256: of images, labels and splits, in hexadecimal digits.
        key: of source and settings, by which the same import is found again.
        source: path of the files.
        settings: ``ImportSettings`` as plain values.
        shape: (N, C, H, W).
        content: see ``RawSet.content``.
        axes: see ``RawSet.axes``.
        split_sizes: images of each split; empty where the files name none.
        label_names: label → name; empty where there are none, or the names are the numbers themselves.
        has_labels: there are labels.
        num_bad: files that were left out.
        bad: the first hundred of them.
        num_duplicates: images that are identical to an earlier one.
        num_between_splits: images that are identical to one of another split.
        duplicates: examples.
        num_dropped: duplicates that were left out.
        guesses: choices that were made for the user.
        remarks: other sentences on the import.
        date: of the import, UTC, ISO 8601.
    """

    version: int = VERSION
    name: str
    sha256: str
    key: str
    source: str
    settings: dict[str, str | int | float | bool]
    shape: tuple[int, int, int, int]
    content: Content = "images"
    axes: tuple[AxisRecord, ...] = ()
    split_sizes: dict[SplitName, int] = {}
    label_names: tuple[str, ...] = ()
    has_labels: bool = False
    num_bad: int = 0
    bad: tuple[BadFile, ...] = ()
    num_duplicates: int = 0
    num_between_splits: int = 0
    duplicates: tuple[DuplicateRecord, ...] = ()
    num_dropped: int = 0
    guesses: tuple[GuessRecord, ...] = ()
    remarks: tuple[str, ...] = ()
    date: str = ""


class _Named(msgspec.Struct, frozen=True):
    """The part of ``set.json`` that a label needs."""

    name: str


@dataclass(frozen=True, eq=False)
class ImportedSet:
    """A set that was imported; its arrays are mapped from the disk when they are first used.

    Args:
        folder: its place.
        record: its description.
    """

    folder: Path
    record: SetRecord

    def __len__(self) -> int:
        return self.record.shape[0]

    @cached_property
    def images(self) -> Images:
        """(N, C, H, W) uint8, read-only, mapped.

        Raises:
            DataError: when the file is missing or not the one that was imported.
        """
        return _mapped(self.folder / IMAGES_NAME, np.dtype(np.uint8), self.record.shape)

    @cached_property
    def labels(self) -> Labels | None:
        """(N,) int64, or None."""
        if not self.record.has_labels:
            return None
        return _mapped(self.folder / LABELS_NAME, np.dtype("<i8"), self.record.shape[:1])

    @cached_property
    def splits(self) -> NDArray[np.int8] | None:
        """(N,) index into ``SPLITS``, or None where the files name none."""
        if not self.record.split_sizes:
            return None
        return _mapped(self.folder / SPLITS_NAME, np.dtype(np.int8), self.record.shape[:1])


def is_import(folder: Path) -> bool:
    """Test whether a folder looks like an imported set."""
    try:
        return (folder / SET_NAME).is_file() and (folder / IMAGES_NAME).is_file()
    except OSError:
        return False


def open_import(folder: Path) -> ImportedSet:
    """Open an imported set; its images are not read.

    Raises:
        DataError: when there is none, or it is damaged.
    """
    path = folder / SET_NAME
    try:
        with open_regular(path, MAX_JSON_BYTES) as file:
            record = msgspec.json.decode(file.read(), type=SetRecord)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Import the images again.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error}). Import the images again.") from error
    if record.version != VERSION:
        raise DataError(f"{path} has version {record.version}, and {VERSION} is read. Import the images again.")
    imported = ImportedSet(folder, record)
    _check(imported)
    return imported


def name_of_import(words: str) -> str:
    """Name that the user gave the imported set in a folder; empty where there is none, or it is damaged.

    Args:
        words: path as typed or pasted, see ``typed_path``.
    """
    if not words.strip():
        return ""
    try:
        path = typed_path(words) / SET_NAME
        return _name_in(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, RecursionError, msgspec.DecodeError):
        return ""


@lru_cache(maxsize=1024)
def _name_in(path: Path, changed: int) -> str:
    """Name in ``set.json``, read once for each time of change: lists of runs ask for it by the thousand."""
    with open_regular(path, MAX_JSON_BYTES) as file:
        return plain_text(msgspec.json.decode(file.read(), type=_Named).name)


def _check(imported: ImportedSet) -> None:
    """Map the arrays, which compares their headers and sizes with the record."""
    count, channels, height, width = imported.record.shape
    if min(imported.record.shape) < 1 or channels not in (1, 3) or max(height, width) > 256:
        raise DataError(
            f"{imported.folder / SET_NAME} is damaged: its images have the shape {imported.record.shape}. Import the "
            "images again."
        )
    if imported.record.split_sizes and sum(imported.record.split_sizes.values()) != count:
        raise DataError(
            f"{imported.folder / SET_NAME} is damaged: its splits do not add up to {count:,} images. "
            "Import the images again."
        )
    _ = imported.images, imported.labels, imported.splits


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        with open_regular(path) as file:
            found_shape, is_fortran, found_dtype = _read_header(file)
            size, start = os.fstat(file.fileno()).st_size, file.tell()
    except (OSError, ValueError, SyntaxError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({error}). Import the images again.") from error
    if (found_shape, is_fortran, found_dtype) != (shape, False, dtype) or size != start + math.prod(
        shape
    ) * dtype.itemsize:
        raise DataError(f"{path} is not the file that was imported. Import the images again.")
    return np.memmap(path, dtype, "r", offset=start, shape=shape)


def _read_header(file: BufferedReader) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("it has another format")
    return np.lib.format.read_array_header_1_0(file)


def array_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Header of a NumPy file with ``HEADER_BYTES`` bytes, so that it can be written again with another number.

    Source: NEP 1, A Simple File Format for NumPy Arrays.
    """
    text = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}).encode()
    room = HEADER_BYTES - 10
    return b"\x93NUMPY\1\0" + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n"
