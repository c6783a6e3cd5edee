"""Widest floating-point type of a device: 64 bits, or 32 on Apple's GPUs."""

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """Data type for sums that need high precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def widened(tensor: Tensor) -> Tensor:
    """Convert a tensor to the widest floating-point type of its device."""
    return tensor.to(widest(tensor.device))
