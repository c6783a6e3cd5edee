"""The widest floats that a device computes with: 64 bits, but 32 on Apple's GPUs, which have no more."""

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """The dtype of sums that are to lose little."""
    return torch.float32 if device.type == "mps" else torch.float64


def widened(tensor: Tensor) -> Tensor:
    """The tensor in the widest floats of its device."""
    return tensor.to(widest(tensor.device))
