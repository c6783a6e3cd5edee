"""Detection of divergence: losses and weights that are no longer finite."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from gmstudio.runs.history import Scalar


def diverged_loss(rows: Iterable[Scalar]) -> tuple[str, int] | None:
    """Find the first loss that is not finite.

    Returns:
        A clause such as ``loss became NaN``, and its step; None when all losses are finite.
    """
    for step, _, name, value in rows:
        if name.endswith("loss") and not math.isfinite(value):
            symbol = "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
            return f"{name.replace('_', ' ')} became {symbol}", step
    return None


def has_finite_weights(model: nn.Module) -> bool:
    """Test all parameters in a single read from the device.

    The least and the largest entry of each tell it, since both are NaN where one is; on the CPU the largest absolute
    values would take ten times as long.
    """
    extremes = [extreme.float() for p in model.parameters() if p.numel() for extreme in torch.aminmax(p.detach())]
    return bool(torch.stack(extremes).isfinite().all())
