"""Folders and zip archives of pictures as raw sets."""

import contextlib
import os
import struct
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing import decoding
from gmstudio.data.importing.folder_walk import PIECE_ENTRIES, walk_pictures
from gmstudio.data.importing.layout import layout_of
from gmstudio.data.importing.picture_index import (
    PICTURE_SUFFIXES,
    PictureIndex,
    RecordSorter,
    is_junk,
    readable,
    suffix_of,
)
from gmstudio.data.importing.raw import BadImageError, RawImage, RawSet
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.data.importing.zip_directory import Entry, read_entries, read_entry
from gmstudio.data.progress import Progress
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import read_regular

LARGE_BYTES = 4 << 20
"""Files of this size and more are read one at a time, so that threads do not multiply their memory."""
MAX_FILE_BYTES = 96 << 20
_HEAD_BYTES = 1 << 16
_PLACE = struct.Struct("<QQQLH?")
"""Offset, packed size, size, CRC-32, method and encryption of an entry."""


def open_folder(folder: Path, settings: ReadSettings) -> Iterator[Progress | RawSet]:
    """List the pictures below a folder; the last item is the set.

    Raises:
        DataError: when it cannot be read, or holds no picture.
    """
    for item in walk_pictures(folder):
        if isinstance(item, Progress):
            yield item
            continue
        _check_some(folder, item)
        yield FolderPictures(folder, item, settings)


def open_zip(archive: Path, settings: ReadSettings) -> Iterator[Progress | RawSet]:
    """List the pictures in a zip archive; the last item is the set. Nothing is unpacked to the disk.

    Raises:
        DataError: when it is no such archive, is damaged, or holds no picture.
    """
    index, places, found = PictureIndex(), bytearray(), RecordSorter()
    try:
        for number, entry in enumerate(read_entries(archive), 1):
            _sort_in(entry, found, index)
            if number % PIECE_ENTRIES == 0:
                found.end_run()
                yield Progress("index", len(found))
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error
    folder_key = None
    for number, record in enumerate(found.merged(), 1):
        key, _, name = record[: -_PLACE.size - 1].rpartition(b"\0\0")
        if key != folder_key:
            folder_key = key
            index.add_folder(key.replace(b"\0", b"/"))
        index.add(name, record[-_PLACE.size :])
        places += record[-_PLACE.size :]
        if number % PIECE_ENTRIES == 0:
            yield Progress("index", number, len(found))
    yield Progress("index", len(index), len(index))
    _check_some(archive, index)
    _check_overlap(archive, places)
    yield ZipPictures(archive, index, bytes(places), settings)


def _sort_in(entry: Entry, found: RecordSorter, index: PictureIndex) -> None:
    *folders, name = entry.name.split(b"/")
    if not name or any(map(is_junk, (*folders, name))):
        return
    if suffix_of(name) not in PICTURE_SUFFIXES:
        index.pass_over(name)
        return
    # Zero bytes sort below all that names have: pictures of a folder come before its subfolders, as in a walk.
    place = _PLACE.pack(entry.offset, entry.packed, entry.size, entry.crc, entry.method, entry.encrypted)
    found.add(b"\0".join(folders) + b"\0\0" + name + b"\0" + place)


def _check_some(path: Path, index: PictureIndex) -> None:
    if not len(index):
        remarks = " ".join(index.remarks())
        raise DataError(f"{path} holds no PNG, JPEG, WEBP, BMP, GIF or TIFF pictures. {remarks}".strip())


def _check_overlap(archive: Path, places: bytearray) -> None:
    """Refuse entries that share bytes, by which a small archive unpacks to any size."""
    layout = np.dtype([("offset", "<u8"), ("packed", "<u8"), ("rest", f"V{_PLACE.size - 16}")])
    table = np.frombuffer(places, layout)
    order = np.argsort(table["offset"])
    offsets, ends = table["offset"][order], (table["offset"] + table["packed"])[order]
    if (ends[:-1] > offsets[1:]).any() or (ends < offsets).any():
        raise DataError(f"{archive} is a damaged or hostile zip archive: its entries overlap. Get it again.")


