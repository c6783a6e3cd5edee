"""A linear layer of which a mask leaves only some connections.

Shapes: B batch, K inputs, M outputs under the mask, F copies of them with weights of their own.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def masked_linear(x_BK: Tensor, weight_EK: Tensor, bias: Tensor, mask_MK: Tensor) -> Tensor:
    """Compute x · (weight ⊙ mask)ᵀ + bias.

    The mask is multiplied in once for forward and backward together, and in place into the weight's gradient.

    Args:
        x_BK: inputs.
        weight_EK: weights of E = F·M outputs, copy after copy.
        bias: (E,) biases, or (B, E) to be added.
        mask_MK: 1 where an output may read an input, else 0; the same for each copy.

    Returns:
        (B, E); differentiable in all but the mask, once.
    """
    apply: Callable[..., Tensor] = _MaskedLinear.apply
    with torch.autocast(x_BK.device.type, enabled=False):  # written for one precision throughout
        return apply(x_BK, weight_EK, bias, mask_MK)


class _MaskedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BK: Tensor, weight_EK: Tensor, bias: Tensor, mask_MK: Tensor) -> Tensor:
        masked_EK = (weight_EK.view(-1, *mask_MK.shape) * mask_MK).view_as(weight_EK)
        ctx.save_for_backward(x_BK, masked_EK, mask_MK)
        ctx.bias_dim = bias.dim()
        return torch.addmm(bias, x_BK, masked_EK.T)

    @staticmethod
    def backward(ctx: Any, grad_BE: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x_BK, masked_EK, mask_MK = ctx.saved_tensors
        grad_x = grad_BE @ masked_EK if ctx.needs_input_grad[0] else None
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = grad_BE.T @ x_BK
            grad_weight.view(-1, *mask_MK.shape).mul_(mask_MK)
        grad_bias = grad_BE.sum(0) if ctx.bias_dim == 1 else grad_BE
        return grad_x, grad_weight, grad_bias, None
