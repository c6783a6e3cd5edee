"""Curves as messages."""

from collections.abc import Iterator, Mapping

from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import Series
from gmstudio.runs.history import Curve

POINTS_A_PIECE = 100_000
"""Points of one message, which the window takes in a few milliseconds."""


def pieces_of(curves: Mapping[tuple[str, str], Curve]) -> Iterator[tuple[Series, ...]]:
    """Convert curves to messages of ``POINTS_A_PIECE`` points at most; without curves there is one, which is empty."""
    piece, room = dict[tuple[str, str], Curve](), POINTS_A_PIECE
    for key, (steps, values) in curves.items():
        start = 0
        while start < len(steps):
            end = start + room
            piece[key] = (steps[start:end], values[start:end])
            room -= len(piece[key][0])
            start = end
            if not room:
                yield series_of(piece)
                piece, room = {}, POINTS_A_PIECE
    if piece or not curves:
        yield series_of(piece)


def series_of(curves: Mapping[tuple[str, str], Curve]) -> tuple[Series, ...]:
    """Convert curves by (split, name) to messages."""
    return tuple(
        Series(split, name, Array.of(steps), Array.of(values)) for (split, name), (steps, values) in curves.items()
    )
