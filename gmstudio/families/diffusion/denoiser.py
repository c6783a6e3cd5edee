"""Denoisers: networks that predict the noise in noisy images, given the time.

Shapes: B batch, C channels, H height, W width, S shifts of all blocks.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from gmstudio.nn.constants import constant
from gmstudio.nn.products import Linear

TIME_UNITS, MAX_PERIOD = 1000.0, 10_000.0


class Denoiser(nn.Module, ABC):
    """Noisy images and their times → the noise. The time enters by shifts that a sampler computes beforehand.

    Attributes:
        time: (B,) times in [0, 1] → (B, S) shifts of all blocks.
    """

    time: nn.Module

    @abstractmethod
    def with_shifts(self, x_BCHW: Tensor, shifts_BS: Tensor) -> Tensor:
        """Predicted noise, (B, C, H, W), given the shifts that ``time`` computes: (B, S), or (1, S) for all."""

    def forward(self, x_BCHW: Tensor, time_B: Tensor) -> Tensor:
        """Predict from noisy images.

        Args:
            x_BCHW: images with noise.
            time_B: times in [0, 1], one per image or one for all.

        Returns:
            (B, C, H, W).
        """
        return self.with_shifts(x_BCHW, self.time(time_B))


class TimeEmbedding(nn.Module):
    """Times → shifts of all residual blocks: sinusoids of periods 2π to 20,000π, then dense layers.

    Args:
        num_embedding: E, even.
        num_out: S.
    """

    rates: Tensor

    def __init__(self, num_embedding: int, num_out: int) -> None:
        super().__init__()
        half = num_embedding // 2
        self.register_buffer("rates", _rates(half), persistent=False)
        self.layers = nn.Sequential(
            Linear(2 * half, num_embedding),
            nn.SiLU(),
            Linear(num_embedding, num_embedding),
            nn.SiLU(),
            Linear(num_embedding, num_out),
        )

    def forward(self, time_B: Tensor) -> Tensor:
        """(B,) times in [0, 1] → (B, S)."""
        angles_BF = time_B[:, None] * self.rates
        shifts: Tensor = self.layers(torch.cat([angles_BF.sin(), angles_BF.cos()], dim=1))
        return shifts


@constant
def _rates(count: int) -> Tensor:
    """Angular velocities of the sines and cosines of time, falling geometrically: (count,)."""
    return torch.exp(torch.arange(count) * (-math.log(MAX_PERIOD) / count)) * TIME_UNITS
