"""Detection of divergence: losses and weights that are no longer finite."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from gmstudio.runs.history import Curve


def diverged_loss(curves: Mapping[tuple[str, str], Curve]) -> tuple[str, int] | None:
    """Find the first loss that is not finite.

    Args:
        curves: (split, name) → steps (n,) rising, values (n,).

    Returns:
        A clause such as ``loss became NaN``, and its step; None when all losses are finite.
    """
    found: list[tuple[int, str, float]] = []
    for (_split, name), (steps, values) in curves.items():
        if name.endswith("loss") and not np.isfinite(values).all():
            first = int(np.argmin(np.isfinite(values)))
            found.append((int(steps[first]), name, float(values[first])))
    if not found:
        return None
    step, name, value = min(found, key=lambda loss: loss[0])
    symbol = "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{name.replace('_', ' ')} became {symbol}", step


def has_finite_weights(model: nn.Module) -> bool:
    """Test all parameters in a single read from the device.

    The least and the largest entry of each tell it, since both are NaN where one is; on the CPU the largest absolute
    values would take ten times as long.
    """
    extremes = [extreme.float() for p in model.parameters() if p.numel() for extreme in torch.aminmax(p.detach())]
    return bool(torch.stack(extremes).isfinite().all())
