"""Scores of a diffusion model by its variational bound.

Shapes: B batch, C channels, H height, W width.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gmstudio.families.diffusion.bound import DiffusionBound
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.nn.ema import MovingAverage
from gmstudio.protocol.images import ImageSpec


class BoundScoring(ABC):
    """Part of a family that bounds the log-probability of images.

    Attributes:
        image: specification of the images.
        schedule: of the noise.
        averaged: network that predicts the noise, with averaged weights.
    """

    image: ImageSpec
    schedule: NoiseSchedule
    averaged: MovingAverage

    @abstractmethod
    def _max_rows(self) -> int:
        """Largest number of images in one pass through the network."""

    @torch.no_grad()
    def elbo(self, x: Tensor, num_samples: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Variational bound on the log-probability of the integer image.

        The KL of x_T has a closed form. Of the sum over t > 1, ``num_samples`` timesteps are drawn for each image where
        there are more (an unbiased estimate, which varies a lot from image to image for few of them); else every
        timestep is computed, as often as ``num_samples`` allows. The noise is drawn independently for each, and log
        p(x_0|x_1) is averaged over as many rounds.

        Args:
            x: (B, C, H, W) integers.
            num_samples: evaluations of the sum's terms per image.
            generator: source of t and ε.

        Returns:
            (B,), nats; in expectation at most log p(x).

        Raises:
            ValueError: when num_samples is below 1.
        """
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; a bound needs at least 1 draw per image.")
        bound = DiffusionBound(self.schedule, self.averaged, self.image.levels)
        pieces = [bound.estimate(piece, num_samples, generator) for piece in torch.split(x, self._max_rows())]
        return torch.cat(pieces) if len(x) else x.new_zeros(0, dtype=torch.float32)

    @property
    def num_bound_terms(self) -> int:
        """Terms of the bound: one for each timestep; the first includes the KL of x_T."""
        return self.schedule.num_timesteps

    @torch.no_grad()
    def bound_terms(self, x: Tensor, first: int, last: int, generator: torch.Generator | None = None) -> Tensor:
        """Terms ``first`` … ``last`` − 1 of −ELBO, counted from 0, each with noise drawn once: (B,), nats.

        All of them together estimate the bound without the variance that drawing timesteps brings (see ``elbo``).
        """
        return DiffusionBound(self.schedule, self.averaged, self.image.levels).terms(x, first, last, generator)
