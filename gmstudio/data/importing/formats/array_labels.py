"""Labels from arrays: numbers, names, columns or one-hot rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.importing.formats.stored import StoredArray, Values
from gmstudio.protocol.data import SplitName

MAX_LABEL = 65_535
MAX_CLASSES = 10_000


def concatenated_labels(
    counts: Mapping[SplitName | None, int], labels: Mapping[SplitName | None, StoredArray]
) -> tuple[Labels | None, tuple[str, ...]]:
    """Labels of all splits one after the other, and their names where they are text.

    Args:
        counts: number of images of each split, in order.
        labels: array of labels of each split; without one for each split there are none.

    Raises:
        DataError: when a number of labels differs from that of images, or they are no labels.
    """
    if not labels or set(labels) != set(counts):
        return None, ()
    parts = [_one_each(labels[split], count) for split, count in counts.items()]
    origin = next(iter(labels.values())).origin
    if any(part.dtype.kind in "US" for part in parts):
        return named_labels([str(_text(value)) for part in parts for value in part], origin)
    return numbered_labels(np.concatenate([part.astype(np.float64) for part in parts]), origin), ()


def named_labels(texts: Sequence[str], origin: str) -> tuple[Labels, tuple[str, ...]]:
    """Labels of names: numbers stay numbers, other names are numbered in alphabetical order.

    Raises:
        DataError: when there are more than ``MAX_CLASSES``.
    """
    try:
        return numbered_labels(np.array([float(text) for text in texts]), origin), ()
    except ValueError as error:
        if isinstance(error, DataError):
            raise
    names = sorted(set(texts))
    if len(names) > MAX_CLASSES:
        raise DataError(
            f"{origin} has {len(names):,} different labels; at most {MAX_CLASSES:,} are read. Choose no label column, "
            "or another one."
        )
    number = {name: label for label, name in enumerate(names)}
    return np.array([number[text] for text in texts], np.int64), tuple(names)


def numbered_labels(values: Values, origin: str) -> Labels:
    """Labels of numbers, checked.

    Raises:
        DataError: when one is no whole number from 0 to ``MAX_LABEL``.
    """
    wrong = values[~(np.isfinite(values) & (values == np.rint(values)) & (values >= 0) & (values <= MAX_LABEL))]
    if wrong.size:
        raise DataError(
            f"{origin} has a label {wrong[0]:g}; labels are whole numbers from 0 to {MAX_LABEL}. Save such."
        )
    return values.astype(np.int64)


def _one_each(array: StoredArray, count: int) -> Values:
    """Labels (N,) of an array (N,), (N, 1), (1, N) or one-hot (N, K)."""
    if array.dtype.kind not in "buifUS":
        raise DataError(f"{array.origin} holds values of type {array.dtype}, which are no labels. Save whole numbers.")
    values = array.load()
    if values.ndim == 2 and values.shape[0] == 1 and count != 1:
        values = values[0]
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "buif":
        if not ((values == 1).sum(axis=1) == 1).all() or (np.count_nonzero(values, axis=1) != 1).any():
            raise DataError(
                f"{array.origin} has {values.shape[1]} values a label, and is not one-hot. Save one number."
            )
        values = values.argmax(axis=1)
    if values.shape != (count,):
        raise DataError(
            f"{array.origin} holds {len(values)} labels, but there are {count} images. Use arrays that belong together."
        )
    return values


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
