"""Base of the statistics."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.subject import Subject
from gmstudio.engine.runtime.inspection import dtype_of
from gmstudio.families.base import Family, Preparation
from gmstudio.protocol.density import ScoreKind, StatisticCard, StatisticSettings


class Scored(NamedTuple):
    """Scores of images.

    Args:
        values: (n,) float64, in the unit of the statistic.
        errors: (n,) float64 standard errors; None: the values are exact.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None = None


def levels_of(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return images as a tensor; those that cannot be written, as of a mapped file, are copied."""
    return torch.from_numpy(images if images.flags.writeable else images.copy())


class Statistic(ABC):
    """Statistic of images under a model, ready to score.

    A subclass lies in a module of this package, which ``statistics_of`` finds. The score of an image depends on the
    image, the weights, the settings and the noise alone, never on the other images; the noise of a chunk of images
    comes from the seed and the images, so that kept scores can be used in any order.

    Args:
        subject: model with what the statistic needs besides.
        settings: of the statistic.
        seed: of what all images share.
    """

    card: ClassVar[StatisticCard]
    order: ClassVar[int]
    """Place in the lists; log p is 0."""

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        self.subject = subject
        self.settings = settings
        self.seed = seed

    @cached_property
    def device(self) -> torch.device:
        """Device of the model; to look for it takes as long as a small network."""
        return self.subject.model.device

    @cached_property
    def dtype(self) -> torch.dtype:
        """Data type of the model's parameters."""
        return dtype_of(self.subject.model)

    @classmethod
    @abstractmethod
    def refusal(cls, model: Family) -> str:
        """Return the reason why a model has no such statistic, a sentence with a remedy; empty: it has."""

    @classmethod
    def kind_for(cls, model: Family) -> ScoreKind:
        """Return the kind of the scores of a model."""
        return "value"

    @property
    def kind(self) -> ScoreKind:
        """Kind of the scores with these settings."""
        return self.kind_for(self.subject.model)

    @property
    def kind_text(self) -> str:
        """Kind of the scores in words, for example ``exact log-likelihood``."""
        return self.card.title.lower()

    @property
    def key(self) -> str:
        """Text that differs where scores would, besides the weights of the subject, the images and the seed.

        It contains the settings in use and the weights of other models.
        """
        return ""

    @classmethod
    def needs_data(cls, model: Family, settings: StatisticSettings) -> bool:
        """Return whether ``prepare`` compares with the run's data, which are then loaded beforehand."""
        return False

    @property
    def uses_labels(self) -> bool:
        """Whether a score depends on the image's label, too."""
        return False

    @property
    def noisy(self) -> bool:
        """Whether scores depend on noise; ``score`` is then called with batches of fixed sizes."""
        return True

    @property
    def batch_size(self) -> int:
        """Images of one piece of work, which takes at most some tens of milliseconds."""
        return 64

    def prepare(self) -> Iterator[Preparation]:
        """Compute in pieces what the scores of all images share; nothing here."""
        yield from ()

    @abstractmethod
    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        """Score some images.

        Args:
            images: (n, C, H, W) levels of the model, n ≤ ``batch_size``, and up to four times as many without noise.
            generator: source of all noise, on the model's device.
            labels: (n,) labels of the images; None: they have none.
        """

    def warnings(self) -> tuple[str, ...]:
        """Return sentences on limitations of the scores; known after the first ``score``."""
        return ()
