"""Opening of regular files only: reading a pipe or a device could wait for ever, or never end."""

import errno
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


def regular_size(path: str | Path, max_bytes: int | None = None) -> int:
    """Return the size of a regular file in bytes, without opening it.

    Args:
        path: the file; a symbolic link is followed.
        max_bytes: largest size that is accepted; None: any.

    Raises:
        OSError: when there is none, or it is a folder, a pipe, a socket or a device, or larger than ``max_bytes``;
            ``strerror`` names the reason.
    """
    found = Path(path).stat()
    for is_kind, kind in _KINDS:
        if is_kind(found.st_mode):
            code = errno.EISDIR if kind == "a folder" else errno.EINVAL
            raise OSError(code, f"it is {kind}, not a file", str(path))
    if max_bytes is not None and found.st_size > max_bytes:
        raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, and at most {max_bytes:,} are read", str(path))
    return found.st_size


def open_regular(path: str | Path, max_bytes: int | None = None) -> BufferedReader:
    """Open a regular file for reading bytes; see ``regular_size``."""
    regular_size(path, max_bytes)
    return Path(path).open("rb")
