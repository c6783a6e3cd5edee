r"""A dense denoiser for points and small images: residual blocks over the flattened image.

Each sub-pixel enters as itself and as sin(ωx) and cos(ωx) for some frequencies, because a dense network learns a
function of two numbers slowly where it varies fast; at the lowest noise the score varies within a few cells of a grid.

Source: Tancik et al. 2020, Fourier features let networks learn high frequency functions in low dimensional domains,
arXiv:2006.10739, section 4; Ho, Jain & Abbeel 2020, Denoising diffusion probabilistic models, arXiv:2006.11239,
appendix B (time embedding).

Shapes: B batch, C channels, H height, W width, D = C·H·W, F frequencies, N hidden units, S shifts of all blocks.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.diffusion.denoiser import Denoiser, TimeEmbedding
from gmstudio.nn.products import Linear

FIRST_OUTPUT = 0.1
FREQUENCIES = (0.5, 1.0, 2.0, 4.0)
"""Multiples of π of the frequencies ω, for states whose data lie in [-1, 1]."""
MAX_EMBEDDED_DIMS = 8
"""Images of more sub-pixels enter as they are."""


class DenseSizes(NamedTuple):
    """Sizes of a dense denoiser.

    Args:
        num_hidden: N, width of all layers.
        num_layers: residual blocks of two dense layers each.
    """

    num_hidden: int
    num_layers: int


class DenseDenoiser(Denoiser):
    """Residual blocks over the flattened image, each shifted by the time.

    Args:
        image_shape: (C, H, W).
        sizes: see ``DenseSizes``.
    """

    rates: Tensor

    def __init__(self, image_shape: tuple[int, int, int], sizes: DenseSizes) -> None:
        super().__init__()
        num_dims = image_shape[0] * image_shape[1] * image_shape[2]
        rates = math.pi * torch.tensor(FREQUENCIES if num_dims <= MAX_EMBEDDED_DIMS else ())
        self.register_buffer("rates", rates, persistent=False)
        self.first = Linear(num_dims * (1 + 2 * len(rates)), sizes.num_hidden)
        self.blocks = nn.ModuleList(_Block(sizes.num_hidden) for _ in range(sizes.num_layers))
        self.last = Linear(sizes.num_hidden, num_dims)
        self.time = TimeEmbedding(max(2, sizes.num_hidden // 2 * 2), sizes.num_layers * sizes.num_hidden)

    def with_shifts(self, x_BCHW: Tensor, shifts_BS: Tensor) -> Tensor:
        """See ``Denoiser``."""
        x_BD = x_BCHW.flatten(1)
        angles_BN = (x_BD.unsqueeze(2) * self.rates).flatten(1)
        hidden = self.first(torch.cat([x_BD, angles_BN.sin(), angles_BN.cos()], dim=1))
        for block, shift in zip(self.blocks, shifts_BS.chunk(len(self.blocks), dim=1), strict=True):
            hidden = block(hidden, shift)
        out: Tensor = self.last(functional.silu(hidden))
        return out.to(x_BCHW.dtype).view(x_BCHW.shape)


class _Block(nn.Module):
    """h + W₂ silu(W₁ silu(h) + shift)."""

    def __init__(self, num_hidden: int) -> None:
        super().__init__()
        self.dense1 = Linear(num_hidden, num_hidden)
        self.dense2 = Linear(num_hidden, num_hidden)
        with torch.no_grad():
            self.dense2.weight.mul_(FIRST_OUTPUT)

    def forward(self, hidden_BN: Tensor, shift_BN: Tensor) -> Tensor:
        inner = self.dense1(functional.silu(hidden_BN)) + shift_BN
        out: Tensor = hidden_BN + self.dense2(functional.silu(inner))
        return out
