"""A linear layer of which a mask leaves only some connections, computed without most of those that it cuts.

Where units are sorted by their degrees and pixels by their order, as by default, the weights that a mask leaves form a
staircase: each output reads some first inputs, as many as the output before it or more. A block of outputs then reads
some inputs whole, some under a mask, and none of the rest, which costs nothing. With 4 blocks 3/8 of the product is
left out, and only a quarter of the weights is multiplied by a mask. Any other mask is one block.

oneDNN needs larger products, and rows without gaps (``gmstudio.nn.products``). For it the weights of two blocks are
copied under their mask, which leaves out 1/4 of the product and pays for a batch that is large enough.

Shapes: B batch, K inputs, M outputs under the mask, F copies of them with weights of their own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gmstudio.nn.products import is_for_onednn, linear, product

NUM_BLOCKS = 4
SMALLEST_BLOCK = 64
JOINED = 2
"""Blocks of one product by oneDNN."""
SMALLEST_BATCH = 128
"""Images for which the copies of the weights take less time than oneDNN saves."""


class MaskBlock(NamedTuple):
    """A block of outputs, and the inputs that they read.

    Args:
        start: first output.
        stop: the output after the last one.
        whole: inputs that all of them read: the first ones.
        mask: of the inputs that follow, 1 where an output may read one, else 0; they read none of those after it.
    """

    start: int
    stop: int
    whole: int
    mask: Tensor

    @property
    def reach(self) -> int:
        """The input after the last one that some output reads."""
        return self.whole + self.mask.shape[1]


Mask = tuple[MaskBlock, ...]
"""All outputs of a layer, block after block."""
Rows = list[tuple[slice, MaskBlock]]
"""Rows of the weights, and the block that masks them."""


def one_block(mask_MK: Tensor) -> Mask:
    """Return a mask as it is; its entries are not looked at.

    Args:
        mask_MK: 1 where an output may read an input, else 0.
    """
    return (MaskBlock(0, len(mask_MK), 0, mask_MK),)


def in_blocks(mask_MK: Tensor) -> Mask:
    """Return the blocks of a mask: several where it is a staircase and large enough, on the CPU.

    Elsewhere launching the kernels of more blocks takes longer than what they leave out.
    """
    if mask_MK.device.type != "cpu":
        return one_block(mask_MK)
    size = max(-(-len(mask_MK) // NUM_BLOCKS), SMALLEST_BLOCK)
    limits_M = mask_MK.sum(1).long()
    steps = torch.arange(mask_MK.shape[1], device=mask_MK.device) < limits_M.unsqueeze(1)
    if not torch.equal(steps, mask_MK > 0) or bool((limits_M.diff() < 0).any()):
        return one_block(mask_MK)
    limits, blocks = limits_M.tolist(), []
    for start in range(0, len(limits), size):
        stop = min(start + size, len(limits))
        whole, reach = limits[start], limits[stop - 1]
        blocks.append(MaskBlock(start, stop, whole, mask_MK[start:stop, whole:reach].contiguous()))
    return tuple(blocks)


def masked_linear(x_BK: Tensor, weight_EK: Tensor, bias: Tensor, mask: Mask) -> Tensor:
    """Compute x · (weight ⊙ mask)ᵀ + bias.

    The mask is multiplied in once for forward and backward together, and in place into the weight's gradient.

    Args:
        x_BK: inputs.
        weight_EK: weights of E = F·M outputs, copy after copy.
        bias: (E,) biases, or (B, E) to be added.
        mask: of the M outputs; the same for each copy.

    Returns:
        (B, E); differentiable in all but the mask, once.
    """
    if len(x_BK) >= SMALLEST_BATCH and is_for_onednn(x_BK, x_BK.shape[1], _joined_rows(mask), weight_EK):
        joined: Callable[..., Tensor] = _JoinedBlocks.apply
        return joined(x_BK, weight_EK, bias, mask)
    apply: Callable[..., Tensor] = _MaskedLinear.apply
    if not torch.is_autocast_enabled(x_BK.device.type):
        return apply(x_BK, weight_EK, bias, mask)
    with torch.autocast(x_BK.device.type, enabled=False):  # written for one precision throughout
        return apply(x_BK, weight_EK, bias, mask)


class _MaskedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BK: Tensor, weight_EK: Tensor, bias: Tensor, mask: Mask) -> Tensor:
        outs, edges = [], []
        for rows, block in _of_all_copies(mask, len(weight_EK)):
            edge = weight_EK[rows, block.whole : block.reach] * block.mask
            out = torch.addmm(bias[..., rows], x_BK[:, block.whole : block.reach], edge.T)
            if block.whole:
                out = torch.addmm(out, x_BK[:, : block.whole], weight_EK[rows, : block.whole].T)
            outs.append(out)
            edges.append(edge)
        ctx.save_for_backward(x_BK, weight_EK, *edges)
        ctx.mask, ctx.bias_dim = mask, bias.dim()
        return outs[0] if len(outs) == 1 else torch.cat(outs, 1)

    @staticmethod
    def backward(ctx: Any, grad_BE: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x_BK, weight_EK, *edges = ctx.saved_tensors
        blocks = _of_all_copies(ctx.mask, len(weight_EK))
        grad_x = torch.zeros_like(x_BK) if ctx.needs_input_grad[0] else None
        grad_weight = torch.empty_like(weight_EK) if ctx.needs_input_grad[1] else None
        for (rows, block), edge in zip(blocks, edges, strict=True):
            grad, whole, reach = grad_BE[:, rows], block.whole, block.reach
            if grad_x is not None:
                grad_x[:, whole:reach].addmm_(grad, edge)
                grad_x[:, :whole].addmm_(grad, weight_EK[rows, :whole])
            if grad_weight is not None:
                torch.mm(grad.T, x_BK[:, :reach], out=grad_weight[rows, :reach])
                _mask_in_place(grad_weight, [(rows, block)])
        grad_bias = grad_BE.sum(0) if ctx.bias_dim == 1 else grad_BE
        return grad_x, grad_weight, grad_bias, None


class _JoinedBlocks(torch.autograd.Function):
    """The same by fewer products: ``JOINED`` blocks each."""

    @staticmethod
    def forward(ctx: Any, x_BK: Tensor, weight_EK: Tensor, bias: Tensor, mask: Mask) -> Tensor:
        groups = _groups(mask, len(weight_EK))
        weights = [_masked(weight_EK, group) for group in groups]
        ctx.save_for_backward(x_BK, *weights)
        ctx.groups, ctx.weight_shape, ctx.bias_dim = groups, weight_EK.shape, bias.dim()
        return torch.cat([linear(x_BK[:, : weight.shape[1]], weight) for weight in weights], 1).add_(bias)

    @staticmethod
    def backward(ctx: Any, grad_BE: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x_BK, *weights = ctx.saved_tensors
        grad_x = torch.zeros_like(x_BK) if ctx.needs_input_grad[0] else None
        grad_weight = x_BK.new_empty(ctx.weight_shape) if ctx.needs_input_grad[1] else None
        for group, weight in zip(ctx.groups, weights, strict=True):
            rows, reach = slice(group[0][0].start, group[-1][0].stop), weight.shape[1]
            if grad_x is not None:
                grad_x[:, :reach].add_(product(grad_BE[:, rows], weight))
            if grad_weight is not None:
                grad_weight[rows, :reach] = product(grad_BE[:, rows].T, x_BK[:, :reach])
                _mask_in_place(grad_weight, group)
        return grad_x, grad_weight, grad_BE.sum(0) if ctx.bias_dim == 1 else grad_BE, None


def _joined_rows(mask: Mask) -> int:
    """Outputs of the first product by oneDNN."""
    return mask[:JOINED][-1].stop


def _groups(mask: Mask, num_outputs: int) -> list[Rows]:
    """Rows and blocks of each product by oneDNN; none spans two copies."""
    rows = _of_all_copies(mask, num_outputs)
    copies = [rows[start : start + len(mask)] for start in range(0, len(rows), len(mask))]
    return [copy[start : start + JOINED] for copy in copies for start in range(0, len(mask), JOINED)]


def _masked(weight_EK: Tensor, group: Rows) -> Tensor:
    """Copy the weights of a group, as far as the last of its blocks reaches."""
    start, reach = group[0][0].start, group[-1][1].reach
    found = weight_EK.new_zeros(group[-1][0].stop - start, reach)
    for rows, block in group:
        own, own_weight = found[rows.start - start : rows.stop - start], weight_EK[rows]
        own[:, : block.whole] = own_weight[:, : block.whole]
        torch.mul(own_weight[:, block.whole : block.reach], block.mask, out=own[:, block.whole : block.reach])
    return found


def _mask_in_place(grad_weight: Tensor, group: Rows) -> None:
    """Set the gradients of the weights that a mask cuts to zero."""
    for rows, block in group:
        grad_weight[rows, block.whole : block.reach].mul_(block.mask)
        grad_weight[rows, block.reach :].zero_()


def _of_all_copies(mask: Mask, num_outputs: int) -> Rows:
    """Rows of the weights, and the block that masks them, copy after copy."""
    starts = range(0, num_outputs, mask[-1].stop)
    return [(slice(start + block.start, start + block.stop), block) for start in starts for block in mask]
