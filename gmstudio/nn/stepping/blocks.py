"""Preparation of a sampler of many steps: programs a block of steps at a time, weights without spare copies.

An image of 256×256 pixels has 65,536 steps, each with calls of its own. Compiled all at once they are a second of work
and some hundred megabytes before the first pixel; compiled one at a time, creating views of tensors costs more than the
work.

Letters: R rows, K columns.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gmstudio.nn.stepping.ops import Program

BLOCK = 256
"""Steps compiled together: under a millisecond of work."""
PART = 2**22
"""Numbers of a weight that are reordered at a time."""


class BlockPrograms:
    """Programs of all steps, of which those near the last requested one are kept.

    Args:
        num_steps: number of steps.
        compile_steps: function from consecutive steps to their programs.
    """

    def __init__(self, num_steps: int, compile_steps: Callable[[range], list[Program]]) -> None:
        self._num_steps = num_steps
        self._compile = compile_steps
        self._start = 0
        self._programs: list[Program] = []

    def __len__(self) -> int:
        return self._num_steps

    def __getitem__(self, step: int) -> Program:
        offset = step - self._start
        if 0 <= offset < len(self._programs):
            return self._programs[offset]
        if not 0 <= step < self._num_steps:
            raise IndexError(step)
        self._start = step - step % BLOCK
        self._programs = self._compile(range(self._start, min(self._start + BLOCK, self._num_steps)))
        return self._programs[step - self._start]


def ordered(weight: Tensor, rows_R: Tensor, scale: float = 1.0) -> Tensor:
    """Rows of a weight (…, K) in the order of ``rows_R``, times ``scale``: a single copy."""
    out = weight.detach()[rows_R]
    return out if scale == 1.0 else out.mul_(scale)


def ordered_with_bias(
    weight: Tensor, bias: Tensor, rows_R: Tensor, columns_K: Tensor | None = None, scale: float = 1.0
) -> Tensor:
    """A weight in another order with the bias as its first column; no other tensor of that size is allocated.

    Args:
        weight: (…, …, K), rows first.
        bias: of the weight's shape but for the columns.
        rows_R: indices of the rows, in order.
        columns_K: indices of the columns, in order; None: unchanged.
        scale: multiplies the weight.

    Returns:
        (R, …, 1 + K).
    """
    num_columns = weight.shape[-1] if columns_K is None else len(columns_K)
    out = torch.empty((len(rows_R), *weight.shape[1:-1], 1 + num_columns), dtype=weight.dtype, device=weight.device)
    out[..., 0] = bias.detach()[rows_R]
    step = max(1, PART // max(1, out[0].numel()))
    for start in range(0, len(rows_R), step):
        part = weight.detach()[rows_R[start : start + step]]
        out[start : start + step, ..., 1:] = part if columns_K is None else part[..., columns_K]
    if scale != 1.0:
        out[..., 1:].mul_(scale)
    return out
