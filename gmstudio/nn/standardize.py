"""Standardization of code entries: mean 0 and deviation 1 over the data, without parameters of its own."""

import torch
from torch import Tensor, nn

EPSILON = 1e-5


class Standardize(nn.Module):
    """Batch normalization without scale and shift: (B, Z) → (B, Z).

    In training each batch is standardized by its own mean and variance, of which exponential averages are kept; in
    evaluation by these averages. A batch of one image has no variance and is standardized by the averages, too.

    Args:
        num_entries: Z.
        momentum: what a batch contributes to the averages.

    Source: Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, algorithm 1 with γ = 1, β = 0.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, num_entries: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(num_entries))
        self.register_buffer("variance", torch.ones(num_entries))

    def forward(self, h_BZ: Tensor) -> Tensor:
        """Standardize by the batch while training, by the averages else."""
        if not self.training or not torch.is_grad_enabled():
            return self.by_averages(h_BZ)
        if len(h_BZ) < 2:
            with torch.no_grad():
                self.mean.lerp_(h_BZ.mean(0), self.momentum)
            return self.by_averages(h_BZ)
        variance_Z, mean_Z = torch.var_mean(h_BZ, dim=0, correction=0)
        with torch.no_grad():
            unbiased = len(h_BZ) / (len(h_BZ) - 1)
            self.mean.lerp_(mean_Z.to(self.mean), self.momentum)
            self.variance.lerp_((variance_Z * unbiased).to(self.variance), self.momentum)
        return (h_BZ - mean_Z) * torch.rsqrt(variance_Z + EPSILON)

    def by_averages(self, h_BZ: Tensor) -> Tensor:
        """What an entry is in deviations of the data, whatever else is in the batch."""
        return (h_BZ - self.mean) * torch.rsqrt(self.variance + EPSILON)
