"""Rows of a large batch in slices of a fixed size, so that the same request gives the same numbers on every day."""

import time
from collections.abc import Callable, Iterator

PIECE_S = 0.012
"""Time after which a piece of work ends."""


def rows_in_pieces(total: int, rows: int, work: Callable[[slice], None]) -> Iterator[None]:
    """Process rows ``0 … total`` slice by slice; yields whenever ``PIECE_S`` has passed.

    Args:
        total: number of rows.
        rows: of a slice, few enough for some milliseconds.
        work: processes a slice.
    """
    began = time.perf_counter()
    for start in range(0, total, rows):
        work(slice(start, min(start + rows, total)))
        if time.perf_counter() - began > PIECE_S:
            yield
            began = time.perf_counter()
