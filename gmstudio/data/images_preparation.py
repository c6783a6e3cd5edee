"""Preparation of the images of a split: rows of a mapped array in, levels out, in pieces of bounded memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels, SplitDigest
from gmstudio.data.importing.set_file import ImportedSet
from gmstudio.media.levels import Images, draw_binary, quantize
from gmstudio.system.os_errors import os_error_sentence

MAX_IN_MEMORY = 256 << 20
"""Larger splits lie in a nameless file, which the system may write out when memory is short."""
_PIECE_BYTES = 1 << 20
_FIRST_SEED = 20160119
Conversion = Callable[[Images, int], Images]
"""Intensities and the number of their piece → levels, or intensities to be sampled from."""


def conversion(levels: int, binarize: str, threshold: float, *, invert: bool, keeps_intensities: bool) -> Conversion:
    """Return what turns intensities into levels.

    Args:
        levels: 2 to 256.
        binarize: ``threshold`` or ``sample``; of images with 2 levels.
        threshold: smallest intensity, 0 … 1, that becomes 1.
        invert: exchange black and white first.
        keeps_intensities: of images that are sampled again in each epoch.
    """
    values = np.arange(256, dtype=np.uint8)
    table = 255 - values if invert else values
    if levels == 2 and binarize == "sample":
        if keeps_intensities:
            return lambda images, _: table[images]
        return lambda images, piece: draw_binary(table[images], seed=_FIRST_SEED + piece)
    table = (table >= np.ceil(255 * threshold)).astype(np.uint8) if levels == 2 else quantize(table, 255, levels)
    return lambda images, _: table[images]


class Preparation:
    """Images of one split.

    Args:
        imported: their set.
        rows: (N,) of the split.
        convert: see ``conversion``.

    Attributes:
        images: (N, C, H, W) uint8, whole after ``pieces``.
        labels: (N,) or None.
    """

    def __init__(self, imported: ImportedSet, rows: NDArray[np.int64], convert: Conversion) -> None:
        self.labels: Labels | None = None if imported.labels is None else imported.labels[rows].astype(np.int64)
        self._stored, self._rows, self._convert = imported.images, rows, convert
        shape = (len(rows), *imported.record.shape[1:])
        self.images = _allocate(shape, imported.folder.parent)
        self._digest = SplitDigest(shape)

    @property
    def digest(self) -> str:
        """Digest of images and labels; see ``SplitDigest``."""
        return self._digest.of(self.labels)

    def pieces(self) -> Iterator[int]:
        """Fill ``images``; yields how many there are so far."""
        at_once = max(1, _PIECE_BYTES // int(np.prod(self.images.shape[1:])))
        for piece, start in enumerate(range(0, len(self._rows), at_once)):
            taken = self._stored[self._rows[start : start + at_once]]
            converted = self._convert(taken, piece)
            self.images[start : start + len(converted)] = converted
            self._digest.update(converted)
            yield start + len(converted)


def _allocate(shape: tuple[int, ...], folder: Path) -> Images:
    size = int(np.prod(shape))
    if size <= MAX_IN_MEMORY:
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint8, "r+", shape=shape).view(np.ndarray)
    except OSError as error:
        raise DataError(
            f"{shape[0]:,} images take {size / 2**20:,.0f} MiB on the disk: {os_error_sentence(error)} Or take fewer "
            "training images."
        ) from error
