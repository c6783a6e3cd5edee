"""Messages of the page One image: what a model makes of one image, in parts that arrive one after another."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.density import ScoreKind
from gmstudio.protocol.image_sets import ImageSet
from gmstudio.protocol.images import ImageSpec

MAX_NEIGHBOURS = 20
MODEL_PARTS = ("reconstruction", "code", "discriminated", "surprisal", "likelihood")
"""Parts that are computed of the image alone, the quick ones first."""
NEIGHBOUR_PARTS = ("pixels", "code_neighbours")
"""Nearest training images, by their pixels and by the model's code."""
PARTS = (*MODEL_PARTS, *NEIGHBOUR_PARTS)


class ShowImage(Command, frozen=True, kw_only=True):
    """Compute what a model makes of an image; answered with ``ImageShown`` for each part, the last done.

    Args:
        run: name of the run.
        images: set that the image belongs to.
        index: its number in the set.
        parts: those of ``PARTS`` that are wanted.
        neighbours: nearest training images that are wanted, 1 to ``MAX_NEIGHBOURS``.
        seed: of all noise.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    images: ImageSet
    index: int = 0
    parts: tuple[str, ...] = PARTS
    neighbours: int = 5
    seed: int = 0


class SeenImage(msgspec.Struct, frozen=True, kw_only=True, tag="seen"):
    """The image as the model sees it.

    Args:
        levels: (C, H, W) uint8.
        title: short name of the set.
        label: name of its label; empty: it has none.
        conversion: sentence on the conversion to the model's size and levels; empty: there was none.
    """

    levels: Array
    title: str
    label: str = ""
    conversion: str = ""


class Likelihood(msgspec.Struct, frozen=True, kw_only=True, tag="likelihood"):
    """Log-likelihood of the image.

    Args:
        kind: exact, lower bound or estimate.
        kind_text: the kind in words.
        nats: log p(x).
        error: standard error, nats; None: it is exact, or unknown.
        bits_per_dim: −log₂ p(x) for each sub-pixel.
        warnings: sentences.
    """

    kind: ScoreKind
    kind_text: str
    nats: float
    error: float | None
    bits_per_dim: float
    warnings: tuple[str, ...] = ()


class Surprisal(msgspec.Struct, frozen=True, kw_only=True, tag="surprisal"):
    """Surprisal of each pixel.

    Args:
        bits: (H, W) float32, summed over the channels.
    """

    bits: Array


class ImageCode(msgspec.Struct, frozen=True, kw_only=True, tag="code"):
    """Code of the image.

    Args:
        values: (Z,) float32.
        deviations: (Z,) float32 standard deviations of the posterior; None: there is none.
    """

    values: Array
    deviations: Array | None = None


class Reconstructed(msgspec.Struct, frozen=True, kw_only=True, tag="reconstruction"):
    """Decoded code.

    Args:
        image: (C, H, W) uint8, 0 … 255.
        error: mean squared error over the sub-pixels, black 0 and white 1.
    """

    image: Array
    error: float


class Discriminated(msgspec.Struct, frozen=True, kw_only=True, tag="discriminated"):
    """Output of the discriminator.

    Args:
        value: 0 … 1, higher is more real.
        title: the quantity, for example ``D(x)``.
    """

    value: float
    title: str


class Nearest(msgspec.Struct, frozen=True, kw_only=True, tag="nearest"):
    """Nearest training images.

    Args:
        space: one of ``NEIGHBOUR_PARTS``.
        title: what the distance is measured in, for example ``Pixels, 784 dimensions``.
        indices: (n,) int64 numbers of training images, the nearest first.
        images: (n, C, H, W) uint8 levels.
        distances: (n,) float64, Euclidean.
        labels: names of their labels; empty: they have none.
        searched: number of training images that were searched, the first ones.
        total: number of training images.
    """

    space: str
    title: str
    indices: Array
    images: Array
    distances: Array
    labels: tuple[str, ...] = ()
    searched: int
    total: int


class Missing(msgspec.Struct, frozen=True, kw_only=True, tag="missing"):
    """A part that the model has not, or that failed.

    Args:
        part: one of ``PARTS``.
        reason: a sentence.
        failed: it should be there.
    """

    part: str
    reason: str
    failed: bool = False


ImagePart = SeenImage | Likelihood | Surprisal | ImageCode | Reconstructed | Discriminated | Nearest | Missing


class ImageShown(Event, frozen=True, kw_only=True):
    """A part of what a model makes of an image.

    Args:
        run: name of the run.
        part: the part; None: there is none in this reply.
        image: shape and levels of the model's images.
        weights_step: training step of the weights.
        stage: what is computed next, for example ``nearest training images``; empty: nothing.
        done: this is the last reply.
    """

    run: str
    part: ImagePart | None
    image: ImageSpec
    weights_step: int
    stage: str = ""
    done: bool = False

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
