"""Diagnostic figure of a flow: codes of images beside the standard normal distribution."""

import torch
from torch import Tensor

from gmstudio.families.diagnostics import Figure

HISTOGRAM_SIDE, HISTOGRAM_BINS = 4.0, 40


def latent_histogram(z_BD: Tensor) -> Figure:
    """Entries of (B, D) codes against the standard normal distribution."""
    inside = z_BD.float().clamp(-HISTOGRAM_SIDE, HISTOGRAM_SIDE - 1e-3)
    counts = torch.histc(inside, HISTOGRAM_BINS, -HISTOGRAM_SIDE, HISTOGRAM_SIDE)
    edges = torch.linspace(-HISTOGRAM_SIDE, HISTOGRAM_SIDE, HISTOGRAM_BINS + 1, device=z_BD.device)
    below = torch.special.ndtr(edges)
    below[0], below[-1] = 0.0, 1.0
    return Figure(
        "histogram",
        "latent_histogram",
        "Entries of z, validation images",
        "Codes of images should follow the standard normal distribution, the line; values beyond the ends are counted "
        "in the outer bins.",
        series=("z",),
        edges=edges,
        values=counts[None],
        reference=z_BD.numel() * below.diff(),
    )
