r"""The hidden layer of a NADE at every pixel of the order, without ever holding it for all pixels at once.

    a_i = c + \sum_{j<i} x_j W_j,    h_i = activation(a_i)

Pixels are processed in chunks of n. ``mean_nll`` computes the loss and its gradient in the same pass, each chunk while
its hidden units are in memory. Within a chunk a_{i+1} = a_i + x_i W_i is computed one pixel after another: 2·B·N
operations each, where one product for the whole chunk with its values below the diagonal has n times as many and took
twice as long. The gradient of W_i likewise needs the sum of da over all later pixels: within a chunk it is summed from
the last one to the first, and of each chunk the sum over all its pixels, (B, N), is kept for the earlier chunks.
``pre_activations`` is differentiable and takes the product, because autograd would keep every pixel's sum.

Shapes: B batch, D sub-pixels in the order, n sub-pixels of a chunk, N hidden units, F features of each sub-pixel.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor

from gmstudio.families.autoregressive.nade.scores import Output, score_of

ActivationName = Literal["sigmoid", "relu"]
CHUNK = 16


def pre_activations(x_BD: Tensor, weight_DN: Tensor, bias_N: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Pre-activations a_i, chunk by chunk.

    Args:
        x_BD: inputs in the order.
        weight_DN: W.
        bias_N: c.

    Returns:
        For each chunk its sub-pixels and (n, B, N); differentiable.
    """
    start_BN = bias_N.expand(len(x_BD), -1)
    for chunk in _chunks(x_BD.shape[1]):
        x_Bn, weight_nN = x_BD[:, chunk], weight_DN[chunk]
        yield chunk, _below_diagonal(x_Bn) @ weight_nN + start_BN
        start_BN = torch.addmm(start_BN, x_Bn, weight_nN)


def mean_nll(
    x_BD: Tensor,
    values_BD: Tensor,
    parameters: tuple[Tensor, Tensor, Tensor, Tensor],
    output: Output,
    activation: ActivationName,
) -> Tensor:
    r"""Mean over the batch of -\sum_i log p(x_i | x_{<i}), where x_i has features V_i h_i + b_i.

    Args:
        x_BD: inputs in the order.
        values_BD: the integers to be scored.
        parameters: W (D, N), c (N,), V (D, F, N) and b (D, F).
        output: of the features.
        activation: of the hidden units.

    Returns:
        0-dim, nats; differentiable in the parameters, once.
    """
    apply: Callable[..., Tensor] = _MeanNLL.apply
    with torch.autocast(x_BD.device.type, enabled=False):  # written for one precision throughout
        return apply(x_BD, values_BD, output, activation, *parameters)


class _MeanNLL(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_BD: Tensor,
        values_BD: Tensor,
        output: Output,
        activation: ActivationName,
        weight_DN: Tensor,
        bias_N: Tensor,
        readout_DFN: Tensor,
        offset_DF: Tensor,
    ) -> Tensor:
        want_gradients = any(ctx.needs_input_grad)
        one = _OnePass(x_BD, weight_DN, bias_N, readout_DFN, activation)
        score = score_of(output, values_BD, want_gradients)
        offset_grads = []
        for chunk in one.chunks:
            grad_nBF = score.add(chunk, one.features(chunk, offset_DF))
            if grad_nBF is not None:
                offset_grads.append(grad_nBF.sum(1))
                one.backward(chunk, grad_nBF)
        if want_gradients:
            ctx.save_for_backward(*one.finish(), torch.cat(offset_grads))
        return score.mean_nll()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (None, None, None, None, *(saved * grad for saved in ctx.saved_tensors))


