"""Scores of a NADE's features, chunk by chunk, and their gradients.

Shapes: B batch, D sub-pixels in the order, n sub-pixels of a chunk, F features of each sub-pixel.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.level_logits import LevelLogits


class Output(Protocol):
    """Map from features to log-probabilities, see ``LevelLogits`` and ``LevelMixture``."""

    def log_prob(self, features_BFD: Tensor, x_BD: Tensor) -> Tensor:
        """(B, D), nats."""


class Score(Protocol):
    """Sum of the negative log-probabilities of values, which come chunk by chunk."""

    def add(self, chunk: slice, features_nBF: Tensor) -> Tensor | None:
        """Add a chunk; return the gradient of the mean over the batch with respect to its features, if wanted."""

    def mean_nll(self) -> Tensor:
        """Mean over the batch: 0-dim, nats."""


def score_of(output: Output, values_BD: Tensor, want_gradients: bool) -> Score:
    """The score of integer values: of binary ones in closed form, of others by autograd.

    Autograd costs a chunk of binary values as much as an eighth of all its matrix products.
    """
    if isinstance(output, LevelLogits) and output.num_features == 1:
        return _BinaryScore(values_BD, want_gradients)
    return _AnyScore(output, values_BD, want_gradients)


class _AnyScore:
    def __init__(self, output: Output, values_BD: Tensor, want_gradients: bool) -> None:
        self._output, self._values_BD, self._want_gradients = output, values_BD, want_gradients
        self._parts: list[Tensor] = []

    def add(self, chunk: slice, features_nBF: Tensor) -> Tensor | None:
        values_Bn = self._values_BD[:, chunk]
        with torch.set_grad_enabled(self._want_gradients):
            features = features_nBF.detach().requires_grad_(self._want_gradients)
            nll = -self._output.log_prob(features.permute(1, 2, 0), values_Bn).sum() / len(values_Bn)
        self._parts.append(nll.detach())
        return torch.autograd.grad(nll, features)[0] if self._want_gradients else None

    def mean_nll(self) -> Tensor:
        return torch.stack(self._parts).sum()


class _BinaryScore:
    """With the log odds l of level 1: nll = log(1 + exp l) - x l, and its gradient σ(l) - x."""

    def __init__(self, values_BD: Tensor, want_gradients: bool) -> None:
        self._values_DB1 = values_BD.T.unsqueeze(2)
        self._want_gradients = want_gradients
        self._logits: list[Tensor] = []

    def add(self, chunk: slice, features_nBF: Tensor) -> Tensor | None:
        self._logits.append(features_nBF)
        if not self._want_gradients:
            return None
        return torch.sigmoid(features_nBF).sub_(self._values_DB1[chunk]).div_(features_nBF.shape[1])

    def mean_nll(self) -> Tensor:
        logits_DB1 = torch.cat(self._logits)
        values_DB1 = self._values_DB1.to(logits_DB1.dtype)
        total = functional.binary_cross_entropy_with_logits(logits_DB1, values_DB1, reduction="sum")
        return total / logits_DB1.shape[1]
