r"""Muon: momentum whose step has no preferred direction, for the matrices inside a network.

    m ← μ m + (1 - μ) g,    W ← W - η · 0.2 √max(M, N) · orthogonal(μ m + (1 - μ) g)

Each update is replaced by the orthogonal matrix nearest to it (five Newton-Schulz iterations, which bring all singular
values near 1). So directions of small gradient are learned as fast as those of large gradient, and a network that sees
few images learns more from each. The factor gives a step about the size that Adam's would have (Liu et al.).

Kernels of convolutions count as matrices of features × everything else.

Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks, kellerjordan.github.io/posts/muon;
Liu et al. 2025, Muon is Scalable for LLM Training, arXiv:2502.16982, section 2.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SMALLEST_SIDE = 8


class Muon:
    """Moves matrices.

    Args:
        parameters: tensors of two or more dimensions.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._momenta = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """Take a step with the gradients that are there, and forget them."""
        for parameter, momentum in zip(self._parameters, self._momenta, strict=True):
            if parameter.grad is None:
                continue
            momentum.lerp_(parameter.grad, 1.0 - MOMENTUM)
            ahead = torch.lerp(parameter.grad, momentum, MOMENTUM)
            step = orthogonal(ahead.flatten(1))
            parameter.sub_(step.view_as(parameter), alpha=rate * 0.2 * max(step.shape) ** 0.5)
            parameter.grad = None


def is_inner_matrix(parameter: Tensor) -> bool:
    """Whether a parameter maps between features, as Muon needs it; readouts of few values and biases are not."""
    return parameter.dim() > 1 and min(parameter.flatten(1).shape) >= SMALLEST_SIDE


def orthogonal(matrix_MN: Tensor) -> Tensor:
    """(M, N) → about the orthogonal matrix nearest to it: the same singular vectors, all values near 1."""
    a, b, c = COEFFICIENTS
    wide = matrix_MN.T if matrix_MN.shape[0] > matrix_MN.shape[1] else matrix_MN
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide.T if matrix_MN.shape[0] > matrix_MN.shape[1] else wide
