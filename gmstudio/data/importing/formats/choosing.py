"""Choice of the reader for a path: by the content of a file, by the names in a folder."""

import os
from collections.abc import Generator
from itertools import islice
from pathlib import Path

import msgspec

from gmstudio.data.dataset import DataError
from gmstudio.data.folder import is_passed_over, is_subfolder
from gmstudio.data.idx_folder import is_idx_name
from gmstudio.data.importing.formats.cifar import (
    cifar_files,
    is_cifar_file,
    read_cifar_file,
    read_cifar_folder,
    read_cifar_tar,
)
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.formats.idx_sets import read_idx_file, read_idx_folder
from gmstudio.data.importing.formats.matlab import HDF5_MAGIC, read_mat
from gmstudio.data.importing.formats.npy_header import MAGIC as NPY_MAGIC
from gmstudio.data.importing.formats.numpy_files import read_npy, read_npy_folder, read_npz
from gmstudio.data.importing.formats.pickled_sets import is_pickle_file, read_pickle_file
from gmstudio.data.importing.formats.stored import Reading, finish
from gmstudio.data.importing.formats.tables import read_table
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError
from gmstudio.system.os_errors import os_error_sentence

READ_TAR = (".tar", ".tar.gz", ".tgz")
"""Endings of archives of which CIFAR is read."""
_TABLES = (".csv", ".tsv", ".amat", ".dat", ".txt")
_ARRAYS = (".npy", ".npz", ".mat", ".amat", ".csv", ".tsv")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_MAX_ENTRIES = 5_000
_MAX_DEPTH = 3


def open_format(path: Path, settings: ReadSettings) -> FormatSet | None:
    """Open a file of arrays or a table, or a folder of such files, at once; see ``read_format``."""
    return finish(read_format(path, settings))


def read_format(path: Path, settings: ReadSettings) -> Generator[float, None, FormatSet | None]:
    """Open a file of arrays or a table, or a folder of such files, in small pieces.

    Yields:
        The share that is done, 0 to 1.

    Returns:
        The raw set; None when the path is none of these.

    Raises:
        DataError: when it is one of these and cannot be used; ConfigError for settings that do not fit it.
    """
    try:
        reading = _folder_reading(path, settings) if path.is_dir() else _file_reading(path, settings)
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    return None if reading is None else (yield from reading)


def _file_reading(path: Path, settings: ReadSettings) -> Reading[FormatSet] | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(8)
    name = path.name.lower().removesuffix(".gz")
    packed = start[:2] == b"\x1f\x8b"
    if name.endswith((".tar", ".tgz")):
        return read_cifar_tar(path, settings)
    if start[:6] == NPY_MAGIC or name.endswith(".npy"):
        return read_npy(path, settings)
    if name.endswith(".npz"):
        return read_npz(path, settings)
    if start == HDF5_MAGIC or start[:6] == b"MATLAB" or name.endswith(".mat"):
        return read_mat(path, settings)
    if is_idx_name(path.name) or (start[:3] == b"\0\0\x08") or "idx3" in name or "idx1" in name:
        return read_idx_file(path, settings)
    if name.endswith(_TABLES):
        return read_table(path, settings)
    if is_pickle_file(path):
        return read_pickle_file(path, settings)
    if not packed and is_cifar_file(path):
        return read_cifar_file(path, settings)
    return None


def _folder_reading(folder: Path, settings: ReadSettings) -> Reading[FormatSet] | None:
    names, below, pictures = _survey(folder)
    if any(is_idx_name(name) for name in (*names, *(path.name for path in below))):
        return read_idx_folder(folder, settings)
    for place in (folder, *{path.parent for path in below}):
        here = names if place == folder else [path.name for path in below if path.parent == place]
        if cifar := cifar_files(place, here):
            return read_cifar_folder(place, cifar, settings)
    if pictures:
        return None
    return _array_reading(folder, [folder / name for name in names] + below, settings)


def _array_reading(folder: Path, paths: list[Path], settings: ReadSettings) -> Reading[FormatSet] | None:
    arrays = sorted(path for path in paths if path.name.lower().removesuffix(".gz").endswith(_ARRAYS))
    mapped = [path for path in arrays if path.suffix.lower() == ".npy"]
    if mapped:
        return read_npy_folder(folder, mapped, settings)
    wanted = settings.variant.strip().lower()
    matching = [path for path in arrays if wanted and wanted in (path.name.lower(), path.stem.lower())]
    if len(matching) == 1:
        return _file_reading(matching[0], msgspec.structs.replace(settings, variant=""))
    if len(arrays) == 1:
        return _file_reading(arrays[0], settings)
    if arrays:
        shown = ", ".join(path.name for path in arrays[:8])
        raise ConfigError({"variant": f"{folder} holds several files of images: {shown}. Name one as subset name."})
    return None


def _survey(folder: Path) -> tuple[list[str], list[Path], bool]:
    """Names of the files in a folder, files below, and whether pictures are among them; of at most ``_MAX_ENTRIES``."""
    names: list[str] = []
    below: list[Path] = []
    pictures = False
    waiting, left = [(folder, 0)], _MAX_ENTRIES
    while waiting and left > 0:
        place, depth = waiting.pop(0)
        for entry in _listed(place, left, must=not depth):
            left -= 1
            if is_passed_over(entry.name):
                continue
            pictures = pictures or entry.name.lower().endswith(_PICTURES)
            if is_subfolder(entry):
                waiting += [(Path(entry.path), depth + 1)] if depth < _MAX_DEPTH else []
            elif depth:
                below.append(Path(entry.path))
            else:
                names.append(entry.name)
    return names, below, pictures


def _listed(place: Path, most: int, *, must: bool) -> list[os.DirEntry[str]]:
    """First entries of a folder; none of a subfolder that cannot be read, unless it must be."""
    try:
        with os.scandir(place) as entries:
            return list(islice(entries, most))
    except OSError:
        if must:
            raise
        return []
