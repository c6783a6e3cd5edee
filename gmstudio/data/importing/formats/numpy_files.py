"""NumPy's ``.npy`` and ``.npz``: mapped or read in pieces, never unpickled."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.assembling import assemble
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.formats.naming import role_of
from gmstudio.data.importing.formats.npy_header import NpyHeader, PickledArrayError, read_npy_header
from gmstudio.data.importing.formats.stored import (
    MEMORY_BYTES,
    PIECE_BYTES,
    HeldArray,
    JoinedArray,
    Reading,
    StoredArray,
    Values,
    check_expansion,
    finish,
    phrase,
    slices,
    stem,
)
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

_MAX_ENTRIES = 1000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npy(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read one array.

    Raises:
        DataError: when the file is damaged or holds no images.
    """
    return (yield from assemble([open_npy(path)], stem(path), str(path), settings))


def read_npy_folder(folder: Path, paths: list[Path], settings: ReadSettings) -> Reading[FormatSet]:
    """Read the arrays of a folder: ``x_train.npy``, ``y_train.npy`` …, or one file a class; see ``read_npy``."""
    arrays = [open_npy(path) for path in paths]
    if settings.variant.strip() or not _is_by_class(arrays):
        return (yield from assemble(arrays, folder.name, str(folder), settings))
    names = tuple(array.name for array in arrays)
    raw = yield from assemble([JoinedArray("images", str(folder), arrays)], folder.name, str(folder), settings)
    raw.labels = np.repeat(np.arange(len(arrays)), [array.shape[0] for array in arrays])
    raw.label_names = names
    raw.guesses = (Guess("variant", f"Each file is taken as a class: {', '.join(names)}."), *raw.guesses)
    return raw


def _is_by_class(arrays: list[StoredArray]) -> bool:
    """Test for images of one size in several files whose names speak neither of images nor of labels nor of splits."""
    roles = [role_of(array.name) for array in arrays]
    alike = len({(array.shape[1:], array.dtype) for array in arrays}) == 1 and len(arrays[0].shape) >= 2
    return len(arrays) > 1 and alike and not any(role.split or role.is_images or role.is_labels for role in roles)


