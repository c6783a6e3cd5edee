"""Search for sets of IDX files below a folder, in the layouts of downloads and other programs.

Known: the four MNIST names (``train-images-idx3-ubyte``, ``t10k-labels.idx1-ubyte`` …) with or without ``.gz``; the
same below ``MNIST/raw``, ``FashionMNIST/raw`` or ``raw``; each file in a folder of its own name; EMNIST names
(``emnist-letters-train-images-idx3-ubyte.gz``), also with underscores and without the type
(``emnist_letters_train_images``), and plain names in a folder ``EMNIST``.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from gmstudio.data.dataset import DataError
from gmstudio.data.folder import is_broken_link, is_passed_over

MAX_DEPTH = 3
MAX_ENTRIES = 20_000
_NAME = re.compile(
    r"(?:(?P<prefix>.+)[-_.])?(?P<part>train|t10k|test)[-_.](?P<kind>images|labels)"
    r"(?:[-_.]idx[13])?(?:[-_.]ubyte)?(?P<gz>\.gz)?",
    re.IGNORECASE,
)
_EMNIST = re.compile(r"(?:^|[^a-z])emnist(?:[^a-z]|$)")
_GENERIC_FOLDERS = ("raw", "gzip", "data")

PartName = Literal["train", "test"]
PARTS: tuple[PartName, ...] = ("train", "test")


@dataclass(frozen=True)
class IdxSet:
    """The files of one data set.

    Args:
        name: subset name for the user's choice, for example ``MNIST`` or ``emnist-letters``.
        folder: folder of the files.
        images: part → file.
        labels: part → file.
        is_emnist: its names say that it is EMNIST, whose images are stored with rows and columns exchanged.
    """

    name: str
    folder: Path
    images: dict[PartName, Path] = field(default_factory=dict)
    labels: dict[PartName, Path] = field(default_factory=dict)
    is_emnist: bool = False


def is_idx_name(name: str) -> bool:
    """Test whether a file is named like one of a set of IDX files."""
    return _NAME.fullmatch(name) is not None


def find_sets(folder: Path) -> list[IdxSet]:
    """Find all sets with at least one file of images, sorted by name.

    Raises:
        DataError: when the folder is missing, no folder, unreadable, too large to search, or holds none.
    """
    files = _group(folder, _walk(folder))
    sets = [found for found in files.values() if found.images]
    if not sets:
        lonely = next((path for found in files.values() for path in found.labels.values()), None)
        if lonely:
            raise DataError(f"{folder} holds labels ({lonely.name}) but no images. Put the images' file beside them.")
        raise DataError(
            f"{folder} holds no IDX files of images such as train-images-idx3-ubyte.gz. Choose the folder that does."
        )
    return sorted(_distinct(folder, sets), key=lambda found: found.name.lower())


def _group(folder: Path, paths: Iterator[Path]) -> dict[tuple[Path, str], IdxSet]:
    """Group files by set; of a plain and a gzipped file the plain one is used, since it is read faster."""
    sets: dict[tuple[Path, str], IdxSet] = {}
    for path in sorted(paths, key=lambda path: (not path.name.lower().endswith(".gz"), path)):  # the last one is used
        match = _NAME.fullmatch(path.name)
        if not match:
            continue
        home = path.parent.parent if path.parent != folder and _NAME.fullmatch(path.parent.name) else path.parent
        prefix = (match["prefix"] or "").lower()
        new = IdxSet(prefix or _descriptive_name(home), home, is_emnist=_is_emnist(prefix, home, folder))
        found = sets.setdefault((home, prefix), new)
        part: PartName = "train" if match["part"].lower() == "train" else "test"
        (found.images if match["kind"].lower() == "images" else found.labels)[part] = path
    return sets


def _is_emnist(prefix: str, home: Path, folder: Path) -> bool:
    """Test the name of the files or, where it is silent, of the nearest folder that speaks of a kind of MNIST."""
    place, top = home.resolve(), folder.resolve()
    between = [part for part in (place, *place.parents) if part.is_relative_to(top)]
    for name in (prefix, *(part.name.lower() for part in (*between, *top.parents[:2]))):
        if "mnist" in name:
            return _EMNIST.search(name) is not None
    return False


def _descriptive_name(folder: Path) -> str:
    resolved = folder.resolve()
    for place in (resolved, *resolved.parents):
        if place.name.lower() not in (*_GENERIC_FOLDERS, ""):
            return place.name
    return "idx"


def _distinct(folder: Path, sets: list[IdxSet]) -> Iterator[IdxSet]:
    """Put the folder before the name of sets that share one."""
    names = [found.name.lower() for found in sets]
    for found in sets:
        if names.count(found.name.lower()) > 1:
            place = found.folder.relative_to(folder).as_posix()
            yield replace(found, name=f"{place}/{found.name}")
        else:
            yield found


def _walk(folder: Path) -> Iterator[Path]:
    """Yield regular files at most ``MAX_DEPTH`` folders deep; hidden and unreadable entries are passed over."""
    waiting = [(folder, 0)]
    seen = 0
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except (OSError, ValueError) as error:  # ValueError: characters that no path can have
            if place != folder:
                continue
            raise DataError(_unreadable(folder, error)) from error
        seen += len(entries)
        if seen > MAX_ENTRIES:
            raise DataError(
                f"{folder} holds more than {MAX_ENTRIES} files. Choose the folder nearest to the IDX files."
            )
        for entry in entries:
            path = Path(entry.path)
            if is_passed_over(entry.name) or is_broken_link(path):
                continue
            if entry.is_file():
                yield path
            elif depth < MAX_DEPTH and entry.is_dir():
                waiting.append((path, depth + 1))


def _unreadable(folder: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no folder {folder}. Choose the folder that holds the IDX files."
    if isinstance(error, NotADirectoryError):
        return f"{folder} is a file. Choose the folder that holds it."
    if isinstance(error, ValueError):
        return f"{str(folder)!r} is no folder's name. Choose the folder that holds the IDX files."
    return f"{folder} could not be read ({error.strerror}). Check its permissions or choose another folder."
