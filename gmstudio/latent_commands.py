"""What the window asks of latent spaces, and of generations that are not pixel by pixel."""

from typing import Literal

from gmstudio.array import Array
from gmstudio.commands import Command

# ---- commands: latents --------------------------------------------------------------------------------------


class Decode(Command, frozen=True, kw_only=True):
    """Decode (N, Z) float32 codes with the run's current weights; answered with ``Decoded``.

    Args:
        measure: tell what the family can of each code and its image: log p(z), a bound, D(x).
    """

    run: str
    codes: Array
    measure: bool = False


class Encode(Command, frozen=True, kw_only=True):
    """Encode a data-set image; answered with ``Encoded``."""

    run: str
    split: Literal["train", "valid", "test"] = "valid"
    index: int = 0


class MeasureLatents(Command, frozen=True, kw_only=True):
    """Measure each latent dimension on validation images; answered with ``LatentsMeasured``."""

    run: str


class EncodeImage(Command, frozen=True, kw_only=True):
    """Encode an image of one's own, (C, H, W) uint8 levels; answered with ``Encoded``."""

    run: str
    image: Array


class ProjectImage(Command, frozen=True, kw_only=True):
    """Look for the code whose image is nearest, by descent; answered with ``ImageProjected`` many times, the last done.

    A newer one for the same run ends it early.

    Args:
        image: (C, H, W) uint8 levels.
        steps: of the descent.
        seed: of the codes that it starts from.
    """

    run: str
    image: Array
    steps: int = 200
    seed: int = 0


class EncodeSplit(Command, frozen=True, kw_only=True):
    """Encode images of the run's data, always the same ones; answered with ``CodesEncoded``."""

    run: str
    split: Literal["train", "valid", "test"] = "valid"
    count: int = 1000


class FindDirections(Command, frozen=True, kw_only=True):
    """Find directions in a latent space that mean something; answered with ``DirectionsFound``.

    Args:
        kind: ``components``: principal components of the data's codes; ``features``: of the decoder's first-layer
            features for random codes, brought back to codes (Härkönen et al. 2020); ``labels``: the mean code of one
            label minus that of another.
        count: of components.
        labels: for ``labels``: from the first to the second.
    """

    run: str
    kind: Literal["components", "features", "labels"] = "components"
    count: int = 10
    labels: tuple[int, int] = (0, 1)


# ---- commands: timelines ------------------------------------------------------------------------------------


class RunTimeline(Command, frozen=True, kw_only=True):
    """Generate step by step, whole images at a time; answered with ``TimelineAppended`` many times, the last one done.

    A newer one for the same run ends it early; ``count`` 0 does only that.

    Args:
        kind: ``generation``: the family's own chain, denoising or layers; ``training``: the sample grids that were kept
            while the run trained.
        count: generations side by side.
        steps: transitions wanted.
        seed: of all noise.
        start: where the generations begin: ``noise`` (or the prior), ``data`` (images of a split) or ``image``.
        split: for ``data``.
        index: for ``data``: of the first image; the next ones follow.
        image: for ``image``: (C, H, W) uint8 levels, where all of them begin.
    """

    run: str
    kind: Literal["generation", "training"] = "generation"
    count: int = 4
    steps: int = 100
    seed: int = 0
    start: Literal["noise", "data", "image"] = "noise"
    split: Literal["train", "valid", "test"] = "valid"
    index: int = 0
    image: Array | None = None
