r"""Dequantization noise: x + u with u in [0, 1) for each sub-pixel makes integers continuous.

A density p of the continuous v = x + u bounds the probability of the integer image, its integral over the bin:

    log P(x) = log ∫ p(x + u) du ≥ E_{q(u|x)}[log p(x + u) - log q(u|x)].

Uniform noise has log q = 0. Variational noise is learned: Gaussian noise passes through a small flow that is
conditioned on the image and ends in a sigmoid, so that q can put u where the density of this image is high, and the
bound is tighter.

Source: Theis, van den Oord & Bethge 2016, A note on the evaluation of generative models, arXiv:1511.01844, section 3.1;
Ho et al. 2019, Flow++, arXiv:1902.00275, section 3.1.

Shapes: B batch, C channels, H height, W width.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.flow.couplings import CheckerboardCoupling, ResidualNet
from gmstudio.nn.stacks import scaled

LOG_LOGISTIC_DEVIATION = math.log(1.7)
"""A normal distribution of deviation 1.7 is close to the logistic one, whose sigmoid is uniform."""
LOG_TWO_PI = math.log(2.0 * math.pi)


class Dequantization(nn.Module, ABC):
    """A distribution q(u|x) of noise in [0, 1]."""

    @abstractmethod
    def draw(self, x: Tensor, like: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Draw noise for each image.

        Args:
            x: (B, C, H, W) integers.
            like: tensor of the precision and device that the noise has.
            generator: source of the noise.

        Returns:
            u, (B, C, H, W) in [0, 1], and log q(u|x), (B,) nats.
        """


class UniformDequantization(Dequantization):
    """q(u|x) = 1."""

    def draw(self, x: Tensor, like: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """See ``Dequantization``."""
        noise = torch.rand(x.shape, generator=generator, dtype=like.dtype, device=like.device)
        return noise, noise.new_zeros(len(x))


class VariationalDequantization(Dequantization):
    """u = σ(h), where h is Gaussian noise moved by the image: an elementwise layer, then two coupling layers.

    Args:
        image_shape: (C, H, W); an image of one pixel has nothing to couple.
        levels: values that a sub-pixel can take.
        num_channels: of the small networks.
    """

    def __init__(self, image_shape: tuple[int, int, int], levels: int, num_channels: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self._levels = levels
        self.first = nn.Conv2d(channels, num_channels, 3, padding=1)
        self.elementwise = nn.Conv2d(num_channels, 2 * channels, 3, padding=1)
        swaps = (False, True) if height * width > 1 else ()
        self.couplings = nn.ModuleList(
            CheckerboardCoupling(image_shape, swap, ResidualNet(channels + num_channels, num_channels, 1, 2 * channels))
            for swap in swaps
        )

    def draw(self, x: Tensor, like: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """See ``Dequantization``."""
        noise = torch.randn(x.shape, generator=generator, dtype=like.dtype, device=like.device)
        context = torch.relu(self.first(scaled(x, self._levels, like)))
        shift, raw = self.elementwise(context).to(like.dtype).chunk(2, dim=1)
        log_scale = LOG_LOGISTIC_DEVIATION + 2.0 * torch.tanh(raw)
        h = torch.addcmul(shift, noise, log_scale.exp())
        log_det = log_scale.flatten(1).sum(1)
        for coupling in self.couplings:
            h, more = coupling(h, context)
            log_det = log_det + more
        log_slope = functional.logsigmoid(h) + functional.logsigmoid(-h)
        log_noise = -0.5 * (noise.square() + LOG_TWO_PI)
        return torch.sigmoid(h), (log_noise - log_slope).flatten(1).sum(1) - log_det
