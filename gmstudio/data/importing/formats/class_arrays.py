"""Arrays of one class each, as in ``mnist_all.mat``: ``train0`` … ``train9``, ``test0`` … ``test9``."""

import re
from collections.abc import Sequence

import numpy as np

from gmstudio.data.importing.formats.stored import HeldArray, JoinedArray, StoredArray

_NAME = re.compile(r"(?P<split>train|valid|val|test)_?(?P<label>\d{1,4})", re.IGNORECASE)


def merged_classes(arrays: Sequence[StoredArray]) -> list[StoredArray]:
    """Join the arrays of a split, with labels by their names; others are returned as they are.

    Args:
        arrays: of a file. They are joined where at least two are named so, and are alike but for their length.
    """
    named = {array.name: match for array in arrays if (match := _NAME.fullmatch(array.name))}
    chosen = [array for array in arrays if array.name in named]
    alike = {(array.shape[1:], array.dtype) for array in chosen}
    if len(chosen) < 2 or len(alike) != 1 or not next(iter(alike))[0]:
        return list(arrays)
    merged: list[StoredArray] = []
    for split in dict.fromkeys(named[array.name]["split"].lower() for array in chosen):
        parts = [array for array in chosen if named[array.name]["split"].lower() == split]
        parts.sort(key=lambda array: int(named[array.name]["label"]))
        origin = f"{parts[0].origin} …"
        labels = [int(named[array.name]["label"]) for array in parts]
        merged.append(JoinedArray(f"x_{split}", origin, parts))
        merged.append(HeldArray(f"y_{split}", origin, np.repeat(labels, [array.shape[0] for array in parts])))
    return merged + [array for array in arrays if array.name not in named]
