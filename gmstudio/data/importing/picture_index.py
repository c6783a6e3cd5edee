"""Compact lists of picture files: a million take tens of megabytes, not a Python object each."""

import hashlib
import heapq
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

PICTURE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff")
)
OTHER_PICTURES = frozenset((".heic", ".heif", ".avif", ".svg", ".psd", ".tga", ".jp2", ".eps", ".pdf", ".ico", ".exr"))
"""Kinds of pictures that are not read, but are named."""
JUNK_FOLDERS = frozenset((b"__macosx", b"$recycle.bin", b"system volume information", b"@eadir"))
JUNK_FILES = frozenset((b"thumbs.db", b"desktop.ini", b"ehthumbs.db"))
ARCHIVES = frozenset((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"))
_MAX_KINDS = 50


def is_junk(name: bytes) -> bool:
    """Test whether a file or folder was made by a system, not by the user: hidden ones, thumbnails, attributes."""
    lower = name.lower()
    return name.startswith(b".") or lower in JUNK_FOLDERS or lower in JUNK_FILES


def suffix_of(name: bytes) -> str:
    """Lower-case suffix of a file name, with its point; empty where there is none."""
    return os.path.splitext(name)[1].lower().decode("ascii", "replace")  # noqa: PTH122 -- bytes, by the million


def readable(name: bytes) -> str:
    """File name for display; bytes that are not UTF-8 are escaped."""
    return name.decode("utf-8", "backslashreplace")


class RecordSorter:
    """Byte strings that are sorted a piece at a time: short runs are sorted as they come, then merged."""

    def __init__(self) -> None:
        self._runs: list[list[bytes]] = []
        self._run: list[bytes] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs)) + len(self._run)

    def add(self, record: bytes) -> None:
        """Add a record to the run."""
        self._run.append(record)

    def end_run(self) -> None:
        """Sort the run, and begin another."""
        if self._run:
            self._run.sort()
            self._runs.append(self._run)
            self._run = []

    def merged(self) -> Iterator[bytes]:
        """All records, sorted."""
        self.end_run()
        return heapq.merge(*self._runs) if len(self._runs) > 1 else iter(self._runs[0] if self._runs else ())


class PictureIndex:
    """Paths of pictures below a folder or in an archive, in the order in which they were added.

    Attributes:
        folders: relative path of each folder that holds pictures, parts separated by ``/``; the top one is empty.
    """

    def __init__(self) -> None:
        self.folders: list[bytes] = []
        self._names = bytearray()
        self._ends = array("Q")
        self._folder_of = array("L")
        self._digest = hashlib.sha256()
        self._others: Counter[str] = Counter()
        self._closed_folders: list[bytes] = []
        self._num_closed = 0

    def __len__(self) -> int:
        return len(self._ends)

    def add_folder(self, path: bytes) -> None:
        """Begin a folder; pictures that are added next lie in it."""
        self.folders.append(path)
        self._digest.update(b"/" + path + b"\0")

    def add(self, name: bytes, stamp: bytes) -> None:
        """Add a picture of the folder that was begun last.

        Args:
            name: of its file.
            stamp: bytes that change with the file, such as its size and time.
        """
        self._names += name
        self._ends.append(len(self._names))
        self._folder_of.append(len(self.folders) - 1)
        self._digest.update(name + b"\0" + stamp)

    def pass_over(self, name: bytes) -> None:
        """Count a file that is no picture."""
        suffix = suffix_of(name)
        if suffix in self._others or len(self._others) < _MAX_KINDS:
            self._others[suffix] += 1

    def pass_over_folder(self, path: bytes) -> None:
        """Note a folder that cannot be entered."""
        self._num_closed += 1
        if len(self._closed_folders) < _MAX_KINDS:
            self._closed_folders.append(path)

    @property
    def num_bare(self) -> int:
        """Number of files without a suffix that were passed over."""
        return self._others[""]

    def path(self, index: int) -> bytes:
        """Relative path of a picture, parts separated by ``/``."""
        start = self._ends[index - 1] if index else 0
        folder = self.folders[self._folder_of[index]]
        name = bytes(self._names[start : self._ends[index]])
        return folder + b"/" + name if folder else name

    @property
    def folder_of(self) -> "array[int]":
        """Position in ``folders`` for each picture."""
        return self._folder_of

    @property
    def signature(self) -> str:
        """SHA-256 of paths and stamps, in hexadecimal digits."""
        return self._digest.hexdigest()

    def remarks(self) -> tuple[str, ...]:
        """Sentences on the files that were passed over."""
        pictures = {suffix: count for suffix, count in self._others.items() if suffix in OTHER_PICTURES}
        archives = {suffix: count for suffix, count in self._others.items() if suffix in ARCHIVES}
        others = {
            suffix or "no suffix": count
            for suffix, count in self._others.items()
            if suffix not in pictures and suffix not in archives
        }
        found = []
        if pictures:
            found.append(f"Pictures of kinds that are not read: {_counts(pictures.items())}. Convert them to PNG.")
        if archives:
            found.append(f"Archives inside are not opened: {_counts(archives.items())}. Unpack them.")
        if others:
            found.append(f"Files that are no pictures were passed over: {_counts(others.items())}.")
        if self._num_closed:
            some = readable(self._closed_folders[0])
            what = f"The folder {some}" if self._num_closed == 1 else f"{self._num_closed:,} folders, such as {some},"
            found.append(f"{what} could not be read. Check the permissions.")
        return tuple(found)


def _counts(items: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} ({suffix})" for suffix, count in sorted(items, key=lambda item: -item[1])[:8])
