"""One IDX file, plain or gzipped: 0 0 type dims, a big-endian 32-bit size per dimension, then the bytes.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database, section "The IDX file format".
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.system.regular_file import open_regular

MAX_BYTES = 1 << 30
MAX_SOURCE_SIDE = 4096
_UNSIGNED_BYTE = 0x08
_TYPES = {
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "doubles",
}
_DEFLATE_LIMIT = 1032  # largest factor by which a deflate stream can expand
_KINDS = {1: "labels", 3: "grey images"}
_PIECE_BYTES = 1 << 20
Pieces = Generator[float, None, NDArray[np.uint8]]
Transform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def read_images(path: Path, transform: Transform | None = None) -> NDArray[np.uint8]:
    """Grey images (N, H, W).

    Args:
        path: the file.
        transform: applied to the images as they are read, some at a time, so that large ones that become small take no
            more memory than those: (n, H, W) → (n, H', W') uint8, each image by itself. None: none.

    Raises:
        DataError: when the file cannot be read, is no IDX file of images, is cut short or is implausibly large.
    """
    return _finish(read_images_in_pieces(path, transform))


def read_images_in_pieces(path: Path, transform: Transform | None = None) -> Pieces:
    """Grey images as ``read_images``, a few megabytes at a time; yields the share that is read."""
    with _opened(path, 3) as (file, shape):
        return (yield from _read_content(path, file, shape, transform))


def image_pieces(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Grey images (n, H, W) of a file, a few megabytes at a time; see ``read_images``."""
    with _opened(path, 3) as (file, shape):
        yield from _pieces(path, file, shape)


def read_labels(path: Path) -> NDArray[np.int64]:
    """Labels (N,), 0 to 255.

    Raises:
        DataError: when the file cannot be read, is no IDX file of labels, or is cut short.
    """
    with _opened(path, 1) as (file, shape):
        return _finish(_read_content(path, file, shape)).astype(np.int64)


def read_images_shape(path: Path) -> tuple[int, ...]:
    """(N, H, W) of a file of images, from its header alone; see ``read_images``."""
    with _opened(path, 3) as (_file, shape):
        return shape


def read_labels_count(path: Path) -> int:
    """Number of labels of a file, from its header alone; see ``read_labels``."""
    with _opened(path, 1) as (_file, shape):
        return shape[0]


def _finish(pieces: Pieces) -> NDArray[np.uint8]:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            content: NDArray[np.uint8] = end.value
            return content


@contextmanager
def _opened(path: Path, dims: int) -> Iterator[tuple[BufferedIOBase, tuple[int, ...]]]:
    """The file behind its header, unpacked where it is gzipped, and the shape that the header promises."""
    try:
        with open_regular(path) as file:
            packed = file.read(2) == b"\x1f\x8b"  # by content: browsers unpack downloads and keep the name
            file.seek(0)
            most_bytes = path.stat().st_size
            if not packed:
                yield file, _parse_shape(path, file, dims, most_bytes)
                return
            unpacked_bytes = _promised_bytes(file)
            with gzip.GzipFile(fileobj=file) as unpacked:
                shape = _parse_shape(path, unpacked, dims, _DEFLATE_LIMIT * most_bytes)
                if unpacked_bytes > 4 + 4 * dims + math.prod(shape):
                    raise DataError(
                        f"{path} is a damaged or incomplete gzip file, or continues after the {_shape_text(shape)} "
                        "bytes that its header promises. Download it again."
                    )
                yield unpacked, shape
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged or incomplete gzip file. Download it again.") from error
    except OSError as error:
        raise DataError(
            f"{path} could not be read ({error.strerror}). Check its permissions or choose another folder."
        ) from error


def _parse_shape(path: Path, file: BufferedIOBase, dims: int, most_bytes: int) -> tuple[int, ...]:
    """Shape that the header promises, checked before anything is read or unpacked for it."""
    shape = _parse_header(path, file, dims)
    size = math.prod(shape)
    if max(size, *shape) > MAX_BYTES:  # a size of 0 may hide implausible sides
        raise DataError(
            f"{path} promises {_shape_text(shape)} bytes, more than the {MAX_BYTES // 2**20} MiB that are read. "
            "Check that it is the right file."
        )
    if len(shape) == 3:
        _check_images(path, *shape)
    header = 4 + 4 * dims
    if header + size > most_bytes:
        _refuse_short(path, shape)
    return shape


def _check_images(path: Path, count: int, height: int, width: int) -> None:
    if count == 0:
        raise DataError(f"{path} holds no images. Choose a folder whose files hold some.")
    if not (1 <= height <= MAX_SOURCE_SIDE and 1 <= width <= MAX_SOURCE_SIDE):
        raise DataError(f"{path} has images of {height}×{width} pixels; at most {MAX_SOURCE_SIDE} per side are read.")


def _read_content(
    path: Path, file: BufferedIOBase, shape: tuple[int, ...], transform: Transform | None = None
) -> Pieces:
    content, start = np.empty(shape if transform is None else 0, dtype=np.uint8), 0
    for piece in _pieces(path, file, shape):
        piece = piece if transform is None else transform(piece)
        if not start and transform is not None:
            content = np.empty((shape[0], *piece.shape[1:]), dtype=np.uint8)
        content[start : start + len(piece)] = piece
        start += len(piece)
        yield start / shape[0]
    return content


def _pieces(path: Path, file: BufferedIOBase, shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    count, *sides = shape
    at_once = max(1, _PIECE_BYTES // math.prod(sides))
    for start in range(0, count, at_once):
        piece = np.empty((min(at_once, count - start), *sides), dtype=np.uint8)
        _fill(path, file, piece.reshape(-1).data, shape)
        yield piece
    if file.read(1):
        raise DataError(
            f"{path} continues after the {_shape_text(shape)} bytes that its header promises. Download it again."
        )


def _fill(path: Path, file: BufferedIOBase, view: memoryview, shape: tuple[int, ...]) -> None:
    filled = 0
    while filled < len(view):
        count = file.readinto(view[filled:])
        if not count:
            _refuse_short(path, shape)
        filled += count


def _parse_header(path: Path, file: BufferedIOBase, dims: int) -> tuple[int, ...]:
    magic = file.read(4)
    if not magic:
        raise DataError(f"{path} is empty. Download it again.")
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"{path} is no IDX file: it begins with {magic!r}, not with two zero bytes. Download it again.")
    _, _, kind, found_dims = magic
    if kind != _UNSIGNED_BYTE:
        what = f"holds {_TYPES[kind]}" if kind in _TYPES else f"has the unknown value type {kind:#04x}"
        raise DataError(f"{path} {what}; only unsigned bytes are read. Convert it or choose another file.")
    if found_dims != dims:
        found = _KINDS.get(found_dims, f"arrays of {found_dims} dimensions")
        raise DataError(f"{path} holds {found}, not {_KINDS[dims]}. Give the files their right names.")
    sizes = file.read(4 * dims)
    if len(sizes) < 4 * dims:
        raise DataError(f"{path} is cut short within its header. Download it again.")
    return tuple(struct.unpack(f">{dims}I", sizes))


def _promised_bytes(file: BufferedReader) -> int:
    """Size that a gzip file says it unpacks to: of its last member, modulo 2³² (RFC 1952, ISIZE)."""
    file.seek(-4, os.SEEK_END)
    size = int.from_bytes(file.read(4), "little")
    file.seek(0)
    return size


def _refuse_short(path: Path, shape: tuple[int, ...]) -> NoReturn:
    raise DataError(f"{path} is cut short: its header promises {_shape_text(shape)} bytes. Download it again.")


def _shape_text(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape)
