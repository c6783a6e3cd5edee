"""What the engine tells the window of latent spaces, and of generations that are not pixel by pixel."""

from typing import Literal

import msgspec

from gmstudio.array import Array
from gmstudio.events import Event

# ---- events: latents ----------------------------------------------------------------------------------------


class Decoded(Event, frozen=True, kw_only=True):
    """Means (N, C, H, W) uint8, 0 … 255, of the weights of ``step``.

    Args:
        measures: name with unit → (N,) float32, what the family can tell of each code and image, when asked for.
    """

    run: str
    step: int
    images: Array
    engine_ms: float
    measures: dict[str, Array] = msgspec.field(default_factory=dict)


class Encoded(Event, frozen=True, kw_only=True):
    """Code of an image: (Z,) float32 mean and standard deviation (None without a posterior).

    Of an image of one's own ``split`` is empty and ``index`` −1. ``image`` is (C, H, W) uint8 levels; ``label`` a word,
    empty where the data has none.
    """

    run: str
    split: str
    index: int
    code: Array
    deviation: Array | None
    image: Array
    label: str


class LatentsMeasured(Event, frozen=True, kw_only=True):
    """Per latent dimension, (Z,) float32.

    Args:
        kl: mean KL(q(z_j|x) ‖ p(z_j)) in nats; None without a posterior.
        effect: root mean square change of the decoded means (0 … 1) when the dimension moves from −1σ to 1σ.
    """

    run: str
    step: int
    kl: Array | None
    effect: Array


class ImageProjected(Event, frozen=True, kw_only=True):
    """The nearest code so far, (Z,) float32, and how far its image is.

    Args:
        error: root mean square difference of the decoded means from the image, both 0 … 1.
        step: of ``steps``.
        decoded: (C, H, W) uint8, 0 … 255.
    """

    run: str
    code: Array
    error: float
    step: int
    steps: int
    decoded: Array
    done: bool


class CodesEncoded(Event, frozen=True, kw_only=True):
    """Codes (N, Z) float32 of images of a split, and their labels (N,) int64 where there are some."""

    run: str
    step: int
    split: str
    codes: Array
    labels: Array | None
    label_names: tuple[str, ...]


class DirectionsFound(Event, frozen=True, kw_only=True):
    """Directions in a latent space.

    Args:
        step: training step of the weights.
        directions: (K, Z) float32; moving by one of them once is one standard deviation (components, features) or the
            whole way from one label's mean to the other's (labels).
        names: K names to begin with, for example ``component 1 (34 %)``.
        shares: (K,) float32, share of the variance that each explains; None for labels.
        origin: (Z,) float32, the mean code from which they go out.
    """

    run: str
    step: int
    kind: Literal["components", "features", "labels"]
    directions: Array
    names: tuple[str, ...]
    shares: Array | None
    origin: Array


# ---- events: timelines --------------------------------------------------------------------------------------


class TimelineAppended(Event, frozen=True, kw_only=True):
    """New moments of generations that run side by side.

    Args:
        start: number of the first of these moments on the timeline.
        labels: M labels, one for each moment.
        images: (M, N, C, H, W) uint8, 0 … 255.
        measures: name with unit → (M, N) float32.
        steps: moments that there will be, about; 0: unknown.
        weights_step: training step of the weights; of a timeline of the training itself, the last one's.
        done: nothing more comes.
    """

    run: str
    start: int
    labels: tuple[str, ...]
    images: Array
    measures: dict[str, Array]
    steps: int
    weights_step: int
    done: bool
