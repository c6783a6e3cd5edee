"""Curves as messages."""

from collections.abc import Mapping

import numpy as np

from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import Series
from gmstudio.runs.history import Curve, Scalar


def series_of(curves: Mapping[tuple[str, str], Curve]) -> tuple[Series, ...]:
    """Convert curves by (split, name) to messages."""
    return tuple(
        Series(split, name, Array.of(steps), Array.of(values)) for (split, name), (steps, values) in curves.items()
    )


def curves_of(rows: list[Scalar]) -> dict[tuple[str, str], Curve]:
    """Group rows by curve: (split, name) → steps and values."""
    grouped: dict[tuple[str, str], list[Scalar]] = {}
    for row in rows:
        grouped.setdefault((row.split, row.name), []).append(row)
    return {
        key: (np.array([row.step for row in some], np.int64), np.array([row.value for row in some], np.float64))
        for key, some in grouped.items()
    }
