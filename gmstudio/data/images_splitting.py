"""Splits and classes of an imported set."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, permutation
from gmstudio.data.importing.set_file import ImportedSet
from gmstudio.data.label_names import chosen_labels
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLIT_TITLES, SPLITS, SplitName

Rows = NDArray[np.int64]


class Choice(Protocol):
    """Settings that choose images; see ``ImagesConfig``."""

    @property
    def classes(self) -> str:
        """Labels to include."""

    @property
    def subset(self) -> int:
        """Largest number of training images; 0: all."""

    @property
    def keep_splits(self) -> bool:
        """Keep the splits that the files name."""

    @property
    def valid_percent(self) -> float:
        """Share that is held out for validation."""

    @property
    def test_percent(self) -> float:
        """Share that is held out for testing."""

    @property
    def seed(self) -> int:
        """Seed of the permutation."""


def choose_rows(imported: ImportedSet, choice: Choice) -> dict[SplitName, Rows]:
    """Rows of each split.

    Raises:
        ConfigError: when classes are chosen that there are not.
        DataError: when too few images are left.
    """
    order = permutation(len(imported), choice.seed)
    order = order[_is_chosen(imported, choice.classes)[order]]
    of_split = imported.splits[order] if imported.splits is not None and choice.keep_splits else None
    rows = {split: order[:0] if of_split is None else order[of_split == at] for at, split in enumerate(SPLITS)}
    train = rows["train"] if len(rows["train"]) else order
    if not len(rows["train"]):  # no splits, or those of a benchmark whose training images are elsewhere
        rows = dict.fromkeys(SPLITS, order[:0])
    held_out: dict[SplitName, float] = {"valid": choice.valid_percent, "test": choice.test_percent}
    for split, percent in held_out.items():
        if not len(rows[split]):
            count = max(1, round(percent / 100 * len(order if of_split is None else rows["train"])))
            rows[split], train = train[:count], train[count:]
    rows["train"] = train[: choice.subset or None]
    if not all(map(len, rows.values())):
        counts = ", ".join(f"{len(chosen):,} {SPLIT_TITLES[split]}" for split, chosen in rows.items())
        raise DataError(f"Too few images: {counts}. Add images, or include more classes.")
    return rows


def label_names_of(imported: ImportedSet) -> tuple[str, ...]:
    """Label → name; the numbers themselves where the set names none."""
    names, labels = imported.record.label_names, imported.labels
    return names or (() if labels is None else tuple(str(label) for label in range(int(labels.max()) + 1)))


def _is_chosen(imported: ImportedSet, classes: str) -> NDArray[np.bool_]:
    if not classes.strip(" ,"):
        return np.ones(len(imported), bool)
    if imported.labels is None:
        raise ConfigError(
            {"classes": f"Include classes is {classes!r}, but the images have no labels. Leave it empty."}
        )
    chosen: NDArray[np.bool_] = np.isin(imported.labels, chosen_labels(classes, label_names_of(imported)))
    if not chosen.any():
        raise ConfigError({"classes": f"Include classes is {classes!r}, but no image has such a label."})
    return chosen
