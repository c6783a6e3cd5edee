"""Pickled arrays of other programs, such as ``mnist.pkl.gz``: read without unpickling (``pickled``)."""

import gzip
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.assembling import assemble
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.formats.pickled import MAX_PICKLE_BYTES, read_pickle
from gmstudio.data.importing.formats.stored import HeldArray, Reading, StoredArray, shares, stem
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.data import SPLITS
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

_ENDINGS = (".pkl", ".pickle", ".p", ".pk")


def is_pickle_file(path: Path) -> bool:
    """Test whether a file is named as a pickle, gzipped or not."""
    return path.name.lower().removesuffix(".gz").endswith(_ENDINGS)


def read_pickle_file(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read a pickled array, dictionary of arrays, or list of (images, labels), one a split.

    Raises:
        DataError: when it holds or does anything else, or is damaged.
    """
    try:
        size = regular_size(path, MAX_PICKLE_BYTES)
        with open_regular(path) as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    limited = cast(BinaryIO, _Limited(path, cast(BinaryIO, unpacked)))
                    content = yield from shares(read_pickle(limited, MAX_PICKLE_BYTES, str(path)), 0.0, 0.5)
            else:
                content = yield from shares(read_pickle(file, size, str(path)), 0.0, 0.5)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged or incomplete gzip file. Get it again.") from error
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    arrays = _arrays(content, path)
    return (yield from shares(assemble(arrays, stem(path), str(path), settings), 0.5, 0.5))


class _Limited:
    """Unpacked stream of at most ``MAX_PICKLE_BYTES``."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._left = MAX_PICKLE_BYTES

    def read(self, size: int) -> bytes:
        return self._count(self._stream.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._count(self._stream.readline(self._left + 1))

    def _count(self, content: bytes) -> bytes:
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._path} unpacks to more than {MAX_PICKLE_BYTES:,} bytes, which are not read as pickled arrays. "
                "Save the arrays with numpy.savez."
            )
        return content


def _arrays(content: Any, path: Path) -> list[StoredArray]:
    if isinstance(content, np.ndarray):
        return [HeldArray("images", str(path), content)]
    if type(content) is dict:
        named = {
            key.decode("ascii", "replace") if isinstance(key, bytes) else str(key): v for key, v in content.items()
        }
        return [
            HeldArray(name[:80], f"{path}, {name[:80]}", array)
            for name, value in named.items()
            if (array := _as_array(value)) is not None
        ]
    if type(content) in (tuple, list) and 2 <= len(content) <= 3:
        return _pairs(content, path)
    raise DataError(f"{path} holds no array, dictionary of arrays or splits of (images, labels). Use numpy.savez.")


def _pairs(content: Any, path: Path) -> list[StoredArray]:
    """Splits of (images, labels), or one such pair."""
    if isinstance(content[0], np.ndarray):
        content = (content,)
    splits = ("train", "test") if len(content) == 2 else SPLITS
    arrays: list[StoredArray] = []
    for split, pair in zip(splits, content, strict=False):
        if type(pair) not in (tuple, list) or len(pair) != 2:
            raise DataError(f"{path} holds no splits of (images, labels). Save the arrays with numpy.savez.")
        for name, value in zip(("x", "y"), pair, strict=True):
            array = _as_array(value)
            if array is None:
                raise DataError(f"{path} holds no array as {name} of its {split} split. Use numpy.savez.")
            whole = f"{name}_{split}" if len(content) > 1 else name
            arrays.append(HeldArray(whole, f"{path}, {whole}", array))
    return arrays


def _as_array(value: Any) -> np.ndarray[Any, np.dtype[Any]] | None:
    if isinstance(value, np.ndarray):
        return value
    if type(value) is list and value and all(type(item) is int for item in value) and max(map(abs, value)) < 1 << 31:
        return np.array(value, np.int64)
    return None
