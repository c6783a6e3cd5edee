"""Identical images of a set, within splits and between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Images that repeat another one.

    Of several identical images the one that counts is the first of the test split, else of the validation split, else
    of the training split: a figure measured on test images stays what it is when the others are dropped.

    Args:
        positions: (M,) of the images that repeat one, rising.
        originals: (M,) position of the one that each repeats.
        between: (M,) True where the two are of different splits.
    """

    positions: NDArray[np.int64]
    originals: NDArray[np.int64]
    between: NDArray[np.bool_]


def find_duplicates(hashes: NDArray[np.uint64], splits: NDArray[np.int8] | None) -> Duplicates:
    """Find images with equal hashes.

    Args:
        hashes: (N,) of the images.
        splits: (N,) index into ``SPLITS``; None: there are none.
    """
    of_split = np.zeros(len(hashes), np.int8) if splits is None else splits
    order = np.lexsort((-of_split, hashes))  # stable: equal ones stay in their order
    ordered = hashes[order]
    is_first = np.ones(len(hashes), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    original = order[np.maximum.accumulate(np.where(is_first, np.arange(len(hashes)), 0))]
    positions, originals = order[~is_first], original[~is_first]
    rising = np.argsort(positions)
    positions, originals = positions[rising], originals[rising]
    return Duplicates(positions, originals, of_split[positions] != of_split[originals])
