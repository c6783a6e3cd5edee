"""Fast conversion of lines that hold nothing but numbers; what is odd is left to slower readers that can explain it."""

import warnings

import numpy as np
from numpy.typing import NDArray

_MAX_DIGITS = 9


def parse_numbers(lines: list[str], delimiter: str | None, count: int) -> NDArray[np.float64] | None:
    """Convert lines of ``count`` numbers each.

    Args:
        lines: without their ends.
        delimiter: one character; None (white space) is not converted here.
        count: numbers in each line.

    Returns:
        (lines, count); None where a line has another number of fields, or a field is no plain number.
    """
    if delimiter is None or any(line.count(delimiter) != count - 1 for line in lines):
        return None
    text = delimiter.join(lines)
    values = _parse_integers(text, delimiter)
    if values is None:
        values = _parse_floats(text, delimiter)
    return values.reshape(-1, count) if values is not None and values.size == len(lines) * count else None


def _parse_integers(text: str, delimiter: str) -> NDArray[np.float64] | None:
    """Whole numbers without signs or blanks, by arithmetic on all digits of one place at once."""
    if not text.isascii():
        return None
    characters = np.frombuffer((text + delimiter).encode(), np.uint8)
    ends = np.flatnonzero(characters == ord(delimiter))
    lengths = np.diff(ends, prepend=-1) - 1
    digits = characters - np.uint8(ord("0"))
    if lengths.min() < 1 or lengths.max() > _MAX_DIGITS or np.count_nonzero(digits > 9) != len(ends):
        return None
    values = np.zeros(len(ends))
    for place in range(int(lengths.max())):
        there = np.flatnonzero(lengths > place)
        values[there] += digits[ends[there] - 1 - place] * float(10**place)
    return values


def _parse_floats(text: str, delimiter: str) -> NDArray[np.float64] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy only warns of what is no number
        try:
            return np.fromstring(text, np.float64, sep=delimiter)
        except (DeprecationWarning, ValueError):
            return None
