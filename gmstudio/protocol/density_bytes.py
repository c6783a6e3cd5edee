"""Messages of the page Bytes: images coded with a model into a file, and decoded from it."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.density import ScoreProgress
from gmstudio.protocol.image_sets import ImageSet
from gmstudio.protocol.images import ImageSpec

MAX_CODED = 1000
"""Most images of one ``CompressImages``."""


class CodeSize(msgspec.Struct, frozen=True, kw_only=True):
    """Size of images in one form.

    Args:
        name: ``ideal`` (−log₂ p), ``code`` (what the range coder wrote), ``file`` (with its header), ``png``,
            ``png_sheet``, ``webp``, ``webp_sheet`` or ``raw``.
        title: for display.
        bits: of all images together.
    """

    name: str
    title: str
    bits: float


class CompressImages(Command, frozen=True, kw_only=True):
    """Code images with an exact autoregressive model; answered with ``ImagesCompressed`` many times, the last done.

    Args:
        run: name of the run.
        images: set that they belong to.
        start: number of the first one in the set.
        count: how many, at most ``MAX_CODED``; fewer where the set ends.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    images: ImageSet
    start: int = 0
    count: int = 100


class DecompressFile(Command, frozen=True, kw_only=True):
    """Decode a file of coded images with the model that it was coded with; answered with ``FileDecompressed``.

    Args:
        run: name of the run.
        file: (n,) uint8, content of the file.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    file: Array


class Compressed(msgspec.Struct, frozen=True, kw_only=True):
    """Coded images.

    Args:
        indices: (N,) int64 numbers in the set.
        images: (N, C, H, W) uint8 levels.
        labels: (N,) int64 labels that they were conditioned on, −1 for none; None: they were coded without labels.
        bits: (N, H, W) float32, what each pixel costs, summed over its channels.
        ideal: (N,) float64, −log₂ p of each image, computed by itself.
        sizes: in each form, of all images together.
        file: (n,) uint8, content of the file.
        floored: sub-pixels of a probability below 2⁻²⁴, which cost 24 bits each.
    """

    indices: Array
    images: Array
    labels: Array | None
    bits: Array
    ideal: Array
    sizes: tuple[CodeSize, ...]
    file: Array
    floored: int


class ImagesCompressed(Event, frozen=True, kw_only=True):
    """Progress of a coding, or its result.

    Args:
        run: name of the run.
        progress: of the work.
        result: None before the last reply.
        image: shape and levels.
        title: short name of the set.
        conversion: sentence on the conversion of the images; empty: there was none.
        warnings: sentences.
        weights_step: training step of the weights.
    """

    run: str
    progress: ScoreProgress
    result: Compressed | None
    image: ImageSpec
    title: str
    conversion: str = ""
    warnings: tuple[str, ...] = ()
    weights_step: int

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.result is not None


class FileDecompressed(Event, frozen=True, kw_only=True):
    """Progress of a decoding, or its result, which has passed the comparison with the digest in the file.

    Args:
        run: name of the run.
        progress: of the work.
        images: (N, C, H, W) uint8 levels; None before the last reply.
        labels: (N,) int64 labels that the images are conditioned on; None: there are none.
        image: shape and levels.
        source: title of the run that the file names.
    """

    run: str
    progress: ScoreProgress
    images: Array | None
    labels: Array | None = None
    image: ImageSpec
    source: str

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.images is not None
