"""Numbers that a window sends for an input of a laboratory, checked."""

import numpy as np

from gmstudio.labs.base import Numbers
from gmstudio.protocol.array import Array

MAX_ROWS = 10_000
"""Rows of an input that grows."""


def checked_numbers(name: str, values: Array, present: Numbers, *, growing: bool) -> Numbers:
    """Return the numbers as float64.

    Args:
        name: of the input.
        values: numbers that were sent.
        present: numbers in use, whose shape is needed.
        growing: the number of rows may differ.

    Raises:
        ValueError: when their shape is another, or one of them is not finite.
    """
    numbers = values.numpy().astype(np.float64)
    if not _fits(numbers.shape, present.shape, growing=growing):
        raise ValueError(
            f"The input {name!r} has shape {_words(numbers.shape)}; it must be {_needed(present, growing)}."
        )
    same = numbers.shape == present.shape
    bad = ~np.isfinite(numbers) & ~(np.isnan(numbers) & np.isnan(present) if same else np.zeros_like(numbers, bool))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"The input {name!r} holds {numbers[place]} at place {_words(tuple(i + 1 for i in place))}; numbers must "
            "be finite."
        )
    return numbers


def _fits(shape: tuple[int, ...], present: tuple[int, ...], *, growing: bool) -> bool:
    if not growing:
        return shape == present
    return len(shape) == len(present) and shape[1:] == present[1:] and shape[0] <= MAX_ROWS


def _needed(present: Numbers, growing: bool) -> str:
    if not growing:
        return _words(present.shape)
    return " × ".join([f"up to {MAX_ROWS:,}", *(str(size) for size in present.shape[1:])])


def _words(sizes: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in sizes) or "a single number"
