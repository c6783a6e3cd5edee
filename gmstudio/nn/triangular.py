r"""The product with a strictly lower triangular matrix: out_i = \sum_{j<i} W_{ij} x_j.

The matrix is gone through in blocks of rows. What lies right of a block's diagonal square is never touched, and only
the squares are masked, so that about 6/10 of the arithmetic of a full masked product is done and little of the masking.

Shapes: B batch, D entries, F matrices side by side.
"""

from typing import Any

import torch
from torch import Tensor

NUM_BLOCKS = 4
SMALLEST_BLOCK = 64


def strictly_lower_product(x_BD: Tensor, weight_FDD: Tensor) -> Tensor:
    """Multiply by the strictly lower triangles of F matrices; entries on and above the diagonals are ignored.

    Args:
        x_BD: vectors.
        weight_FDD: matrices.

    Returns:
        (B, F, D); entry i depends on the entries of x before i. Differentiable in both, once.
    """
    with torch.autocast(x_BD.device.type, enabled=False):  # written for one precision throughout
        out_BFD: Tensor = _StrictlyLowerProduct.apply(x_BD, weight_FDD)  # type: ignore[no-untyped-call]
    return out_BFD


class _StrictlyLowerProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BD: Tensor, weight_FDD: Tensor) -> Tensor:
        ctx.save_for_backward(x_BD, weight_FDD)
        out_BFD = x_BD.new_empty(len(x_BD), len(weight_FDD), x_BD.shape[1])
        for rows in _blocks(x_BD.shape[1]):
            mask = _mask(rows, weight_FDD)
            for feature, weight_DD in enumerate(weight_FDD):
                out = out_BFD[:, feature, rows]
                torch.mm(x_BD[:, rows], (weight_DD[rows, rows] * mask).T, out=out)
                out.addmm_(x_BD[:, : rows.start], weight_DD[rows, : rows.start].T)
        return out_BFD

    @staticmethod
    def backward(ctx: Any, grad_BFD: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x_BD, weight_FDD = ctx.saved_tensors
        grad_x = torch.zeros_like(x_BD) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight_FDD) if ctx.needs_input_grad[1] else None
        for rows in _blocks(x_BD.shape[1]):
            mask = _mask(rows, weight_FDD)
            for feature, weight_DD in enumerate(weight_FDD):
                grad = grad_BFD[:, feature, rows]
                if grad_x is not None:
                    grad_x[:, rows].addmm_(grad, weight_DD[rows, rows] * mask)
                    grad_x[:, : rows.start].addmm_(grad, weight_DD[rows, : rows.start])
                if grad_weight is not None:
                    torch.mm(grad.T, x_BD[:, : rows.stop], out=grad_weight[feature, rows, : rows.stop])
                    grad_weight[feature, rows, rows] *= mask
        return grad_x, grad_weight


def _blocks(size: int) -> list[slice]:
    """Consecutive rows, a few blocks of equal size or fewer of at least 64 rows."""
    block = max(-(-size // NUM_BLOCKS), SMALLEST_BLOCK)
    return [slice(start, min(start + block, size)) for start in range(0, size, block)]


def _mask(rows: slice, like: Tensor) -> Tensor:
    size = rows.stop - rows.start
    return torch.ones(size, size, dtype=like.dtype, device=like.device).tril_(-1)
