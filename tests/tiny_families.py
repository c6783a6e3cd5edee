"""What tests of several families need: seeded noise, random images and a short training."""

import torch
from torch import Tensor

from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(image: ImageSpec, n: int, seed: int = 0, dtype: torch.dtype = torch.uint8) -> Tensor:
    """(n, C, H, W) levels, each as likely as the others."""
    return torch.randint(image.levels, (n, *image.shape), generator=seeded(seed)).to(dtype)


def fit(
    model: Family, batch: Tensor, steps: int, learning_rate: float = 3e-3, max_norm: float = float("inf")
) -> list[float]:
    """Train the only phase on one batch; the losses.

    Args:
        max_norm: gradients are clipped to it.
    """
    (phase,) = model.phases()
    noise = seeded(1)
    optimizer = torch.optim.Adam(phase.parameters, learning_rate, fused=True)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = phase.loss(batch, noise)["loss"]
        loss.backward()
        if max_norm < float("inf"):
            torch.nn.utils.clip_grad_norm_(phase.parameters, max_norm)
        optimizer.step()
        if phase.after_update is not None:
            phase.after_update()
        losses.append(loss.item())
    return losses
