r"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, updated during training.

    L ← β L + (1 - β) G Gᵀ,   R ← β R + (1 - β) Gᵀ G,   L ≈ Q_L Λ Q_Lᵀ,   R ≈ Q_R Λ Q_Rᵀ
    m ← μ m + (1 - μ) G,   v ← β v + (1 - β) (Q_Lᵀ G Q_R)²,   W ← W - η Q_L [(Q_Lᵀ m Q_R) / √v] Q_Rᵀ

Adam scales each weight separately; gradients of features are correlated, and in their eigenbasis the scaling is far
more effective, so that a network trained on few images learns more from each. The bases are updated by one step of
orthogonal iteration every few updates, which is cheap for small matrices.

Kernels of convolutions count as matrices of features × everything else.

Source: Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam, arXiv:2409.11321, algorithm 3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

MOMENTUM = 0.95
SECOND_MOMENT_DECAY = 0.95
UPDATE_BASES_EVERY = 10
SMALLEST_SIDE = 8
LARGEST_SIDE = 1024
EPSILON = 1e-8


class Soap:
    """Optimizer of matrices.

    Args:
        parameters: tensors of two or more dimensions.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._matrices = [_Matrix(parameter, number) for number, parameter in enumerate(parameters)]

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """Update all matrices that have a gradient."""
        for matrix in self._matrices:
            matrix.update(rate)


def is_inner_matrix(parameter: Tensor) -> bool:
    """Test whether a parameter maps between features, few enough for an eigenbasis to be affordable."""
    if parameter.dim() < 2:
        return False
    sides = parameter.flatten(1).shape
    return min(sides) >= SMALLEST_SIDE and max(sides) <= LARGEST_SIDE


class _Matrix:
    """One matrix with its bases and moments.

    Args:
        parameter: the tensor to update.
        phase: offset in updates of the basis updates, so that not all matrices have theirs at once.
    """

    def __init__(self, parameter: Tensor, phase: int) -> None:
        self._parameter, self._phase, self._count = parameter, phase, 0
        rows, columns = parameter.flatten(1).shape
        self._left, self._right = parameter.new_zeros(rows, rows), parameter.new_zeros(columns, columns)
        self._left_basis, self._right_basis = torch.eye(rows).to(parameter), torch.eye(columns).to(parameter)
        self._mean, self._square = parameter.new_zeros(rows, columns), parameter.new_zeros(rows, columns)

    def update(self, rate: float) -> None:
        if self._parameter.grad is None:
            return
        gradient = self._parameter.grad.flatten(1)
        self._left.lerp_(gradient @ gradient.T, 1.0 - SECOND_MOMENT_DECAY)
        self._right.lerp_(gradient.T @ gradient, 1.0 - SECOND_MOMENT_DECAY)
        self._count += 1
        if self._count == 1:
            self._left_basis = torch.linalg.eigh(self._left).eigenvectors.flip(1)
            self._right_basis = torch.linalg.eigh(self._right).eigenvectors.flip(1)
        self._mean.lerp_(gradient, 1.0 - MOMENTUM)
        self._square.lerp_(self._rotated(gradient) ** 2, 1.0 - SECOND_MOMENT_DECAY)
        corrected = rate * (1.0 - SECOND_MOMENT_DECAY**self._count) ** 0.5 / (1.0 - MOMENTUM**self._count)
        scaled = self._rotated(self._mean) / (self._square.sqrt() + EPSILON)
        step = self._left_basis @ scaled @ self._right_basis.T
        self._parameter.sub_(step.view_as(self._parameter), alpha=corrected)
        if (self._count + self._phase) % UPDATE_BASES_EVERY == 0:
            self._update_bases()

    def _rotated(self, matrix: Tensor) -> Tensor:
        return self._left_basis.T @ matrix @ self._right_basis

    def _update_bases(self) -> None:
        """One step of orthogonal iteration; the second moments are permuted with their directions."""
        self._left_basis, rows = _orthogonal_iteration(self._left, self._left_basis)
        self._right_basis, columns = _orthogonal_iteration(self._right, self._right_basis)
        self._square = self._square[rows][:, columns]


def _orthogonal_iteration(matrix: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Basis after a step towards the matrix's eigenvectors, and the permutation of the old directions."""
    product = matrix @ basis
    order = (basis * product).sum(0).argsort(descending=True)
    return torch.linalg.qr(product[:, order]).Q, order