def read_npz(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read the arrays of an archive; see ``read_npy``."""
    arrays, pickled = open_npz(path)
    raw = yield from assemble(arrays, stem(path), str(path), settings)
    if pickled:
        raw.remarks = (*raw.remarks, f"Left out, since they hold pickled objects: {', '.join(pickled[:10])}.")
    return raw


def open_npy(path: Path) -> StoredArray:
    """Map an array from its file.

    Raises:
        DataError: when the file is damaged or holds Python objects.
    """
    try:
        with open_regular(path) as file:
            header = read_npy_header(file, str(path))
        there = regular_size(path) - header.offset
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    if there < header.num_bytes:
        raise DataError(f"{path} is cut short: it holds {there:,} of {header.num_bytes:,} bytes. Get it again.")
    if not header.num_bytes:
        return HeldArray(stem(path), str(path), np.empty(header.shape, header.dtype))
    order = "F" if header.fortran_order else "C"
    values = np.memmap(path, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload]
    return HeldArray(stem(path), str(path), values)


def open_npz(path: Path) -> tuple[list[StoredArray], list[str]]:
    """List the arrays of an archive; headers are read, values are not.

    Returns:
        The arrays, and the names of those that hold pickled objects.

    Raises:
        DataError: when it is no such archive, is damaged, encrypted or a bomb, or holds pickled objects only.
    """
    arrays: list[StoredArray] = []
    pickled: list[str] = []
    with _archive(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if not entries:
            raise DataError(f"{path} holds no arrays. Save some with numpy.savez.")
        if len(archive.infolist()) > _MAX_ENTRIES:
            raise DataError(
                f"{path} has {len(archive.infolist()):,} entries; at most {_MAX_ENTRIES:,} are read. Save fewer arrays."
            )
        for entry in entries:
            if entry.filename.startswith("__MACOSX/"):
                continue
            try:
                arrays.append(_open_entry(path, archive, entry))
            except PickledArrayError:
                if len(entries) == 1:
                    raise
                pickled.append(entry.filename.removesuffix(".npy"))
    return arrays, pickled


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is a damaged archive: {phrase(error)}. Get it again.") from error
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error


def _open_entry(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> StoredArray:
    origin = f"{path}, {entry.filename}"
    if entry.flag_bits & 1:
        raise DataError(f"{origin} is encrypted. Save it without a password.")
    if entry.compress_type not in _METHODS:
        raise DataError(f"{origin} is packed by method {entry.compress_type}; use numpy.savez or savez_compressed.")
    with archive.open(entry) as file:
        header = read_npy_header(file, origin)
    if header.offset + header.num_bytes != entry.file_size:
        raise DataError(
            f"{origin} is damaged: its header promises {header.num_bytes:,} bytes, and the archive holds "
            f"{entry.file_size - header.offset:,}. Get it again."
        )
    check_expansion(origin, entry.compress_size, entry.file_size)
    kind = NpzColumnMajor if header.fortran_order and len(header.shape) > 1 else NpzArray
    return kind(path, entry, header, origin)


class NpzArray(StoredArray):
    """An array in an archive, unpacked in pieces each time that it is read."""

    def __init__(self, path: Path, entry: zipfile.ZipInfo, header: NpyHeader, origin: str) -> None:
        name = entry.filename.removesuffix(".npy").rsplit("/", 1)[-1]
        super().__init__(name, origin, header.shape, header.dtype)
        self._path = path
        self._entry = entry
        self._header = header

    def pieces(self) -> Iterator[Values]:
        """Parts along the first axis; see ``StoredArray.pieces``."""
        yield from self._stream(self.shape or (1,))

    def _stream(self, shape: tuple[int, ...]) -> Iterator[Values]:
        if not self.num_bytes:
            return
        row_bytes = self.num_bytes // shape[0]
        at_once = max(1, PIECE_BYTES // row_bytes)
        with _archive(self._path) as archive, archive.open(self._entry) as file:
            file.read(self._header.offset)
            for start in range(0, shape[0], at_once):
                count = min(at_once, shape[0] - start)
                content = _read_all(file, count * row_bytes, self.origin)
                yield np.frombuffer(content, self.dtype).reshape(count, *shape[1:])
            if file.read(1):  # also compares the checksum at the end
                raise DataError(f"{self.origin} continues after its array. Get it again.")


class NpzColumnMajor(NpzArray):
    """An array in Fortran order in an archive: unpacked as a whole, since its images lie interleaved."""

    def __init__(self, path: Path, entry: zipfile.ZipInfo, header: NpyHeader, origin: str) -> None:
        super().__init__(path, entry, header, origin)
        if self.num_bytes > MEMORY_BYTES:
            raise DataError(
                f"{origin} has {self.num_bytes:,} bytes in Fortran order; at most {MEMORY_BYTES:,} are read from an "
                "archive. Save numpy.ascontiguousarray of it, or a .npy file."
            )
        self._values: Values | None = None

    def prepare(self) -> Reading[None]:
        """Unpack the array; see ``StoredArray.prepare``."""
        if self._values is not None:
            return
        turned = np.empty(self.shape[::-1], self.dtype)
        start = 0
        for piece in self._stream(turned.shape):
            turned[start : start + len(piece)] = piece
            start += len(piece)
            yield start / len(turned)
        self._values = turned.T

    @property
    def values(self) -> Values:
        """The whole array; see ``StoredArray.values``."""
        if self._values is None:
            finish(self.prepare())
        assert self._values is not None
        return self._values

    def pieces(self) -> Iterator[Values]:
        """Slices of the array; see ``StoredArray.pieces``."""
        yield from slices(self.values)


def _read_all(file: IO[bytes], size: int, origin: str) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise DataError(f"{origin} is cut short: {size - len(content):,} bytes are missing. Get it again.")
    return content
