"""A short training with clipped gradients, for tests of several families."""

import torch
from torch import Tensor

from gmstudio.families.base import Family
from gmstudio.testing.laws.inputs import seeded


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
