"""Plain sampling of autoregressive models, one full pass of the network for each sub-pixel.

These functions are never called here: their source stands in the file of a model as its method ``sample``. With the
same generator they give the images of the incremental samplers.

Shapes: B batch, C channels, H height, W width, L levels, D sub-pixels.
"""

from typing import Any

import torch
from torch import Tensor


@torch.no_grad()
def sample(self: Any, n: int, generator: torch.Generator | None = None) -> Tensor:
    """Generate images one sub-pixel after another, each drawn from its conditional given those before it.

    Args:
        self: the model.
        n: number of images.
        generator: source of the uniforms, on the CPU.

    Returns:
        (n, C, H, W) uint8.
    """
    uniforms_DB = torch.rand(self.image.num_dims, n, generator=generator)
    images_BCHW = torch.zeros(n, *self.image.shape, dtype=torch.uint8)
    for step, (channel, row, column) in enumerate(self.own_order.tolist()):
        logits_BL = self.logits(images_BCHW, self.own_order)[:, channel, row, column]
        images_BCHW[:, channel, row, column] = inverse_cdf(logits_BL.softmax(1), uniforms_DB[step])
    return images_BCHW


@torch.no_grad()
def sample_labelled(
    self: Any, n: int, generator: torch.Generator | None = None, labels: Tensor | None = None
) -> Tensor:
    """Generate images one sub-pixel after another, each drawn from its conditional given those before it.

    Args:
        self: the model.
        n: number of images.
        generator: source of the uniforms, on the CPU.
        labels: (n,) class of each image; None: of no class.

    Returns:
        (n, C, H, W) uint8.
    """
    uniforms_DB = torch.rand(self.image.num_dims, n, generator=generator)
    images_BCHW = torch.zeros(n, *self.image.shape, dtype=torch.uint8)
    for step, (channel, row, column) in enumerate(self.own_order.tolist()):
        logits_BL = self.logits(images_BCHW, self.own_order, labels)[:, channel, row, column]
        images_BCHW[:, channel, row, column] = inverse_cdf(logits_BL.softmax(1), uniforms_DB[step])
    return images_BCHW


def inverse_cdf(probs_BL: Tensor, uniforms_B: Tensor) -> Tensor:
    """Value of each distribution at a uniform: the number of levels whose cumulative probability is at most u.

    Args:
        probs_BL: probabilities of the levels.
        uniforms_B: in [0, 1).

    Returns:
        (B,) int64.
    """
    cumulative_BL = probs_BL.cumsum(1)
    return (cumulative_BL[:, :-1] <= uniforms_B[:, None] * cumulative_BL[:, -1:]).sum(1)
