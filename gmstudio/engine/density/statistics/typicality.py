r"""Typicality: distance of −log p from its mean over training images.

    | -\tfrac1M \sum_m \log p(x_m) - \hat H |,  \hat H = \tfrac1N \sum_n -\log p(x_n) over training images

A sample of many dimensions lies where −log p is near the model's entropy, not where p is highest; Ĥ estimates the
entropy. For M = 1, the default, each image has a score of its own; for groups of M images ``group_scores`` makes one
score of the log-likelihoods of each group.

Differences from the paper: Ĥ is the mean over at most ``MAX_TRAINING`` training images, a fixed random choice, and no
threshold is bootstrapped from them: the ROC curve shows all thresholds.

Source: Nalisnick et al. 2019, Detecting Out-of-Distribution Inputs to Deep Generative Models Using Typicality,
arXiv:1906.02994, sections 3 and 4, equation 6.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import permutation
from gmstudio.engine.density.statistics.likelihoods import LikelihoodStatistic
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.engine.density.subject import Subject
from gmstudio.families.base import Family, Preparation
from gmstudio.protocol.density import StatisticCard, StatisticSettings

MAX_TRAINING = 1000
"""Training images over which −log p is averaged at most."""
_ORDER_SEED = 1906
_MAX_KEPT = 64
_ENTROPIES: OrderedDict[tuple[str, ...], tuple[float, float, int]] = OrderedDict()
"""Ĥ, its standard error and the number of images, by weights, settings, seed and data."""


class Typicality(LikelihoodStatistic):
    """Distance of −log p from its mean over training images, nats."""

    card: ClassVar[StatisticCard] = StatisticCard(
        name="typicality",
        title="Typicality",
        help="Distance of −log p from its mean over training images: an image can be less typical by being too likely. "
        "Groups of images are tested by their mean.",
        latex=r"\left| -\tfrac{1}{M} \sum_{m=1}^{M} \log p(x_m) - \hat H \right|",
        unit="nats",
        direction="anomalous",
        source="Nalisnick et al. 2019, Detecting Out-of-Distribution Inputs … Using Typicality, arXiv:1906.02994, "
        "section 4",
    )
    order: ClassVar[int] = 3

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        super().__init__(subject, settings, seed)
        self._found: tuple[float, float, int] | None = None

    @classmethod
    def needs_data(cls, model: Family, settings: StatisticSettings) -> bool:
        """Training images are always needed."""
        return True

    @property
    def entropy(self) -> float:
        """Ĥ, nats, known after ``prepare``."""
        assert self._found is not None
        return self._found[0]

    @property
    def kind_text(self) -> str:
        """Name, with Ĥ once it is known."""
        if self._found is None:
            return "distance of −log p from its mean over training images"
        mean, error, count = self._found
        return f"distance of −log p from its mean over {count:,} training images, {mean:.1f} ± {error:.1f} nats"

    @property
    def key(self) -> str:
        """See ``Statistic``."""
        return f"{super().key} {MAX_TRAINING} {self._data_key()}"

    def prepare_own(self) -> Iterator[Preparation]:
        """Compute −log p of training images; Ĥ of the same weights, settings and seed is kept while the engine runs.

        Raises:
            ValueError: when the data of the run cannot be used, or the log-likelihoods are not finite.
        """
        key = (self.subject.weights, super().key, str(self.seed), self._data_key())
        self._found = _ENTROPIES.get(key)
        if self._found is not None:
            return
        yield from self.likelihoods.prepare()
        split = self.subject.dataset().train
        rows = permutation(len(split), _ORDER_SEED)[:MAX_TRAINING]
        images = self.subject.dataset().view("train", rows)
        labels = None if split.labels is None else split.labels[rows]
        generator = torch.Generator(self.subject.model.device).manual_seed(self.seed)
        parts: list[NDArray[np.float64]] = []
        size = self.batch_size
        for start in range(0, len(rows), size):
            some = slice(start, start + size)
            (found,) = self.likelihoods.score(images[some], generator, None if labels is None else labels[some])
            parts.append(-found.values)
            yield Preparation("−log p of training images", min(1.0, (start + size) / len(rows)))
        nats = np.concatenate(parts)
        if not np.isfinite(nats).all():
            bad = int((~np.isfinite(nats)).sum())
            raise ValueError(
                f"−log p of {bad:,} of {len(nats):,} training images is not finite, so typicality has no mean to "
                "compare with; choose another checkpoint."
            )
        error = float(nats.std(ddof=1)) / math.sqrt(len(nats)) if len(nats) > 1 else math.nan
        self._found = _ENTROPIES[key] = (float(nats.mean()), error, len(nats))
        while len(_ENTROPIES) > _MAX_KEPT:
            _ENTROPIES.popitem(last=False)

    def combined(self, images: NDArray[np.uint8], log_probs: Sequence[Scored]) -> Scored:
        """See ``LikelihoodStatistic``; errors are those of log p, without that of Ĥ, which all images share."""
        (found,) = log_probs
        return Scored(np.abs(-found.values - self.entropy), found.errors)

    def group_scores(self, log_probs: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score groups of images.

        Args:
            log_probs: (N,) nats.
            groups: (G, M) numbers of the images of each group.

        Returns:
            (G,) nats.
        """
        scores: NDArray[np.float64] = np.abs(-log_probs[groups].mean(1) - self.entropy)
        return scores

    def _data_key(self) -> str:
        """Text that differs where the training images do."""
        fingerprint = self.subject.record.fingerprint
        if fingerprint is not None:
            return fingerprint.digests["train"]
        return f"{self.subject.record.data} {sorted(self.subject.record.data_config.items())}"
