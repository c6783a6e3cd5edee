"""Members of a tar archive, read one after the other; nothing is unpacked on disk."""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.stored import phrase
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

MAX_MEMBERS = 10_000
MAX_UNPACKED = 2 << 30
_MAX_HEADER = 8 << 20  # headers of long names and attributes are read at once; larger ones are an attack


@dataclass(frozen=True)
class Member:
    """A regular file in the archive.

    Args:
        name: path in the archive, parts separated by ``/``; for display and comparison only.
        size: bytes.
        file: its content, valid until the next member is asked for.
        done: share of the archive that was read before it.
    """

    name: str
    size: int
    file: BinaryIO
    done: float


class _Forward(RawIOBase):
    """Stream that is read forwards only, and not more at once or in all than is allowed.

    Attributes:
        limit: most bytes that one call may ask for.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.limit = _MAX_HEADER
        self._path = path
        self._stream = stream
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.limit:
            raise DataError(
                f"{self._path} has a header of {size:,} bytes; at most {self.limit:,} are read. Get it again."
            )
        content = self._stream.read(size)
        self._position += len(content)
        if self._position > MAX_UNPACKED:
            raise DataError(
                f"{self._path} unpacks to more than {MAX_UNPACKED // 2**30} GiB. Unpack it, and choose the files in it."
            )
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self._position:
            raise tarfile.ReadError("its entries overlap")
        while self._position < offset and self.read(min(1 << 16, offset - self._position)):
            pass
        return self._position


@contextmanager
def open_tar(path: Path) -> Iterator[Iterator[Member]]:
    """Iterate over the regular files of an archive, gzipped or not.

    Raises:
        DataError: when it is damaged, or unpacks to more than ``MAX_UNPACKED`` bytes or ``MAX_MEMBERS`` files.
    """
    try:
        size = regular_size(path)
        with open_regular(path) as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            forward = _Forward(path, cast(BinaryIO, stream))
            with tarfile.open(fileobj=forward, mode="r:") as archive:
                yield _members(path, archive, forward, lambda: min(1.0, file.tell() / max(1, size)))
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged or incomplete archive: {phrase(error)}. Download it again.") from error
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error


def _members(path: Path, archive: tarfile.TarFile, stream: _Forward, done: Callable[[], float]) -> Iterator[Member]:
    for _ in range(MAX_MEMBERS):
        stream.limit = _MAX_HEADER
        info = archive.next()
        if info is None:
            return
        content = archive.extractfile(info) if info.isreg() and not info.issparse() else None
        if content is not None and not info.name.rsplit("/", 1)[-1].startswith("."):
            stream.limit = max(_MAX_HEADER, info.size)
            yield Member(info.name, info.size, cast(BinaryIO, content), done())
    raise DataError(f"{path} has more than {MAX_MEMBERS:,} files. Unpack it, and choose the files in it.")
