"""Rows of a large batch in slices that take a given time each."""

import time
from collections.abc import Callable, Iterator

PIECE_S = 0.015
"""Longest duration of a piece that is aimed at."""


def rows_in_pieces(
    total: int, work: Callable[[slice], None], first: int = 1024, most: int = 1 << 16, piece_s: float = PIECE_S
) -> Iterator[None]:
    """Process rows ``0 … total`` in consecutive slices of about ``piece_s`` seconds; yields after each.

    Args:
        total: number of rows.
        work: processes a slice.
        first: rows of the first slice.
        most: largest number of rows in a slice.
        piece_s: seconds.
    """
    length, start = min(first, most), 0
    while start < total:
        began = time.perf_counter()
        work(slice(start, min(start + length, total)))
        taken = time.perf_counter() - began
        start += length
        if taken < piece_s / 2:
            length = min(2 * length, most)
        elif taken > piece_s:
            length = max(length // 2, 1)
        yield
