"""Conversion of decoded means to images for display."""

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.runtime.inspection import latent_of
from gmstudio.families.base import Family

MAX_FLOATS = 2**24


def decoded(model: Family, codes_NZ: torch.Tensor) -> torch.Tensor:
    """Decode codes to means (N, C, H, W) in [0, 1], in pieces whose probabilities of all levels fit into memory."""
    rows = max(1, MAX_FLOATS // (model.image.num_dims * model.image.levels))
    decoder = latent_of(model)
    return torch.cat([decoder.decode(piece) for piece in torch.split(codes_NZ, rows)])


def means_to_display(means: torch.Tensor) -> NDArray[np.uint8]:
    """Convert floats in [0, 1] to uint8, 0 … 255."""
    shown: NDArray[np.uint8] = means.mul(255).round_().clamp_(0, 255).to(torch.uint8).cpu().numpy()
    return shown
