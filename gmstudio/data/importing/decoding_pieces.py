"""Decoding and fitting of a set's images a piece at a time, on several threads."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.importing.decoding import quiet_decoder
from gmstudio.data.importing.fitting import Target, fit_image
from gmstudio.data.importing.raw import BadImageError, RawSet

PIECE_S = 0.02
"""Time of a piece, about."""
MAX_PIECE_BYTES = 8 << 20
MAX_THREADS = 8
LEAST_CPU_S = 0.0003
"""Images that take the processor less time are decoded on one thread: most of it is Python's, which threads cannot
share."""
WAITING = 20
"""Waiting time over the processor's by which a slow disk is known, from which threads read at once."""
_AT_ONCE = 4
"""Images that a thread decodes before it takes the next ones."""


@dataclass(eq=False)
class DecodedPiece:
    """Some images of a set.

    Args:
        images: (n, C, H, W) uint8.
        indices: (n,) of these images in the raw set.
        bad: errors of those that could not be decoded.
    """

    images: NDArray[np.uint8]
    indices: NDArray[np.int64]
    bad: list[BadImageError] = field(default_factory=list)


def decode_pieces(raw: RawSet, order: Sequence[int] | NDArray[np.int64], target: Target) -> Iterator[DecodedPiece]:
    """Decode and fit images in an order; their number varies so that a piece takes about ``PIECE_S``."""
    at, count, use_threads = 0, _AT_ONCE, False
    most = max(1, MAX_PIECE_BYTES // int(np.prod(target.shape)))
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        while at < len(order):
            start, cpu_start = time.perf_counter(), time.process_time()
            indices = np.asarray(order[at : at + count], np.int64)
            piece = _decode_piece(pool if use_threads else None, raw, indices, target)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
            use_threads = cpu_seconds > LEAST_CPU_S * len(indices) or seconds > WAITING * cpu_seconds
            at += len(indices)
            count = max(1, min(most, 2 * count, round(len(indices) * PIECE_S / max(1e-6, seconds))))
            yield piece


def _decode_piece(
    pool: ThreadPoolExecutor | None, raw: RawSet, indices: NDArray[np.int64], target: Target
) -> DecodedPiece:
    images = np.empty((len(indices), *target.shape), np.uint8)
    parts = [range(first, min(first + _AT_ONCE, len(indices))) for first in range(0, len(indices), _AT_ONCE)]

    def decode_part(positions: range) -> list[tuple[int, BadImageError]]:
        bad = []
        for position in positions:
            try:
                images[position] = _fitted(raw, int(indices[position]), target)
            except BadImageError as error:
                bad.append((position, error))
        return bad

    with quiet_decoder():
        done = map(decode_part, parts) if pool is None else pool.map(decode_part, parts)
        bad = [failure for failures in done for failure in failures]
    if not bad:
        return DecodedPiece(images, indices)
    kept = np.setdiff1d(np.arange(len(indices)), [position for position, _ in bad])
    return DecodedPiece(images[kept], indices[kept], [error for _, error in bad])


def _fitted(raw: RawSet, index: int, target: Target) -> NDArray[np.uint8]:
    return fit_image(raw.read_reduced(index, target.height, target.width), target)
