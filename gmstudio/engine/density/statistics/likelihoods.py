"""Statistics that are made of log-likelihoods of the same images under one or several models."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.statistic import Scored, Statistic
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.base import Family, Preparation
from gmstudio.protocol.density import ScoreKind, StatisticSettings


class Likelihoods:
    """Log p of images under several models.

    Args:
        subjects: models, one or more, with images of one shape and number of levels.
        settings: of log p.
        seed: of what all images share.

    Raises:
        ValueError: when a model has no likelihood, or other images than the first one.
    """

    def __init__(self, subjects: Sequence[Subject], settings: StatisticSettings, seed: int) -> None:
        first = subjects[0]
        for subject in subjects:
            refusal = LogProb.refusal(subject.model)
            if refusal:
                raise ValueError(refusal)
            if subject.model.image != first.model.image:
                raise ValueError(
                    f"{subject.run} has images of {subject.model.image}, {first.run} of {first.model.image}; choose "
                    "runs with the same data."
                )
        self.members = [LogProb(subject, settings, seed) for subject in subjects]

    @property
    def kinds(self) -> tuple[ScoreKind, ...]:
        """Kind of the log-likelihood of each model."""
        return tuple(member.kind for member in self.members)

    @property
    def key(self) -> str:
        """Settings in use, and the weights of all models but the first."""
        return " ".join(
            member.key if number == 0 else f"{member.subject.weights} {member.key}"
            for number, member in enumerate(self.members)
        )

    def prepare(self) -> Iterator[Preparation]:
        """Compute in pieces what the scores of all images share."""
        for member in self.members:
            yield from member.prepare()

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None
    ) -> list[Scored]:
        """Score images under each model, one after another with the same generator; nats."""
        found = []
        for member in self.members:
            with exploring(member.subject.model):
                found.append(member.score(images, generator, labels if member.uses_labels else None))
        return found

    def warnings(self) -> tuple[str, ...]:
        """Return the sentences of all models, each once."""
        return tuple(dict.fromkeys(text for member in self.members for text in member.warnings()))


class LikelihoodStatistic(Statistic, ABC):
    """Base of the statistics that are made of log-likelihoods.

    Args:
        subject: as of ``Statistic``.
        settings: of the statistic and of log p.
        seed: of what all images share.
        others: further models whose log-likelihood is computed.
    """

    def __init__(
        self, subject: Subject, settings: StatisticSettings, seed: int, others: Sequence[Subject] = ()
    ) -> None:
        super().__init__(subject, settings, seed)
        self.likelihoods = Likelihoods((subject, *others), settings, seed)

    @classmethod
    def refusal(cls, model: Family) -> str:
        """Return the reason why a model has no log-likelihood, bound or estimate; empty: it has."""
        return LogProb.refusal(model)

    @classmethod
    def needs_data(cls, model: Family, settings: StatisticSettings) -> bool:
        """See ``Statistic``."""
        return LogProb.needs_data(model, settings)

    @property
    def key(self) -> str:
        """Settings in use, and the weights of other models."""
        return self.likelihoods.key

    @property
    def uses_labels(self) -> bool:
        """See ``Statistic``."""
        return any(member.uses_labels for member in self.likelihoods.members)

    @property
    def noisy(self) -> bool:
        """See ``Statistic``."""
        return any(member.noisy for member in self.likelihoods.members)

    @property
    def batch_size(self) -> int:
        """Images of one piece of work, fewer the more models there are."""
        members = self.likelihoods.members
        return max(1, min(member.batch_size for member in members) // len(members))

    @property
    def combined_size(self) -> int:
        """Images of one piece of ``combined``, which takes at most some tens of milliseconds."""
        return 64

    def prepare(self) -> Iterator[Preparation]:
        """See ``Statistic``."""
        yield from self.likelihoods.prepare()
        yield from self.prepare_own()

    def prepare_own(self) -> Iterator[Preparation]:
        """Compute in pieces what the scores of all images share besides the log-likelihoods; nothing here."""
        yield from ()

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        """See ``Statistic``."""
        return self.combined(images, self.likelihoods.score(images, generator, labels))

    @abstractmethod
    def combined(self, images: NDArray[np.uint8], log_probs: Sequence[Scored]) -> Scored:
        """Make scores of log-likelihoods that are computed.

        Args:
            images: (n, C, H, W) levels of the model, n ≤ ``combined_size``.
            log_probs: log-likelihoods of the images under each model, (n,) nats.
        """

    def warnings(self) -> tuple[str, ...]:
        """See ``Statistic``."""
        return self.likelihoods.warnings()


def combined_error(
    parts: Sequence[Scored], weights: Sequence[NDArray[np.float64] | float]
) -> NDArray[np.float64] | None:
    """Standard error of a sum of independent scores, each with a weight; None where all are exact."""
    squares = [
        np.square(part.errors * weight) for part, weight in zip(parts, weights, strict=True) if part.errors is not None
    ]
    return np.sqrt(np.sum(squares, axis=0)) if squares else None
