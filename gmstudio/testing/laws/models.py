"""Types of the models that laws are about: the capabilities of ``families.base``, each with the image they concern."""

from typing import Protocol

from gmstudio.families.base import (
    Autoregressive,
    Bounded,
    Discriminator,
    Encoder,
    Estimated,
    Latent,
    MarkovChain,
    Posterior,
    Sampler,
    Trajectory,
)
from gmstudio.families.diagnostics import Illustrated, PixelIllustrated
from gmstudio.protocol.images import ImageSpec


class HasImage(Protocol):
    """A model of images of one specification."""

    image: ImageSpec


class AutoregressiveModel(Autoregressive, HasImage, Protocol):
    """A model with exact log-probabilities and pixel sessions."""


class ScoredSamplingModel(Autoregressive, Sampler, HasImage, Protocol):
    """A model with exact log-probabilities that generates images."""


class SamplingModel(Sampler, HasImage, Protocol):
    """A model that generates images."""


class LatentModel(Latent, HasImage, Protocol):
    """A model that decodes codes."""


class EncodingModel(Encoder, Latent, HasImage, Protocol):
    """A model that encodes images and decodes codes."""


class PosteriorModel(Posterior, Encoder, HasImage, Protocol):
    """A model with an approximate posterior."""


class BoundedModel(Bounded, HasImage, Protocol):
    """A model with a lower bound of log p(x)."""


class EstimatedModel(Bounded, Estimated, HasImage, Protocol):
    """A model with a lower bound of log p(x), and a tighter estimate."""


class DiscriminatorModel(Discriminator, HasImage, Protocol):
    """A model with D(x)."""


class ChainModel(MarkovChain, HasImage, Protocol):
    """A model with a Markov chain over images."""


class IllustratedModel(Illustrated, HasImage, Protocol):
    """A model that draws figures of its diagnostics."""


class PixelIllustratedModel(PixelIllustrated, HasImage, Protocol):
    """A model that draws figures of one image and one of its pixels."""


class TrajectoryModel(Trajectory, HasImage, Protocol):
    """A model that generates step by step, whole images at a time."""