class Pictures(RawSet):
    """Pictures in files or entries of an archive."""

    drops_classes = True

    def __init__(self, title: str, index: PictureIndex, settings: ReadSettings) -> None:
        layout = layout_of(index, settings.label_column)
        super().__init__(title, layout.labels, layout.label_names, layout.splits, layout.guesses)
        self.signature = index.signature
        self.remarks = index.remarks()
        self._index = index
        self._settings = settings

    def __len__(self) -> int:
        return len(self._index)

    def name(self, index: int) -> str:
        """Path of the file below the folder or in the archive; see ``RawSet.name``."""
        return readable(self._index.path(index))

    def read(self, index: int) -> RawImage:
        """Decode a picture; see ``RawSet.read``."""
        return self._decode(index, None)

    def read_reduced(self, index: int, height: int, width: int) -> RawImage:
        """Decode a picture; see ``RawSet.read_reduced``."""
        return self._decode(index, (height, width))

    def measure(self, index: int) -> tuple[int, int]:
        """Size of a picture from its header; see ``RawSet.measure``."""
        name = self.name(index)
        try:
            head = self._content(index, name, _HEAD_BYTES)
            return decoding.measure(head, name, self._settings.orientation)
        except BadImageError:
            return decoding.measure(self._content(index, name), name, self._settings.orientation)

    def _decode(self, index: int, least: tuple[int, int] | None) -> RawImage:
        name, settings = self.name(index), self._settings
        size = self._size(index)
        if size > MAX_FILE_BYTES:
            raise _too_large(name, size)
        with decoding.one_large_picture if size >= LARGE_BYTES else contextlib.nullcontext():
            content = self._content(index, name)
            return decoding.decode(content, name, settings.orientation, settings.value_range, least)

    @abstractmethod
    def _size(self, index: int) -> int:
        """Bytes of a file, unpacked."""

    @abstractmethod
    def _content(self, index: int, name: str, most: int | None = None) -> bytes:
        """Bytes of a file, or the first ``most`` of them.

        Raises:
            BadImageError: when it cannot be read.
        """


class FolderPictures(Pictures):
    """Pictures below a folder."""

    def __init__(self, folder: Path, index: PictureIndex, settings: ReadSettings) -> None:
        self._top = os.fsencode(folder)
        super().__init__(readable(os.fsencode(folder.absolute().name)) or str(folder), index, settings)

    def _path(self, index: int) -> bytes:
        return self._top + b"/" + self._index.path(index)

    def _size(self, index: int) -> int:
        try:
            return os.stat(self._path(index)).st_size  # noqa: PTH116 -- bytes
        except OSError:  # reading says why
            return 0

    def _content(self, index: int, name: str, most: int | None = None) -> bytes:
        try:
            return read_regular(self._path(index), MAX_FILE_BYTES, most)
        except OSError as error:
            raise BadImageError(name, f"It cannot be read ({error.strerror or error}).") from error


class ZipPictures(Pictures):
    """Pictures in a zip archive."""

    def __init__(self, archive: Path, index: PictureIndex, places: bytes, settings: ReadSettings) -> None:
        self._archive, self._places = archive, places
        super().__init__(readable(os.fsencode(archive.stem)), index, settings)

    def _size(self, index: int) -> int:
        return self._entry(index).size

    def _entry(self, index: int) -> Entry:
        return Entry(self._index.path(index), *_PLACE.unpack_from(self._places, index * _PLACE.size))

    def _content(self, index: int, name: str, most: int | None = None) -> bytes:
        entry = self._entry(index)
        if max(entry.size, entry.packed) > MAX_FILE_BYTES:
            raise _too_large(name, max(entry.size, entry.packed))
        try:
            return read_entry(self._archive, entry)
        except OSError as error:
            raise BadImageError(name, f"The archive cannot be read ({error.strerror or error}).") from error


def _too_large(name: str, size: int) -> BadImageError:
    return BadImageError(name, f"It has {size:,} bytes, and at most {MAX_FILE_BYTES:,} are read. Resize it.")
