r"""Likelihood corrected by the complexity of the input.

    S(x) = -\log_2 p(x) - L(x)

L(x) is the length of the image in bits as a general lossless coder writes it. As a universal coder stands for a mixture
of all models, S is a likelihood ratio of that mixture against the model: high values are anomalous.

The coders are PNG (deflate 9), WebP (lossless, method 4) and JPEG 2000 (reversible, where Pillow has it); ``smallest``
is the least of them. They are given the levels as numbers 0 … L − 1 at the bit depth that holds them: PNG has 1, 2, 4
or 8 bits a grey pixel, WebP packs few colours by itself. Parts of a file that are the same for all images of one
size are not counted: all of PNG but its compressed data, the headers of WebP (25 bytes), all of JPEG 2000 outside
its tile. Colour images are coded as RGB.

Difference from the paper: it uses FLIF as well, which no kept library offers.

Source: Serrà et al. 2020, Input Complexity and Out-of-Distribution Detection with Likelihood-Based Generative Models,
ICLR, arXiv:1909.11480, equation 1 and section 4.
"""

import io
import math
import struct
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from gmstudio.engine.density.statistics.likelihoods import LikelihoodStatistic, combined_error
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.engine.density.subject import Subject
from gmstudio.protocol.density import StatisticCard, StatisticSettings

PIECE_PIXELS = 24 * 784
"""Pixels of one piece of work: some 15 ms in all coders."""
WEBP_METHOD = 4
"""Effort of 0 … 6; 6 is 20 times as slow for images 1 to 20 % smaller."""
_PNG_SIGNATURE = 8
_WEBP_HEADERS = 12 + 8 + 5
"""Bytes of RIFF, of the chunk VP8L, and of size and version in it."""
_START_OF_DATA = b"\xff\x93"
_END_OF_CODESTREAM = 2


class Complexity(LikelihoodStatistic):
    """−log₂ p minus the code length, bits.

    Raises:
        ValueError: when the coder is not in this installation of Pillow.
    """

    card: ClassVar[StatisticCard] = StatisticCard(
        name="complexity",
        title="Input complexity",
        help="−log₂ p minus the length of the image in bits as PNG, WebP or the smallest of both and JPEG 2000: simple "
        "images are likely under any model, and the length of their code makes up for it.",
        latex=r"-\log_2 p(x) - L(x)",
        unit="bits",
        direction="anomalous",
        source="Serrà et al. 2020, Input Complexity and Out-of-Distribution Detection …, arXiv:1909.11480, equation 1",
    )
    order: ClassVar[int] = 2

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        super().__init__(subject, settings, seed)
        self._coders = coders_of(settings.coder)

    @property
    def kind_text(self) -> str:
        """Formula with the names of the coders."""
        *others, last = (_TITLES[name] for name in self._coders)
        least = f"the smallest of {', '.join(others)} and {last}" if others else last
        return f"−log₂ p ({self.likelihoods.kinds[0]}) minus the code length by {least}"

    @property
    def key(self) -> str:
        """See ``Statistic``; versions of the coders may differ in their lengths."""
        return f"{super().key} {' '.join(self._coders)} {PIL.__version__}"

    @property
    def batch_size(self) -> int:
        """See ``Statistic``."""
        return min(super().batch_size, self.combined_size)

    @property
    def combined_size(self) -> int:
        """See ``LikelihoodStatistic``."""
        return max(1, min(super().combined_size, PIECE_PIXELS // self.subject.model.image.num_dims))

    def combined(self, images: NDArray[np.uint8], log_probs: Sequence[Scored]) -> Scored:
        """See ``LikelihoodStatistic``."""
        (found,) = log_probs
        lengths = code_lengths(images, self.subject.model.image.levels, self._coders)
        return Scored(-found.values / math.log(2) - lengths, combined_error((found,), (1 / math.log(2),)))


def coders_of(choice: str) -> tuple[str, ...]:
    """Return the names of the coders of a setting: ``png``, ``webp``, or for ``smallest`` all that are there.

    Raises:
        ValueError: when Pillow was built without the coder.
    """
    there = (
        "png",
        *(name for name, feature in (("webp", "webp"), ("jpeg2000", "jpg_2000")) if features.check(feature)),
    )
    if choice == "smallest":
        return there
    if choice not in there:
        raise ValueError(f"This installation of Pillow has no {choice} coder; choose PNG, or install Pillow's wheel.")
    return (choice,)


def code_lengths(images: NDArray[np.uint8], levels: int, coders: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the length of each image in bits by the best of some coders, without what is constant.

    Args:
        images: (N, C, H, W) levels, C 1 or 3.
        levels: number of levels, 2 to 256.
        coders: of ``png``, ``webp`` and ``jpeg2000``, one or more.
    """
    bytes_N = [min(counted_bytes(encoded(image, levels, coder), coder) for coder in coders) for image in images]
    return 8.0 * np.array(bytes_N, dtype=np.float64)


def encoded(image: NDArray[np.uint8], levels: int, coder: str) -> bytes:
    """Code an image without loss, as a file of ``coder``; its pixels are the levels as numbers.

    Args:
        image: (C, H, W) levels, C 1 or 3.
        levels: number of levels, 2 to 256.
        coder: ``png``, ``webp`` or ``jpeg2000``.
    """
    content = io.BytesIO()
    if coder == "webp":
        picture = _pillow(np.repeat(image, 3, axis=0) if len(image) == 1 else image)
        picture.save(content, "WEBP", lossless=True, quality=100, method=WEBP_METHOD)
    elif coder == "jpeg2000":
        _pillow(image).save(content, "JPEG2000", irreversible=False, no_jp2=True)
    elif len(image) == 3 or levels > 16:
        _pillow(image).save(content, "PNG", compress_level=9)
    elif levels == 2:
        Image.fromarray(image[0].astype(bool)).save(content, "PNG", compress_level=9)
    else:
        packed = Image.frombytes("P", (image.shape[2], image.shape[1]), image[0].tobytes())
        packed.putpalette(bytes(3 * levels))
        packed.save(content, "PNG", bits=2 if levels <= 4 else 4, compress_level=9)
    return content.getvalue()


def counted_bytes(content: bytes, coder: str) -> int:
    """Return the number of bytes of a file that depend on the pixels."""
    if coder == "webp":
        return len(content) - _WEBP_HEADERS
    if coder == "jpeg2000":
        return len(content) - (content.index(_START_OF_DATA) + len(_START_OF_DATA)) - _END_OF_CODESTREAM
    total, place = 0, _PNG_SIGNATURE
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        total += length if kind == b"IDAT" else 0
        place += length + 12
    return total


def _pillow(image: NDArray[np.uint8]) -> Image.Image:
    """(C, H, W) levels as a picture of 8 bits a sub-pixel."""
    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))


_TITLES = {"png": "PNG", "webp": "WebP", "jpeg2000": "JPEG 2000"}
