"""Classes and splits that the folders of pictures name.

Known layouts: ``cat/1.png``; ``train/cat/1.png``; ``cat/train/1.png``; ``train/1.png``; ``1.png``; each below any
folders that hold everything, and classes at any depth (``animals/cat/1.png``).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.importing.picture_index import PictureIndex, readable
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import LabelColumn
from gmstudio.data.label_names import MAX_LABEL
from gmstudio.protocol.data import SPLITS, SplitName

SPLIT_FOLDERS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training", "train_set", "training_set"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "validation_set"), "valid"),
    **dict.fromkeys(("test", "testing", "test_set"), "test"),
}
MAX_CLASSES = 10_000
"""More folders than this are no classes."""
NO_FOLDER = "(no folder)"
"""Class of pictures that lie beside the folders of the classes."""
_DIGITS = re.compile(rb"(\d+)")
Parts = tuple[bytes, ...]


@dataclass(frozen=True)
class Layout:
    """Labels and splits of pictures; see ``RawSet``."""

    labels: NDArray[np.int64] | None
    label_names: tuple[str, ...]
    splits: NDArray[np.int8] | None
    guesses: tuple[Guess, ...]


def layout_of(index: PictureIndex, levels: LabelColumn) -> Layout:
    """Read classes and splits from the folders of pictures.

    Args:
        index: the pictures.
        levels: subfolders that are classes: ``auto``: all levels below the split, joined; ``first`` or ``last`` of
            them; ``none``: none.
    """
    guesses: list[Guess] = []
    folder_of = np.frombuffer(index.folder_of, dtype=f"u{index.folder_of.itemsize}") if len(index) else np.empty(0, int)
    parts = _without_common([tuple(filter(None, folder.split(b"/"))) for folder in index.folders])
    split_of, parts = _take_splits(parts, guesses)
    parts = _without_common(parts)
    splits = None if split_of is None else np.asarray(split_of, np.int8)[folder_of]
    names, label_of = _classes(parts, levels, len(index), guesses)
    labels = None if label_of is None else np.asarray(label_of, np.int64)[folder_of]
    return Layout(labels, names, splits, tuple(guesses))


def _without_common(folders: Sequence[Parts]) -> list[Parts]:
    """Take away the leading parts that all have."""
    if not folders:
        return []
    common = 0
    shortest = min(map(len, folders))
    while common < shortest and len({parts[common] for parts in folders}) == 1:
        common += 1
    return [parts[common:] for parts in folders]


def _take_splits(folders: list[Parts], guesses: list[Guess]) -> tuple[list[int] | None, list[Parts]]:
    """Split of each folder, and its parts without the one that names it; None where none is named."""
    for at in (0, 1):
        found = [_split_at(parts, at) for parts in folders]
        named = {split for split in found if split is not None}
        if len(named) < 2 or (at and None in found):
            continue
        if None in found:
            guesses.append(
                Guess("keep_splits", "Pictures outside the folders of the splits were taken for training images.")
            )
        of_folder: list[int] = [SPLITS.index(split or "train") for split in found]
        rest = [
            parts if split is None else parts[:at] + parts[at + 1 :]
            for parts, split in zip(folders, found, strict=True)
        ]
        titles = ", ".join(split for split in SPLITS if split in named)
        guesses.append(Guess("keep_splits", f"Folders name the splits: {titles}."))
        return of_folder, rest
    return None, folders


def _split_at(parts: Parts, at: int) -> SplitName | None:
    return SPLIT_FOLDERS.get(readable(parts[at]).lower()) if len(parts) > at else None


def _classes(
    folders: list[Parts], levels: LabelColumn, num_pictures: int, guesses: list[Guess]
) -> tuple[tuple[str, ...], list[int] | None]:
    """Names of the classes and label of each folder; None where there are no classes."""
    take: dict[LabelColumn, Callable[[Parts], Parts]] = {
        "auto": lambda parts: parts,
        "first": lambda parts: parts[:1],
        "last": lambda parts: parts[-1:],
        "none": lambda parts: (),
    }
    classes = [take[levels](parts) for parts in folders]
    distinct = sorted(set(classes), key=lambda parts: (not parts, _natural(parts)))  # those in no folder last
    if len(distinct) < 2:
        return (), None
    if levels == "auto" and (len(distinct) > MAX_CLASSES or len(distinct) * 2 > max(num_pictures, 4)):
        text = f"{len(distinct):,} folders for {num_pictures:,} pictures were not taken for classes."
        guesses.append(Guess("label_column", text))
        return (), None
    numbers = [_number(parts) for parts in distinct]
    if None not in numbers and len(set(numbers)) == len(numbers):
        label = {parts: number for parts, number in zip(distinct, numbers, strict=True) if number is not None}
        guesses.append(Guess("label_column", f"The names of {len(distinct):,} folders were taken for labels."))
        return (), [label[parts] for parts in classes]
    outside = f" Pictures in none of them are of the class {NO_FOLDER}." if () in distinct else ""
    num_folders = len(distinct) - (() in distinct)
    taken = (
        "One folder was taken for a class" if num_folders == 1 else f"{num_folders:,} folders were taken for classes"
    )
    guesses.append(Guess("label_column", f"{taken}.{outside}"))
    position = {parts: at for at, parts in enumerate(distinct)}
    names = tuple(readable(b"/".join(parts)) or NO_FOLDER for parts in distinct)
    return names, [position[parts] for parts in classes]


def _natural(parts: Parts) -> list[list[tuple[int, int, bytes]]]:
    """Key by which 2 comes before 10, and "a2" before "a10"."""
    return [
        [(0, int(run), run) if run.isdigit() else (1, 0, run) for run in _DIGITS.split(part) if run] for part in parts
    ]


def _number(parts: Parts) -> int | None:
    """Label that a class is called by; None when its name is no number of a label."""
    if len(parts) != 1 or not parts[0].isdigit() or len(parts[0]) > 3 or int(parts[0]) > MAX_LABEL:
        return None
    return int(parts[0])
