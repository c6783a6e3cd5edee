"""Decoding and fitting of a set's images a piece at a time, on several threads."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.importing.fitting import Target, fit_image
from gmstudio.data.importing.raw import BadImageError, RawSet
from gmstudio.data.importing.waiting import waiting

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
    """Decode and fit images in an order; their number varies so that a piece takes about ``PIECE_S``.

    While one image takes longer than that, pieces without images come.
    """
    at, count, use_threads = 0, _AT_ONCE, True
    most = max(1, MAX_PIECE_BYTES // int(np.prod(target.shape)))
    pool = ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1))
    try:
        while at < len(order):
            start, cpu_start = time.perf_counter(), time.process_time()
            indices = np.asarray(order[at : at + count], np.int64)
            piece = _Piece(raw, indices, target)
            if use_threads:
                yield from waiting([pool.submit(piece.decode, part) for part in piece.parts], piece.none)
            else:
                for part in piece.parts:
                    piece.decode(part)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
            use_threads = cpu_seconds > LEAST_CPU_S * len(indices) or seconds > WAITING * cpu_seconds
            at += len(indices)
            count = max(1, min(most, 2 * count, round(len(indices) * PIECE_S / max(1e-6, seconds))))
            yield piece.decoded()
    finally:
        pool.shutdown(cancel_futures=True)


class _Piece:
    """Images that are being decoded, by parts that threads take."""

    def __init__(self, raw: RawSet, indices: NDArray[np.int64], target: Target) -> None:
        self._raw, self._indices, self._target = raw, indices, target
        self._images = np.empty((len(indices), *target.shape), np.uint8)
        self._bad: dict[int, BadImageError] = {}
        self._errors: list[BaseException] = []
        self.parts = [range(first, min(first + _AT_ONCE, len(indices))) for first in range(0, len(indices), _AT_ONCE)]

    @property
    def none(self) -> DecodedPiece:
        """A piece without images."""
        return DecodedPiece(self._images[:0], self._indices[:0])

    def decode(self, positions: range) -> None:
        """Decode a part."""
        for position in positions:
            try:
                self._images[position] = _fitted(self._raw, int(self._indices[position]), self._target)
            except BadImageError as error:
                self._bad[position] = error
            except Exception as error:  # of a thread: raised where the piece is taken
                self._errors.append(error)
                return

    def decoded(self) -> DecodedPiece:
        """Return the piece when all parts are decoded."""
        if self._errors:
            raise self._errors[0]
        if not self._bad:
            return DecodedPiece(self._images, self._indices)
        kept = np.setdiff1d(np.arange(len(self._indices)), list(self._bad))
        bad = [self._bad[position] for position in sorted(self._bad)]
        return DecodedPiece(self._images[kept], self._indices[kept], bad)


def _fitted(raw: RawSet, index: int, target: Target) -> NDArray[np.uint8]:
    return fit_image(raw.read_reduced(index, target.height, target.width), target)
