"""Files and folders of images of any kind, opened as raw sets."""

import contextlib
import os
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path

from gmstudio.data.dataset import DataError
from gmstudio.data.folder import is_subfolder
from gmstudio.data.importing import pictures
from gmstudio.data.importing.formats.choosing import READ_TAR, read_format
from gmstudio.data.importing.picture_index import PICTURE_SUFFIXES, is_junk, suffix_of
from gmstudio.data.importing.raw import RawSet
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.data.progress import Progress
from gmstudio.system.os_errors import os_error_sentence

PACKED = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".7z", ".rar", ".tar.zst")
_READ_UNITS = 1000  # of progress: the size of what is read is not known in images
_SAMPLED_ENTRIES = 5_000
_SAMPLED_DEPTH = 4


def open_raw(path: Path, settings: ReadSettings) -> Iterator[Progress | RawSet]:
    """Open files of images as a set, a piece at a time; the last item is the set.

    Args:
        path: a folder or zip archive of pictures, or what ``formats`` reads.
        settings: how they are understood.

    Raises:
        DataError: when there is no such file, or it cannot be used; ConfigError for settings that do not fit it.
    """
    try:
        is_folder = path.is_dir()
        is_usual = is_folder or path.is_file()
        if not is_usual:
            path.stat()
    except (OSError, ValueError) as error:
        raise DataError(_missing(path, error)) from error
    if not is_usual:
        raise DataError(f"{path} is neither a file nor a folder. Choose a folder of pictures, or a file of images.")
    lower = path.name.lower()
    if lower.endswith(PACKED) and not lower.endswith(READ_TAR) and not is_folder:
        raise DataError(f"{path} is an archive that is not opened. Unpack it and choose the folder, or pack it as zip.")
    if lower.endswith(".zip") and not is_folder:
        yield from pictures.open_zip(path, settings)
        return
    if is_folder and (yield from _holds_pictures(path)):
        yield from pictures.open_folder(path, settings)
        return
    found = yield from _read_format(path, settings)
    if found is not None:
        yield found
    elif is_folder:
        yield from pictures.open_folder(path, settings)
    else:
        raise DataError(_not_read(path))


def _read_format(path: Path, settings: ReadSettings) -> Generator[Progress, None, RawSet | None]:
    reading = read_format(path, settings)
    while True:
        try:
            share = next(reading)
        except StopIteration as end:
            found: RawSet | None = end.value
            return found
        yield Progress("read", round(_READ_UNITS * share), _READ_UNITS)


def _missing(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file or folder {path}. Check the path."
    if isinstance(error, OSError):
        return os_error_sentence(error)
    return f"{str(path)!r} is no path ({error}). Check the path."


def _not_read(path: Path) -> str:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return f"{path} is one picture. Choose the folder that holds it and the others."
    return (
        f"{path} is of no kind that is read. Choose a folder or zip of pictures, or a file .npz, .npy, .mat, .amat, "
        ".csv, IDX or CIFAR."
    )


def _holds_pictures(folder: Path) -> Generator[Progress, None, bool]:
    """Test whether at least half of the first files below a folder have the suffix of a picture."""
    found = others = 0
    waiting = deque([(os.fsencode(folder), 0)])
    while waiting and found + others < _SAMPLED_ENTRIES:
        place, depth = waiting.popleft()
        names, below = _listed(place, _SAMPLED_ENTRIES - found - others)
        pictures = sum(suffix_of(name) in PICTURE_SUFFIXES for name in names)
        found, others = found + pictures, others + len(names) - pictures
        if depth < _SAMPLED_DEPTH:
            waiting.extend((path, depth + 1) for path in below)
        yield Progress("index", found)
    return found > 0 and found >= others


def _listed(place: bytes, most: int) -> tuple[list[bytes], list[bytes]]:
    """Return names of files in a folder, up to a limit, and paths of its subfolders; none where it cannot be read."""
    names: list[bytes] = []
    below: list[bytes] = []
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if is_junk(entry.name):
                continue
            if is_subfolder(entry):
                below.append(entry.path)
            else:
                names.append(entry.name)
            if len(names) >= most:
                break
    return names, below
