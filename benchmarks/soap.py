r"""SOAP: Adam in the directions in which the gradients of a matrix vary, found as they come.

    L ← β L + (1 - β) G Gᵀ,   R ← β R + (1 - β) Gᵀ G,   L ≈ Q_L Λ Q_Lᵀ,   R ≈ Q_R Λ Q_Rᵀ
    m ← μ m + (1 - μ) G,   v ← β v + (1 - β) (Q_Lᵀ G Q_R)²,   W ← W - η Q_L [(Q_Lᵀ m Q_R) / √v] Q_Rᵀ

Adam scales each weight on its own; features of a network vary together, and in their own directions the scaling does
much more. A network that sees few images learns more from each. The bases are turned by one step of the orthogonal
iteration every few updates, for small matrices at little cost.

Kernels of convolutions count as matrices of features × everything else.

Source: Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam, arXiv:2409.11321, algorithm 3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

MOMENTUM = 0.95
MEMORY = 0.95
TURN_EVERY = 10
SMALLEST_SIDE = 8
LARGEST_SIDE = 1024
EPSILON = 1e-8


class Soap:
    """Moves matrices.

    Args:
        parameters: tensors of two or more dimensions.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._matrices = [_Matrix(parameter, number) for number, parameter in enumerate(parameters)]

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """Take a step with the gradients that are there."""
        for matrix in self._matrices:
            matrix.update(rate)


def is_inner_matrix(parameter: Tensor) -> bool:
    """Whether a parameter maps between features, few enough for their directions to be followed."""
    if parameter.dim() < 2:
        return False
    sides = parameter.flatten(1).shape
    return min(sides) >= SMALLEST_SIDE and max(sides) <= LARGEST_SIDE


class _Matrix:
    """One matrix with its bases and moments.

    Args:
        parameter: which.
        phase: its bases are turned so many updates sooner, so that not all matrices' are at once.
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
        self._left.lerp_(gradient @ gradient.T, 1.0 - MEMORY)
        self._right.lerp_(gradient.T @ gradient, 1.0 - MEMORY)
        self._count += 1
        if self._count == 1:
            self._left_basis = torch.linalg.eigh(self._left).eigenvectors.flip(1)
            self._right_basis = torch.linalg.eigh(self._right).eigenvectors.flip(1)
        self._mean.lerp_(gradient, 1.0 - MOMENTUM)
        self._square.lerp_(self._turned(gradient) ** 2, 1.0 - MEMORY)
        corrected = rate * (1.0 - MEMORY**self._count) ** 0.5 / (1.0 - MOMENTUM**self._count)
        scaled = self._turned(self._mean) / (self._square.sqrt() + EPSILON)
        step = self._left_basis @ scaled @ self._right_basis.T
        self._parameter.sub_(step.view_as(self._parameter), alpha=corrected)
        if (self._count + self._phase) % TURN_EVERY == 0:
            self._turn_bases()

    def _turned(self, matrix: Tensor) -> Tensor:
        return self._left_basis.T @ matrix @ self._right_basis

    def _turn_bases(self) -> None:
        """One step of the orthogonal iteration; the squares keep to their directions, sorted by importance."""
        self._left_basis, rows = _turn(self._left, self._left_basis)
        self._right_basis, columns = _turn(self._right, self._right_basis)
        self._square = self._square[rows][:, columns]


def _turn(matrix: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """The basis turned towards the matrix's eigenvectors, and which of the old directions became which."""
    product = matrix @ basis
    order = (basis * product).sum(0).argsort(descending=True)
    return torch.linalg.qr(product[:, order]).Q, order
