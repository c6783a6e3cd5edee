r"""The hidden layer of a NADE at every pixel of the order, without ever holding it for all pixels at once.

    a_i = c + \sum_{j<i} x_j W_j,    h_i = activation(a_i)

Pixels are processed in chunks of n. Within a chunk, a_i is the pre-activation at its beginning plus one product of a
(n·B, n) matrix, which holds the chunk's values below the diagonal, with the chunk's n rows of W. ``mean_nll`` computes
the loss and its gradient in the same pass, each chunk while its hidden units are in memory: for a chunk's part of the
dW of pixels in earlier chunks, only the sum of da over each chunk is needed, which is (B, N).

Shapes: B batch, D sub-pixels in the order, n sub-pixels of a chunk, N hidden units, F features of each sub-pixel.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

ActivationName = Literal["sigmoid", "relu"]
CHUNK = 16


class Output(Protocol):
    """Map from features to log-probabilities, see ``LevelLogits`` and ``LevelMixture``."""

    def log_prob(self, features_BFD: Tensor, x_BD: Tensor) -> Tensor:
        """(B, D), nats."""


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
        one = _OnePass(x_BD, weight_DN, bias_N, readout_DFN, activation)
        nll = x_BD.new_zeros(())
        want_gradients = any(ctx.needs_input_grad)
        offset_grads = []
        for chunk in one.chunks:
            features_nBF = one.features(chunk) + offset_DF[chunk].unsqueeze(1)
            chunk_nll, grad_nBF = _score(features_nBF, values_BD[:, chunk], output, want_gradients)
            nll += chunk_nll
            if grad_nBF is not None:
                offset_grads.append(grad_nBF.sum(1))
                one.backward(chunk, grad_nBF)
            one.proceed(chunk)
        if want_gradients:
            ctx.save_for_backward(*one.finish(), torch.cat(offset_grads))
        return nll

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
        self._activate, self._activate_backward = _ACTIVATIONS[activation]
        self._start_BN = bias_N.repeat(len(x_BD), 1)
        longest = self.chunks[0].stop
        self._hidden = x_BD.new_empty(longest, *self._start_BN.shape)
        self._grad = torch.empty_like(self._hidden)
        self._weight_grad = torch.empty_like(weight_DN)
        self._readout_grad = torch.empty_like(readout_DFN)
        self._start_grads: list[Tensor] = []

    def features(self, chunk: slice) -> Tensor:
        """(n, B, F) without their offsets; the chunk's hidden units are kept for ``backward``."""
        length = chunk.stop - chunk.start
        hidden_nBN = self._hidden[:length]
        self._below = _below_diagonal(self._x_BD[:, chunk]).flatten(0, 1)
        hidden_nBN.copy_(self._start_BN.expand_as(hidden_nBN))
        hidden_nBN.view(-1, hidden_nBN.shape[2]).addmm_(self._below, self._weight_DN[chunk])
        self._activate(hidden_nBN)
        return torch.bmm(hidden_nBN, self._readout_DFN[chunk].transpose(1, 2))

    def backward(self, chunk: slice, grad_nBF: Tensor) -> None:
        """Add the gradients that follow from that of the chunk's features."""
        length = chunk.stop - chunk.start
        hidden_nBN, grad_nBN = self._hidden[:length], self._grad[:length]
        torch.bmm(grad_nBF.transpose(1, 2), hidden_nBN, out=self._readout_grad[chunk])
        torch.bmm(grad_nBF, self._readout_DFN[chunk], out=grad_nBN)
        self._activate_backward(grad_nBN, hidden_nBN)
        torch.mm(self._below.T, grad_nBN.flatten(0, 1), out=self._weight_grad[chunk])
        self._start_grads.append(grad_nBN.sum(0))

    def proceed(self, chunk: slice) -> None:
        """Advance to the start of the next chunk."""
        self._start_BN.addmm_(self._x_BD[:, chunk], self._weight_DN[chunk])

    def finish(self) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of W, c and V; the contributions of later chunks to the W of earlier pixels are added now."""
        later_BN = torch.zeros_like(self._start_BN)
        for chunk, start_grad_BN in zip(reversed(self.chunks), reversed(self._start_grads), strict=True):
            self._weight_grad[chunk].addmm_(self._x_BD[:, chunk].T, later_BN)
            later_BN += start_grad_BN
        return self._weight_grad, later_BN.sum(0), self._readout_grad


def _score(
    features_nBF: Tensor, values_Bn: Tensor, output: Output, want_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Mean over the batch of the chunk's nll, and its gradient with respect to the features."""
    with torch.enable_grad() if want_gradient else torch.no_grad():
        features = features_nBF.detach().requires_grad_(want_gradient)
        nll = -output.log_prob(features.permute(1, 2, 0), values_Bn).sum() / len(values_Bn)
    if not want_gradient:
        return nll, None
    return nll.detach(), torch.autograd.grad(nll, features)[0]


def _chunks(size: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)]


def _below_diagonal(x_Bn: Tensor) -> Tensor:
    """(n, B, n): at [i, b, j] the input x_j of image b if j < i, else 0."""
    positions_n = torch.arange(x_Bn.shape[1], device=x_Bn.device)
    return x_Bn * (positions_n < positions_n.view(-1, 1, 1))


def _sigmoid_backward(grad: Tensor, hidden: Tensor) -> None:
    torch.ops.aten.sigmoid_backward.grad_input(grad, hidden, grad_input=grad)


def _relu_backward(grad: Tensor, hidden: Tensor) -> None:
    torch.ops.aten.threshold_backward.grad_input(grad, hidden, 0, grad_input=grad)


_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], None]]] = {
    "sigmoid": (torch.sigmoid_, _sigmoid_backward),
    "relu": (torch.relu_, _relu_backward),
}
