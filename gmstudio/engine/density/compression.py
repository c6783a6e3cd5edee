"""Compression of images with a model: the code, its file, and the sizes of other forms beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.coding import Advance, Coding, Encoded, encode, ideal_bits
from gmstudio.engine.density.coding_compare import compare_sizes
from gmstudio.engine.density.coding_file import header_for, write_coded
from gmstudio.protocol.density_bytes import CodeSize


@dataclass(frozen=True, eq=False)
class Compression:
    """Images coded, and measured beside picture files.

    Args:
        coding: its conditions.
        images: (N, C, H, W) levels.
        code: of the range coder.
        ideal: (N,) −log₂ p, bits.
        sizes: in each form.
        file: content of the file.
    """

    coding: Coding
    images: NDArray[np.uint8]
    code: Encoded
    ideal: NDArray[np.float64]
    sizes: tuple[CodeSize, ...]
    file: bytes


def compress(coding: Coding, images: NDArray[np.uint8], title: str) -> Iterator[Advance | Compression]:
    """Code images in pieces, and measure them in the other forms.

    Args:
        coding: the conditions.
        images: (N, C, H, W) levels.
        title: of the run, for the file.

    Returns:
        A generator of ``Advance`` and, last, the result.
    """
    code: Encoded | None = None
    latest = Advance(0, 1)
    for piece in encode(coding, images):
        if isinstance(piece, Encoded):
            code = piece
        else:
            latest = piece
            yield piece
    assert code is not None
    ideal = np.zeros(0)
    for bits in ideal_bits(coding, images):
        ideal = ideal if bits is None else bits
        yield latest
    pictures: tuple[CodeSize, ...] = ()
    for found in compare_sizes(images, coding.model.image):
        pictures = found or pictures
        yield latest
    file = write_coded(header_for(coding, images, title), code.words)
    own = (
        CodeSize(name="ideal", title="−log₂ p", bits=float(ideal.sum())),
        CodeSize(name="code", title="range coder", bits=32.0 * len(code.words)),
        CodeSize(name="file", title="this file", bits=8.0 * len(file)),
    )
    yield Compression(coding, images, code, ideal, (*own, *pictures), file)
