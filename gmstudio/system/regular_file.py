"""Opening of regular files only: reading a pipe or a device could wait for ever, or never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe that takes the file's place meanwhile is not waited for."""


def regular_size(path: str | bytes | Path, max_bytes: int | None = None) -> int:
    """Return the size of a regular file in bytes, without opening it.

    Args:
        path: the file; a symbolic link is followed.
        max_bytes: largest size that is accepted; None: any.

    Raises:
        OSError: when there is none, or it is a folder, a pipe, a socket or a device, or larger than ``max_bytes``;
            ``strerror`` names the reason.
    """
    found = os.stat(path)  # noqa: PTH116 -- paths as bytes, by the million
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            code = errno.EISDIR if kind == "a folder" else errno.EINVAL
            raise OSError(code, f"it is {kind}, not a file", os.fsdecode(path))
    if max_bytes is not None and found.st_size > max_bytes:
        raise OSError(
            errno.EFBIG, f"it has {found.st_size:,} bytes, and at most {max_bytes:,} are read", os.fsdecode(path)
        )
    return found.st_size


def open_regular(path: str | Path, max_bytes: int | None = None) -> BufferedReader:
    """Open a regular file for reading bytes; see ``regular_size``."""
    regular_size(path, max_bytes)
    return Path(path).open("rb")


def read_regular(path: str | bytes | Path, max_bytes: int, count: int | None = None) -> bytes:
    """Return the content of a regular file, or its first ``count`` bytes; see ``regular_size``."""
    size = regular_size(path, max_bytes)
    descriptor = os.open(path, _READ_ONLY)
    try:
        return os.read(descriptor, size if count is None else min(size, count))
    finally:
        os.close(descriptor)
