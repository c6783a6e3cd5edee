r"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, updated during training.

    L ← β L + (1 - β) G Gᵀ,   R ← β R + (1 - β) Gᵀ G,   L ≈ Q_L Λ Q_Lᵀ,   R ≈ Q_R Λ Q_Rᵀ
    m ← μ m + (1 - μ) G,   v ← β v + (1 - β) (Q_Lᵀ G Q_R)²,   W ← W - η Q_L [(Q_Lᵀ m Q_R) / √v] Q_Rᵀ

Adam scales each weight separately; gradients of features are correlated, and in their eigenbasis the scaling is far
more effective, so that a network trained on few images learns more from each. The bases are updated by one step of
orthogonal iteration every few updates, which is cheap for small matrices.

Kernels of convolutions count as matrices of features × everything else.

Source: Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam, arXiv:2409.11321, algorithm 3.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gmstudio.nn.products import product

MOMENTUM = 0.95
SECOND_MOMENT_DECAY = 0.95
UPDATE_BASES_EVERY = 10
SMALLEST_SIDE = 8
LARGEST_SIDE = 1024
EPSILON = 1e-8


class Soap:
    """Optimizer of matrices; the first update finds the bases and leaves the weights as they are.

    Args:
        parameters: tensors of two or more dimensions.
        weight_decay: λ; each update takes η λ W off the weights besides its step.
    """

    def __init__(self, parameters: Sequence[Tensor], weight_decay: float = 0.0) -> None:
        self._matrices = [_Matrix(parameter, number) for number, parameter in enumerate(parameters)]
        self._weight_decay = weight_decay

    @torch.no_grad()
    def update(self, rate: float) -> None:
        """Update all matrices that have a gradient, with the step size η = ``rate``."""
        for matrix in self._matrices:
            matrix.update(rate, self._weight_decay)

    def state(self, index: int) -> dict[str, Tensor]:
        """Return the state of a matrix, see ``state_shapes``; empty before its first update."""
        matrix = self._matrices[index]
        return matrix.state() if matrix.count else {}

    def load_state(self, index: int, state: Mapping[str, Tensor]) -> None:
        """Load what ``state`` returned, of the shapes that ``state_shapes`` names."""
        self._matrices[index].load(state)


def is_inner_matrix(parameter: Tensor) -> bool:
    """Test whether a parameter maps between features, few enough for an eigenbasis to be affordable."""
    if parameter.dim() < 2:
        return False
    sides = parameter.flatten(1).shape
    return min(sides) >= SMALLEST_SIDE and max(sides) <= LARGEST_SIDE


def state_shapes(parameter: Tensor) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of a matrix's state, all float: number of updates, L, R, Q_L, Q_R, m and v."""
    rows, columns = parameter.flatten(1).shape
    left, right, both = (rows, rows), (columns, columns), (rows, columns)
    return {
        "soap_count": (),
        "soap_left": left,
        "soap_right": right,
        "soap_left_basis": left,
        "soap_right_basis": right,
        "soap_mean": both,
        "soap_square": both,
    }


class _Matrix:
    """One matrix with its bases and moments.

    All have rows that are contiguous, as after loading: products of other layouts differ in their last digits.

    Args:
        parameter: the tensor to update.
        phase: offset in updates of the basis updates, so that not all matrices have theirs at once.
    """

    def __init__(self, parameter: Tensor, phase: int) -> None:
        self._parameter, self._phase, self.count = parameter, phase, 0
        tensors = [parameter.new_zeros(shape) for shape in state_shapes(parameter).values() if shape]
        self._left, self._right, self._left_basis, self._right_basis, self._mean, self._square = tensors

    def update(self, rate: float, weight_decay: float) -> None:
        if self._parameter.grad is None:
            return
        gradient = self._parameter.grad.flatten(1)
        self._left.lerp_(product(gradient, gradient.T), 1.0 - SECOND_MOMENT_DECAY)
        self._right.lerp_(product(gradient.T, gradient), 1.0 - SECOND_MOMENT_DECAY)
        self.count += 1
        if self.count == 1:
            self._left_basis.copy_(_eigenvectors(self._left))
            self._right_basis.copy_(_eigenvectors(self._right))
        self._mean.lerp_(gradient, 1.0 - MOMENTUM)
        self._square.lerp_(self._rotated(gradient) ** 2, 1.0 - SECOND_MOMENT_DECAY)
        if self.count == 1:
            return  # in its own basis a gradient is diagonal; the other entries are rounding, scaled up to the rate
        corrected = rate * (1.0 - SECOND_MOMENT_DECAY**self.count) ** 0.5 / (1.0 - MOMENTUM**self.count)
        scaled = self._rotated(self._mean) / (self._square.sqrt() + EPSILON)
        step = product(product(self._left_basis, scaled), self._right_basis.T)
        if weight_decay:
            self._parameter.mul_(1.0 - rate * weight_decay)
        self._parameter.sub_(step.view_as(self._parameter), alpha=corrected)
        if (self.count + self._phase) % UPDATE_BASES_EVERY == 0:
            self._update_bases()

    def state(self) -> dict[str, Tensor]:
        tensors = (self._left, self._right, self._left_basis, self._right_basis, self._mean, self._square)
        count = torch.tensor(float(self.count))
        return dict(zip(state_shapes(self._parameter), (count, *tensors), strict=True))

    def load(self, state: Mapping[str, Tensor]) -> None:
        self.count = int(state["soap_count"])
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def _rotated(self, matrix: Tensor) -> Tensor:
        return product(product(self._left_basis.T, matrix), self._right_basis)

    def _update_bases(self) -> None:
        """One step of orthogonal iteration; the second moments are permuted with their directions."""
        rows = _orthogonal_iteration(self._left, self._left_basis)
        columns = _orthogonal_iteration(self._right, self._right_basis)
        self._square.copy_(self._square[rows][:, columns])


def _eigenvectors(matrix: Tensor) -> Tensor:
    """Eigenvectors of a symmetric matrix as columns, those of the largest eigenvalues first.

    In double precision: most eigenvalues of a first gradient's products are zero, for which ``eigh`` of floats often
    does not converge. Where that of doubles does not either, the basis is the matrix's own axes, which the orthogonal
    iteration turns. Entries that are not finite count as zero; the weights show the divergence all the same.
    """
    finite = torch.nan_to_num(_decomposable(matrix), nan=0.0, posinf=0.0, neginf=0.0)
    try:
        rising: Tensor = torch.linalg.eigh(finite.double()).eigenvectors
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    return rising.flip(1).to(matrix)


def _orthogonal_iteration(matrix: Tensor, basis: Tensor) -> Tensor:
    """Move a basis a step towards the matrix's eigenvectors; returns the permutation of the old directions."""
    turned = product(matrix, basis)
    order: Tensor = (basis * turned).sum(0).argsort(descending=True)
    basis.copy_(torch.linalg.qr(_decomposable(turned[:, order])).Q)
    return order


def _decomposable(matrix: Tensor) -> Tensor:
    """The matrix where torch decomposes it: on MPS it does not."""
    return matrix.cpu() if matrix.device.type == "mps" else matrix
