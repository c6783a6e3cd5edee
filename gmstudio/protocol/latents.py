"""Messages about latent codes: decoding, encoding, optimization, directions, dimension statistics."""

from typing import Any, ClassVar, Literal

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import InkStatistics
from gmstudio.protocol.metrics import MetricValues

# ---- commands: latents --------------------------------------------------------------------------------------


class Decode(Command, frozen=True, kw_only=True):
    """Decode (N, Z) float32 codes with the run's current weights; answered with ``Decoded``.

    Args:
        measure: also compute metrics of each code and its image: log p(z), a bound, D(x).
        moving: the code is being dragged: a preview will do where decoding takes several steps, and other work waits.
    """

    interactive: ClassVar[bool] = True

    run: str
    codes: Array
    measure: bool = False
    moving: bool = False

    @property
    def dragged(self) -> bool:
        """See ``Command``."""
        return self.moving


class ChooseDecoder(Command, frozen=True, kw_only=True):
    """Decode and encode with these settings from now on, in all commands about codes of a run; answered with ``Done``.

    Args:
        decoder: fields of the family's DecoderConfig as plain values; those left out have their defaults.
    """

    run: str
    decoder: dict[str, Any]


class Encode(Command, frozen=True, kw_only=True):
    """Encode a data-set image; answered with ``Encoded``."""

    run: str
    split: SplitName = "valid"
    index: int = 0


class ComputeDimensionStats(Command, frozen=True, kw_only=True):
    """Compute KL and pixel change of each latent dimension; answered with ``DimensionStatsComputed``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ()
    background: ClassVar[bool] = True

    run: str


class SampleCodes(Command, frozen=True, kw_only=True):
    """Sample codes whose images look like the model's; answered with ``CodesSampled``.

    A normal prior is sampled; binary hidden units are p(h = 1 | x) of samples x of the model; without a prior the codes
    are those of random images of the data.

    Args:
        count: number of codes.
        seed: the same seed and weights give the same codes.
        near: (1, Z) float32, a code of binary hidden units to take one step of the model's chain from.
    """

    run: str
    count: int = 1
    seed: int = 0
    near: Array | None = None


class EncodeImage(Command, frozen=True, kw_only=True):
    """Encode the user's image, (C, H, W) uint8 levels; answered with ``Encoded``."""

    run: str
    image: Array


class ProjectImage(Command, frozen=True, kw_only=True):
    """Optimize the code whose image is nearest to one; answered with ``ImageProjected`` many times, the last done.

    A newer one for the same run supersedes it.

    Args:
        image: (C, H, W) uint8 levels.
        steps: of the optimization.
        seed: of the codes that it starts from.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    image: Array
    steps: int = 200
    seed: int = 0


class MeasureInk(Command, frozen=True, kw_only=True):
    """Measure ground and ink of the run's training images; answered with ``InkMeasured``."""

    run: str


class EncodeSplit(Command, frozen=True, kw_only=True):
    """Encode images of the run's data, always the same ones; answered with ``CodesEncoded``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    split: SplitName = "valid"
    count: int = 1000


class FindDirections(Command, frozen=True, kw_only=True):
    """Compute interpretable directions of a latent space; answered with ``DirectionsFound``.

    Args:
        kind: ``components``: PCA of the codes of training images; ``features``: PCA of the decoder's first-layer
            features for random codes, regressed on the codes (Härkönen et al. 2020); ``labels``: class-mean
            difference, the mean code of the second label minus that of the first.
        count: number of principal components.
        labels: for ``labels``.
    """

    run: str
    kind: Literal["components", "features", "labels"] = "components"
    count: int = 10
    labels: tuple[int, int] = (0, 1)


# ---- events: latents ----------------------------------------------------------------------------------------


class Decoded(Event, frozen=True, kw_only=True):
    """Means (N, C, H, W) uint8, 0 … 255, of the weights of ``step``.

    Args:
        metrics: (N,) values of what the family can compute of each code and its image, when requested.
        preview: how the image was decoded, where it is a preview; empty: it is the image of the code.
    """

    run: str
    step: int
    images: Array
    engine_ms: float
    metrics: tuple[MetricValues, ...] = ()
    preview: str = ""


class Encoded(Event, frozen=True, kw_only=True):
    """Code of an image: (Z,) float32 mean and standard deviation (None without a posterior).

    For the user's image ``split`` is empty and ``index`` −1. ``image`` is (C, H, W) uint8 levels; ``label`` a word,
    empty where the data has none.
    """

    run: str
    split: str
    index: int
    code: Array
    deviation: Array | None
    image: Array
    label: str


class CodesSampled(Event, frozen=True, kw_only=True):
    """Random codes (N, Z) float32, with the weights of ``step``.

    Args:
        split: of the images of the data whose codes they are; None: of the prior, or of samples of the model.
        indices: N, of these images in the split.
        images: (N, C, H, W) uint8 levels, these images.
        labels: N words, where the data has labels.
    """

    run: str
    step: int
    codes: Array
    split: SplitName | None = None
    indices: tuple[int, ...] = ()
    images: Array | None = None
    labels: tuple[str, ...] = ()


class DimensionStatsComputed(Event, frozen=True, kw_only=True):
    """Statistics of the latent dimensions, (Z,) float32.

    Args:
        kl: mean KL(q(z_j|x) ‖ p(z_j)) over validation images, nats; None without a posterior.
        pixel_change: root mean square change of the decoded means (0 … 1) when the dimension moves from −1σ to 1σ.
    """

    run: str
    step: int
    kl: Array | None
    pixel_change: Array


class ImageProjected(Event, frozen=True, kw_only=True):
    """The nearest code so far, (Z,) float32, and the error of its image.

    Args:
        error: root mean square difference of the decoded means from the image, both 0 … 1.
        step: of ``steps``.
    """

    run: str
    code: Array
    error: float
    step: int
    steps: int
    done: bool

    def ends_request(self) -> bool:
        """Return whether the optimization is done."""
        return self.done


class InkMeasured(Event, frozen=True, kw_only=True):
    """Ground and ink of the run's training images."""

    run: str
    ink: InkStatistics


class CodesEncoded(Event, frozen=True, kw_only=True):
    """Codes (N, Z) float32 of images of a split, and their labels (N,) int64 where there are some."""

    run: str
    step: int
    split: SplitName
    codes: Array
    labels: Array | None
    label_names: tuple[str, ...]


class DirectionsFound(Event, frozen=True, kw_only=True):
    """Directions in a latent space.

    Args:
        step: training step of the weights.
        directions: (K, Z) float32; the unit is one standard deviation (components, features) or the whole difference
            of the class means (labels).
        names: K names to begin with, for example ``PC 1 (34 % of variance)``.
        shares: (K,) float32, share of the variance that each explains; None for labels.
    """

    run: str
    step: int
    kind: Literal["components", "features", "labels"]
    directions: Array
    names: tuple[str, ...]
    shares: Array | None
