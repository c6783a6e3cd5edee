"""Search for pictures below a folder, a piece at a time, in an order that does not depend on the file system.

Order: a folder's own pictures by name, then its subfolders by name; names compare as bytes.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.picture_index import PICTURE_SUFFIXES, PictureIndex, RecordSorter, is_junk, suffix_of
from gmstudio.data.progress import Progress
from gmstudio.system.os_errors import os_error_sentence

PIECE_ENTRIES = 2_000
"""Directory entries between two pieces."""
MAX_DEPTH = 32
MAX_FILES = 20_000_000
_STAMP = struct.Struct("<QQ")


def walk_pictures(folder: Path) -> Iterator[Progress | PictureIndex]:
    """List the pictures below a folder; the last item is the index.

    Each folder is entered once, so that symbolic links that lead back do no harm. Where no file has the suffix of a
    picture, files without any suffix are taken for pictures.

    Raises:
        DataError: when the folder cannot be read, or holds too many files.
    """
    walk = _Walk(folder, PICTURE_SUFFIXES)
    yield from walk.pieces()
    if not len(walk.index) and walk.index.num_bare:
        walk = _Walk(folder, frozenset(("",)))
        yield from walk.pieces()
    yield Progress("index", len(walk.index))
    yield walk.index


class _Walk:
    """A walk below a folder that lists the files with certain suffixes."""

    def __init__(self, root: Path, suffixes: frozenset[str]) -> None:
        self.index = PictureIndex()
        self._root, self._top = root, os.fsencode(root)
        self._suffixes = suffixes
        self._seen = 0
        self._entered: set[tuple[int, int]] = set()

    def pieces(self) -> Iterator[Progress]:
        waiting: list[tuple[bytes, int]] = [(b"", 0)]
        while waiting:
            place, depth = waiting.pop()
            below: list[bytes] = []
            try:
                if self._is_new(place):
                    yield from self._list(place, below)
            except OSError as error:
                if not place:
                    raise DataError(os_error_sentence(error)) from error
                self.index.pass_over_folder(place)
            if depth < MAX_DEPTH:
                waiting += [(_joined(place, name), depth + 1) for name in sorted(below, reverse=True)]
            elif below:
                self.index.pass_over_folder(_joined(place, below[0]))

    def _full(self, place: bytes) -> bytes:
        return os.path.join(self._top, place) if place else self._top  # noqa: PTH118 -- bytes

    def _is_new(self, place: bytes) -> bool:
        status = os.stat(self._full(place))  # noqa: PTH116 -- bytes
        identity = (status.st_dev, status.st_ino)
        known = identity in self._entered and identity[1] != 0  # some file systems number no files
        self._entered.add(identity)
        return not known

    def _list(self, place: bytes, below: list[bytes]) -> Iterator[Progress]:
        """Add the pictures of a folder to the index, and the names of its subfolders to ``below``."""
        found = RecordSorter()
        with os.scandir(self._full(place)) as entries:
            for entry in entries:
                self._look_at(entry, found, below)
                self._seen += 1
                if self._seen % PIECE_ENTRIES == 0:
                    found.end_run()
                    self._check_number()
                    yield Progress("index", len(self.index) + len(found))
        if len(found):
            self.index.add_folder(place)
        for added, record in enumerate(found.merged(), 1):
            self.index.add(record[: -_STAMP.size - 1], record[-_STAMP.size :])
            if added % PIECE_ENTRIES == 0:
                yield Progress("index", len(self.index))

    def _look_at(self, entry: "os.DirEntry[bytes]", found: RecordSorter, below: list[bytes]) -> None:
        name = entry.name
        if is_junk(name):
            return
        try:
            if entry.is_dir():
                below.append(name)
            elif suffix_of(name) not in self._suffixes:
                self.index.pass_over(name)
            else:
                status = entry.stat()
                # A zero byte sorts below all that names have, so that records sort as their names do.
                found.add(name + b"\0" + _STAMP.pack(status.st_size, status.st_mtime_ns & (1 << 64) - 1))
        except OSError:  # a symbolic link that leads nowhere, or back to itself
            self.index.pass_over(name)

    def _check_number(self) -> None:
        if self._seen > MAX_FILES:
            raise DataError(
                f"{self._root} holds more than {MAX_FILES:,} files. Choose the folder nearest to the pictures."
            )


def _joined(place: bytes, name: bytes) -> bytes:
    return place + b"/" + name if place else name
