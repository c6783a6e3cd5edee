"""Writing of an imported set: under a temporary name, in its place at once when it is whole."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from array import array
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.set_file import (
    HEADER_BYTES,
    IMAGES_NAME,
    LABELS_NAME,
    SET_NAME,
    SPLITS_NAME,
    ImportedSet,
    SetRecord,
    array_header,
    open_import,
)
from gmstudio.data.importing.waiting import in_thread
from gmstudio.runs.atomic import sync_folder, write_synced
from gmstudio.system.os_errors import os_error_sentence

PARTIAL = ".importing-"
_PIECE_BYTES = 4 << 20


class SetWriter:
    """A set that is being written.

    Args:
        home: folder of the imported sets; created where it is missing.
        shape: (C, H, W) of the images.

    Raises:
        DataError: when it cannot be written.
    """

    def __init__(self, home: Path, shape: tuple[int, int, int]) -> None:
        self._home, self._shape = home, shape
        self._rows = array("Q")
        self._hashes = array("Q")
        self._folder = home / f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}"
        self._file: BinaryIO | None = None
        with _errors_in_words():
            home.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(home)
            self._folder.mkdir()
            try:
                self._file = (self._folder / IMAGES_NAME).open("w+b")
                self._file.write(bytes(HEADER_BYTES))
            except OSError:
                self.discard()
                raise

    @property
    def rows(self) -> NDArray[np.int64]:
        """Index in the raw set of each image so far."""
        return np.array(self._rows, np.int64)

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """64 bits by which equal images are found, of each image so far."""
        return np.array(self._hashes, np.uint64)

    def check_room(self, count: int) -> None:
        """Refuse to begin what the disk has no room for.

        Raises:
            DataError: when fewer bytes are free than this many images take.
        """
        needed, free = count * int(np.prod(self._shape)), shutil.disk_usage(self._home).free
        if needed > free:
            raise DataError(
                f"{count:,} images take {needed / 2**20:,.0f} MiB, and {self._home} has {free / 2**20:,.0f} MiB free. "
                "Choose a smaller size, or free some space."
            )

    def add(self, images: NDArray[np.uint8], indices: NDArray[np.int64]) -> None:
        """Append images (n, C, H, W), and their indices in the raw set.

        Raises:
            DataError: when they cannot be written.
        """
        assert self._file is not None
        with _errors_in_words():
            self._file.write(np.ascontiguousarray(images).data)
        self._rows.extend(indices.tolist())
        for image in images:
            digest = hashlib.blake2b(image.data, digest_size=8).digest()
            self._hashes.append(int.from_bytes(digest, "little"))

    def keep(self, positions: NDArray[np.int64]) -> Iterator[int]:
        """Drop all images but those at these rising positions; yields how many are moved so far.

        Raises:
            DataError: when they cannot be written.
        """
        assert self._file is not None
        size = int(np.prod(self._shape))
        at_once = max(1, _PIECE_BYTES // size)
        with _errors_in_words():
            for start in range(0, len(positions), at_once):
                for new, old in enumerate(positions[start : start + at_once].tolist(), start):
                    if new != old:
                        self._file.seek(HEADER_BYTES + old * size)
                        image = self._file.read(size)
                        self._file.seek(HEADER_BYTES + new * size)
                        self._file.write(image)
                yield min(start + at_once, len(positions))
            self._file.truncate(HEADER_BYTES + len(positions) * size)
        self._rows = array("Q", self.rows[positions].tolist())
        self._hashes = array("Q", self.hashes[positions].tolist())

    def finish(
        self, record: SetRecord, labels: NDArray[np.int64] | None, splits: NDArray[np.int8] | None
    ) -> Iterator[int | ImportedSet]:
        """Write what belongs to the images, and put the set in its place; yields progress, then the set.

        Args:
            record: whose ``shape`` and ``sha256`` are filled in here.
            labels: (N,) of the images.
            splits: (N,) of the images.

        Raises:
            DataError: when it cannot be written.
        """
        shape = (len(self._rows), *self._shape)
        with _errors_in_words():
            digest = yield from self._finish_images(shape)
            for name, values in ((LABELS_NAME, labels), (SPLITS_NAME, splits)):
                if values is not None:
                    content = values.tobytes()
                    digest.update(content)
                    write_synced(self._folder / name, array_header(values.dtype, values.shape) + content)
            record = msgspec.structs.replace(record, shape=shape, sha256=digest.hexdigest())
            write_synced(self._folder / SET_NAME, msgspec.json.format(msgspec.json.encode(record), indent=1))
            place = self._put_in_place(record.name)
        yield open_import(place)

    def _finish_images(self, shape: tuple[int, ...]) -> "Generator[int, None, hashlib._Hash]":
        """Write the header of the images, and read them again for their hash, which is returned."""
        assert self._file is not None
        digest = hashlib.sha256(repr(shape).encode())
        self._file.seek(0)
        self._file.write(array_header(np.dtype(np.uint8), shape))
        done = 0
        while piece := self._file.read(_PIECE_BYTES):
            digest.update(piece)
            done += len(piece)
            yield done // int(np.prod(shape[1:]))
        self._file.flush()
        with ThreadPoolExecutor(1) as pool:  # a disk may take seconds to have it all
            yield from in_thread(pool, partial(os.fsync, self._file.fileno()), shape[0])
        self._close()
        return digest

    def _put_in_place(self, name: str) -> Path:
        word = re.sub(r"[^\w]+", "-", name.lower()).strip("-")[:40] or "images"
        for number in range(1, 100_000):
            place = self._home / (word if number == 1 else f"{word}-{number}")
            try:
                if not place.exists():
                    self._folder.rename(place)
                    sync_folder(self._home)
                    return place
            except FileExistsError:
                continue
        raise DataError(f"{self._home} holds too many sets called {name!r}. Give it another name.")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Remove what was written, unless it is in its place; harmless when done twice."""
        try:
            self._close()
        except OSError:  # what was still to be written is not wanted
            self._file = None
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"The images cannot be kept: {os_error_sentence(error)}") from error


def _remove_abandoned(home: Path) -> None:
    """Remove what processes that no longer run have left of an import."""
    for entry in os.scandir(home):
        found = re.fullmatch(re.escape(PARTIAL) + r"(\d+)-\w+", entry.name)
        if found and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(entry.path, ignore_errors=True)