class _OnePass:
    """Buffers of one chunk, and the gradients gathered so far."""

    def __init__(
        self, x_BD: Tensor, weight_DN: Tensor, bias_N: Tensor, readout_DFN: Tensor, activation: ActivationName
    ) -> None:
        self.chunks = _chunks(x_BD.shape[1])
        self._x_BD, self._weight_DN, self._readout_DFN = x_BD, weight_DN, readout_DFN
        self._x_DB1 = x_BD.T.unsqueeze(2).contiguous()
        self._activate, self._activate_backward = _ACTIVATIONS[activation]
        self._start_BN = bias_N.repeat(len(x_BD), 1)
        longest = self.chunks[0].stop
        self._hidden = x_BD.new_empty(longest, *self._start_BN.shape)
        self._grad = torch.empty_like(self._hidden)
        self._hidden_rows, self._grad_rows = self._hidden.unbind(0), self._grad.unbind(0)
        self._x_rows, self._weight_rows = self._x_DB1.unbind(0), weight_DN.unbind(0)
        self._weight_grad = torch.empty_like(weight_DN)
        self._readout_grad = torch.empty_like(readout_DFN)
        self._start_grads: list[Tensor] = []

    def features(self, chunk: slice, offset_DF: Tensor) -> Tensor:
        """(n, B, F); the chunk's hidden units are kept for ``backward``."""
        length = chunk.stop - chunk.start
        rows_BN = self._hidden_rows[:length]
        rows_BN[0].copy_(self._start_BN)
        places = (*rows_BN[1:], self._start_BN)
        steps = zip(rows_BN, places, self._x_rows[chunk], self._weight_rows[chunk], strict=True)
        for own_BN, next_BN, x_B1, weight_N in steps:
            torch.addcmul(own_BN, x_B1, weight_N, out=next_BN)
        hidden_nBN = self._activate(self._hidden[:length])
        return torch.baddbmm(offset_DF[chunk].unsqueeze(1), hidden_nBN, self._readout_DFN[chunk].transpose(1, 2))

    def backward(self, chunk: slice, grad_nBF: Tensor) -> None:
        """Add the gradients that follow from that of the chunk's features."""
        length = chunk.stop - chunk.start
        hidden_nBN, grad_nBN = self._hidden[:length], self._grad[:length]
        torch.bmm(grad_nBF.transpose(1, 2), hidden_nBN, out=self._readout_grad[chunk])
        torch.bmm(grad_nBF, self._readout_DFN[chunk], out=grad_nBN)
        self._activate_backward(grad_nBN, hidden_nBN)
        # A pixel's row of W is in the pre-activations of all later pixels, so its gradient needs the sum of theirs.
        rows_BN = self._grad_rows[:length]
        for later_BN, own_BN in pairwise(reversed(rows_BN)):
            own_BN.add_(later_BN)
        self._start_grads.append(rows_BN[0].clone())
        weight_grad_n1N = self._weight_grad[chunk].unsqueeze(1)
        torch.bmm(self._x_DB1[chunk][:-1].transpose(1, 2), grad_nBN[1:], out=weight_grad_n1N[:-1])
        weight_grad_n1N[-1] = 0.0

    def finish(self) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of W, c and V; the contributions of later chunks to the W of earlier pixels are added now."""
        later_BN = torch.zeros_like(self._start_BN)
        for chunk, start_grad_BN in zip(reversed(self.chunks), reversed(self._start_grads), strict=True):
            self._weight_grad[chunk].addmm_(self._x_BD[:, chunk].T, later_BN)
            later_BN += start_grad_BN
        return self._weight_grad, later_BN.sum(0), self._readout_grad


def _chunks(size: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)]


def _below_diagonal(x_Bn: Tensor) -> Tensor:
    """(n, B, n): at [i, b, j] the input x_j of image b if j < i, else 0."""
    return x_Bn * _earlier(x_Bn.shape[1], x_Bn.device)


def _earlier(size: int, device: torch.device) -> Tensor:
    """(n, 1, n): at [i, 0, j] whether j < i."""
    positions_n = torch.arange(size, device=device)
    return positions_n < positions_n.view(-1, 1, 1)


def _sigmoid_backward(grad: Tensor, hidden: Tensor) -> None:
    torch.ops.aten.sigmoid_backward.grad_input(grad, hidden, grad_input=grad)


def _relu_backward(grad: Tensor, hidden: Tensor) -> None:
    torch.ops.aten.threshold_backward.grad_input(grad, hidden, 0, grad_input=grad)


_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], None]]] = {
    "sigmoid": (torch.sigmoid_, _sigmoid_backward),
    "relu": (torch.relu_, _relu_backward),
}
