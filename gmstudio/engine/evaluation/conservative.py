"""Conservative estimate of log p(x) beside one that flatters, as RAISE beside annealed importance sampling."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.families.base import Family, Preparation

NUM_IMAGES = 50
NUM_CHAINS = 4
"""Chains for each image: together about as many as annealed importance sampling takes."""
BATCH = 25


@runtime_checkable
class Conservative(Protocol):
    """Models whose log p(x) is estimated with the opposite bias, too."""

    def is_estimated(self) -> bool:
        """Whether ``log_prob_estimate`` is an estimate, not exact."""

    def conservative_estimate(
        self, x: Tensor, num_chains: int, generator: torch.Generator
    ) -> Iterator[Preparation | Tensor]:
        """Progress every few milliseconds, then (B,) nats, a lower bound in expectation."""


@dataclass(frozen=True, eq=False)
class ConservativeScore:
    """Conservative estimate for some images of a score.

    Args:
        nats: (N,) float64, the estimate of each image.
        estimate: (N,) float64, what ``score`` gives for the same images.
    """

    nats: NDArray[np.float64]
    estimate: NDArray[np.float64]

    @property
    def mean_nats(self) -> float:
        """Mean over the images."""
        return float(self.nats.mean())

    @property
    def error_nats(self) -> float:
        """Standard error of the mean; NaN for one image."""
        return float(self.nats.std(ddof=1)) / math.sqrt(len(self.nats)) if len(self.nats) > 1 else math.nan

    @property
    def estimate_nats(self) -> float:
        """Mean estimate of the same images; between the two lies, on average, log p(x)."""
        return float(self.estimate.mean())


def conservative_score(
    model: Family, images: NDArray[np.uint8], estimate: NDArray[np.float64], seed: int
) -> Iterator[ConservativeScore | Preparation]:
    """Estimate ``NUM_IMAGES`` of the images in pieces: yields the progress after each, then the result.

    The images are a random choice, since data sets may be sorted by class. A model without such an estimate, or with an
    exact likelihood, yields nothing.

    Args:
        model: model of any family.
        images: (N, C, H, W) integers.
        estimate: (N,) nats that ``score`` found for them.
        seed: seed of all noise.
    """
    if not isinstance(model, Conservative) or not model.is_estimated():
        return
    generator = torch.Generator(model.device).manual_seed(seed)
    rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:NUM_IMAGES])
    few = images[rows]
    parts = []
    for start in range(0, len(few), BATCH):
        batch = torch.from_numpy(few[start : start + BATCH]).to(model.device)
        for piece in exploring_pieces(model, model.conservative_estimate(batch, NUM_CHAINS, generator)):
            if isinstance(piece, Preparation):
                share = (start + piece.share * len(batch)) / len(few)
                yield piece._replace(share=share)
            else:
                parts.append(piece.cpu().numpy().astype(np.float64))
    yield ConservativeScore(np.concatenate(parts), estimate[rows])
