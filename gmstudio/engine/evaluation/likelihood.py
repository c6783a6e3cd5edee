"""Log-likelihood of images under a model: exact, a lower bound, or an estimate."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.evaluation.label_mixture import LabelMixture
from gmstudio.engine.runtime.inspection import exploring, exploring_pieces
from gmstudio.families.base import Bounded, Estimated, Family, Preparation, PreparedEstimate, Sampler
from gmstudio.protocol.images import ImageSpec

MAX_BATCH = 64
ESTIMATE_SAMPLES = 100
BOUND_DRAWS = 10_000
ESTIMATE_DRAWS = 8192
"""Samples of all images that an estimate draws in one piece."""
BOUND_ROWS = 256
"""The same for a bound, whose samples may each take a pass through a large network."""
MAX_SAMPLES = 100_000
"""Most samples an image that a score takes: its standard error falls with their square root only."""
MAX_SUBPIXELS = 2**20
"""Sub-pixels of a batch; with a softmax over 256 levels this is a gigabyte."""


@runtime_checkable
class Exact(Protocol):
    """Models with an exact log-likelihood; those that take labels accept them by name."""

    def log_prob(self, x: Tensor, *, labels: Tensor | None = None) -> Tensor:
        """(B,) nats."""


@runtime_checkable
class _DescribedEstimate(Protocol):
    """Models that describe their estimate."""

    def describe_estimate(self, num_samples: int) -> str:
        """Description for display; empty: none."""


@runtime_checkable
class _WarnedEstimate(Protocol):
    """Models whose estimate can be unreliable."""

    def warning_on_estimate(self, num_samples: int) -> str:
        """Limitation of the estimate with its remedy, one sentence; empty: none."""


@dataclass(frozen=True, eq=False)
class Score:
    """Log-likelihoods of images under one model.

    Args:
        kind: description, for example ``exact log-likelihood``.
        nats: (N,) float64, log p(x) of each image, or its bound or estimate.
        image: spec of the images.
        warning: limitation of the values with its remedy, one sentence; empty: none.
    """

    kind: str
    nats: NDArray[np.float64]
    image: ImageSpec
    warning: str = ""

    @property
    def mean_nats(self) -> float:
        """Mean over the images."""
        return float(self.nats.mean())

    @property
    def spread_nats(self) -> float:
        """Standard deviation over the images; NaN for one image."""
        return float(self.nats.std(ddof=1)) if len(self.nats) > 1 else math.nan

    @property
    def error_nats(self) -> float:
        """Standard error of the mean; NaN for one image."""
        return self.spread_nats / math.sqrt(len(self.nats))

    @property
    def bits_per_dim(self) -> float:
        """The negative mean in bits per sub-pixel."""
        return self.image.bits_per_dim(-self.mean_nats)


def kind_of_score(model: Family, num_samples: int) -> str:
    """Describe what ``score`` computes; a family can describe its own estimate (``describe_estimate``).

    Raises:
        ValueError: when the model has no likelihood, bound or estimate.
    """
    if isinstance(model, Exact):
        return "exact log-likelihood"
    if estimates(model, num_samples):
        described = model.describe_estimate(num_samples) if isinstance(model, _DescribedEstimate) else ""
        return described or f"importance-weighted estimate, {num_samples} samples an image"
    if isinstance(model, Bounded):
        return f"lower bound (ELBO), {'one sample' if num_samples == 1 else f'{num_samples:,} samples'} an image"
    instead = "it only generates" if isinstance(model, Sampler) else "it is not a generative model"
    raise ValueError(f"{model.card.title} gives no likelihood: {instead}. Score a run of another family.")


def has_likelihood(model: object) -> bool:
    """Return whether a model has a likelihood, a bound or an estimate."""
    return isinstance(model, Exact | Estimated | Bounded)


def default_samples(model: Family, num_images: int) -> int:
    """Return a suitable number of samples per image: many for an estimate; for a bound, more for fewer images.

    One sample per image is an unbiased estimate of the bound; over few images the mean needs more for the same error.

    Args:
        model: model to be scored.
        num_images: number of images.
    """
    if isinstance(model, Estimated):
        return ESTIMATE_SAMPLES
    return max(1, min(ESTIMATE_SAMPLES, BOUND_DRAWS // max(1, num_images)))


def batch_size(model: Family, num_samples: int) -> int:
    """Return the number of images that are scored in one piece: fewer where many samples of each are drawn."""
    size = min(MAX_BATCH, MAX_SUBPIXELS // model.image.num_dims)
    if estimates(model, num_samples):
        size = min(size, ESTIMATE_DRAWS // num_samples)
    elif isinstance(model, Bounded) and not isinstance(model, Exact):
        size = min(size, BOUND_ROWS // num_samples)
    return max(1, size)


def prepare(model: Family, num_samples: int, seed: int = 0) -> Iterator[Preparation]:
    """Compute in pieces what the estimates of all images share; ``score`` with the same arguments then uses it."""
    if isinstance(model, PreparedEstimate) and estimates(model, num_samples):
        generator = torch.Generator(model.device).manual_seed(seed)
        yield from exploring_pieces(model, model.prepare_estimate(num_samples, generator))


def score(
    model: Family,
    images: NDArray[np.uint8],
    num_samples: int,
    seed: int = 0,
    labels: NDArray[np.int64] | None = None,
    mixture: LabelMixture | None = None,
) -> Iterator[Score | None]:
    """Score images in small pieces: yields None after each, of ``prepare``, too, then the result.

    Args:
        model: model with a likelihood, a bound or an estimate.
        images: (N, C, H, W) levels, N ≥ 1.
        num_samples: samples per image, 1 or more, of the estimate where there is one, otherwise of the bound; with 1
            the bound is computed where there is one.
        seed: seed of their noise.
        labels: (N,) labels of the images, for log p(x | label) of a class-conditional model; None: none.
        mixture: of a class-conditional model, for log p(x); takes precedence over ``labels``.

    Raises:
        ValueError: when the model has no likelihood, there are no images, or num_samples is below 1.
    """
    kind_of_score(model, num_samples)  # raises where there is none
    if not 1 <= num_samples <= MAX_SAMPLES:
        raise ValueError(
            f"{num_samples:,} samples an image; a score takes 1 to {MAX_SAMPLES:,}. Choose some thousands: the error "
            "falls with the square root of the number only."
        )
    if not len(images):
        raise ValueError("There are no images to score; choose another split or more classes.")
    for _ in prepare(model, num_samples, seed):
        yield None
    generator = torch.Generator(model.device).manual_seed(seed)
    parts = []
    size = batch_size(model, num_samples)
    for start in range(0, len(images), size):
        with exploring(model):
            batch = torch.from_numpy(images[start : start + size]).to(model.device)
            own = None if labels is None else torch.from_numpy(labels[start : start + size])
            nats_B = _score_batch(model, batch, num_samples, generator, own, mixture)
            parts.append(nats_B.cpu().numpy().astype(np.float64))
        yield None
    kind = kind_of_score(model, num_samples)  # a family may have computed the error of its estimate
    if getattr(model, "num_classes", 0):
        kind += conditioning(labels is not None, mixture)
    warning = ""
    if isinstance(model, _WarnedEstimate) and estimates(model, num_samples):
        warning = model.warning_on_estimate(num_samples)
    yield Score(kind, np.concatenate(parts), model.image, warning)


def conditioning(is_given: bool, mixture: LabelMixture | None) -> str:
    """Name the likelihood of a class-conditional model that a score is."""
    if mixture is not None:
        return (
            f" log p(x) = log Σ p(y) p(x | y) over {len(mixture.labels)} labels y, p(y) their frequencies among the "
            "training images"
        )
    return " log p(x | y), given each image's label y" if is_given else " log p(x), of the model without a label"


def _score_batch(
    model: Family,
    batch: Tensor,
    num_samples: int,
    generator: torch.Generator,
    labels: Tensor | None,
    mixture: LabelMixture | None,
) -> Tensor:
    if mixture is not None:
        return mixture.log_prob(model, batch)
    if isinstance(model, Exact):
        return model.log_prob(batch) if labels is None else model.log_prob(batch, labels=labels)
    if isinstance(model, Estimated) and estimates(model, num_samples):
        return model.log_prob_estimate(batch, num_samples=num_samples, generator=generator)
    assert isinstance(model, Bounded)
    return model.elbo(batch, num_samples=num_samples, generator=generator)


def estimates(model: Family, num_samples: int) -> bool:
    """Return whether the estimate is computed: with one sample only where there is no bound."""
    return isinstance(model, Estimated) and (num_samples > 1 or not isinstance(model, Bounded))
